/**
 * What all scripts share. They are plain bash, may run any number of times, and hold no secret: sshd passes them as an argument, and the
 * provider prints them when they fail. Secrets arrive on stdin only.
 */

/** One word for the shell, whatever it holds. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command for `create` or `delete` that runs the script as root, its stdin untouched. */
export function asRoot(script: string): string {
  return `sudo -n bash --norc -c ${quote(script)}`;
}

/** Joins parts into one script, with an empty line between them. */
export function script(...parts: readonly string[]): string {
  return `${parts.map((part) => part.trim()).join("\n\n")}\n`;
}

/** First lines of every script. `refuse CODE TEXT` ends it with a line that says what to do; the provider shows it with the error. */
export const strict = `set -euo pipefail
refuse() {
  echo "$1: $2" >&2
  exit 1
}`;

/**
 * For scripts that change their machine: one at a time, since an `up` that was killed leaves its script running, and with what it says
 * in a file, since writing to a connection that is gone would end it half-way. `logged COMMAND...` shows the end of it on failure.
 *
 * Ten minutes are what the slowest of them, an installation over a slow mirror, may take.
 */
export const exclusive = `umask 022
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
mkdir -p /var/lib/gyeongbu /var/log/gyeongbu
exec 9>/run/lock/gyeongbu
flock -w 600 9 || refuse GB-720 "another step has been running on this machine for ten minutes. Look at /var/log/gyeongbu/steps.log."
logged() {
  local before
  touch /var/log/gyeongbu/steps.log
  before=$(wc -l </var/log/gyeongbu/steps.log)
  if ! "$@" >>/var/log/gyeongbu/steps.log 2>&1 </dev/null 9>&-; then
    tail -n +"$((before + 1))" /var/log/gyeongbu/steps.log | tail -n 40 >&2
    refuse GB-721 "$* failed; the lines above are the end of what it said."
  fi
}`;

/**
 * `put MODE PATH [COMMAND...]`: stdin becomes the file in one move, and the command runs when that changed it, or when it did not come to its
 * end the last time.
 */
export const put = `put() {
  local mode=$1 path=$2 new pending=/var/lib/gyeongbu/pending\${2//\\//-}
  shift 2
  mkdir -p "$(dirname "$path")"
  new=$(mktemp "$path.XXXXXX")
  cat >"$new"
  chmod "$mode" "$new"
  if [[ -f $path && ! -e $pending ]] && cmp -s "$new" "$path"; then
    rm "$new"
    return 0
  fi
  [[ $# -eq 0 ]] || touch "$pending"
  mv "$new" "$path"
  [[ $# -eq 0 ]] || "$@"
  rm -f "$pending"
}`;

/** Bash that writes a file with `put`. The content is taken as it is. */
export function file(path: string, content: string, { mode = "0644", onChange = "" } = {}): string {
  const command = ["put", mode, path, onChange].filter((word) => word !== "").join(" ");
  return `${command} <<'EOF'\n${content.trim()}\nEOF`;
}
