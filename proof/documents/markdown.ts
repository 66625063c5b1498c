/** A piece of a document that somebody may copy: YAML or shell. */
export interface Snippet {
  readonly language: "yaml" | "shell";
  readonly text: string;
  /** 1-based line of the snippet's first line. */
  readonly line: number;
  /** The fence does not say what it is, or there is no fence: what does not parse is taken for prose. */
  readonly guessed: boolean;
}

const yamlNames = /^(?:ya?ml|helm|k8s|kubernetes)$/i;
const shellNames = /^(?:ba|z|k)?sh$|^(?:shell|console|shell-session|shellsession|terminal|cmd|command)$/i;
/** Programs that start a line of shell in a block that does not say what it is. */
const tools =
  /^\s*(?:[$❯#]\s+)?(?:sudo\s+)?(?:cat\s+<<|(?:helm|kubectl|cilium|cilium-dbg|hubble|kubeadm|etcdctl|modprobe|watch|echo)(?=\s|$))/;
const yamlLine = /^\s*(?:- )*["']?[\w@][\w./@:-]*["']?:(?:\s|$)/;

/** The YAML and shell of a Markdown text, by its fences; of a text without any fence, by the look of its lines. */
export function snippets(text: string): Snippet[] {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  const fenced = fences(lines);
  return fenced.found ? fenced.snippets : unfenced(lines);
}

function fences(lines: readonly string[]): { found: boolean; snippets: Snippet[] } {
  const snippets: Snippet[] = [];
  let found = false;
  const ends = closings(lines);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const opening = isFence(line)
      ? /^(\s*(?:[>*+-]\s+|\d+[.)]\s+)*)(`{3,}|~{3,})\s*(?:\{?\.?([\w+-]*)[^`]*)$/.exec(line)
      : null;
    if (!opening) continue;
    const [, before = "", fence = "", language = ""] = opening;
    while ((ends[0]?.at ?? Number.POSITIVE_INFINITY) <= at) ends.shift();
    const end = ends.find(({ marks }) => marks[0] === fence[0] && marks.length >= fence.length)?.at;
    if (end === undefined) continue;
    found = true;
    const body = lines.slice(at + 1, end).map((line) => undent(line, before));
    const snippet = identify(language, body.join("\n"), at + 2);
    if (snippet) snippets.push(snippet);
    at = end;
  }
  return { found, snippets };
}

/** Lines that may close a fence, with its marks. */
function closings(lines: readonly string[]): { readonly at: number; readonly marks: string }[] {
  return lines.flatMap((line, at) => {
    const marks = isFence(line) ? /^[ \t>]*(`{3,}|~{3,})\s*$/.exec(line)?.[1] : undefined;
    return marks === undefined ? [] : [{ at, marks }];
  });
}

/** A cheap question before a dear one; no fence stands on a line of thousands of characters. */
function isFence(line: string): boolean {
  return line.length < 1000 && (line.includes("```") || line.includes("~~~"));
}

/** Takes off the quote marks and the indentation of the list item that a fence stands in. */
function undent(line: string, before: string): string {
  const plain = before.includes(">") ? line.replace(/^\s*(?:> ?)+/, "") : line;
  const width = before.includes(">") ? 0 : before.length;
  const spaces = /^\s*/.exec(plain)?.[0].length ?? 0;
  return plain.slice(Math.min(width, spaces));
}

function identify(language: string, text: string, line: number): Snippet | undefined {
  // Some guides put the whole command into a block of YAML.
  if (yamlNames.test(language)) {
    return { language: /^[^#\n]*<<-?\s*["']?\w+/m.test(text) ? "shell" : "yaml", text, line, guessed: false };
  }
  if (/^json/i.test(language)) return { language: "yaml", text, line, guessed: true };
  if (shellNames.test(language)) return { language: "shell", text, line, guessed: false };
  if (language !== "" && !/^te?xt$|^plain/i.test(language)) return undefined;
  const content = text.split("\n").filter((each) => each.trim() !== "" && !/^\s*#(?!\s)/.test(each));
  if (content.some((each) => tools.test(each))) return { language: "shell", text, line, guessed: true };
  const own = content.filter((each) => !/^\s*#/.test(each));
  const like = own.filter((each) => yamlLine.test(each) || /^\s*- |^---/.test(each)).length;
  return own.length > 0 && like === own.length ? { language: "yaml", text, line, guessed: true } : undefined;
}

/** Runs of manifest lines, and commands with what continues them, in a text that lost its fences. */
function unfenced(lines: readonly string[]): Snippet[] {
  const found: Snippet[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const end = /^\s*apiVersion:\s*\S/.test(line)
      ? endOfManifest(lines, at)
      : tools.test(line) && isCommandLine(line)
        ? endOfCommand(lines, at)
        : at;
    if (end === at) continue;
    const language = /^\s*apiVersion:/.test(line) ? "yaml" : "shell";
    // The comment right above belongs to the command.
    const start = language === "shell" && /^\s*#\s/.test(lines[at - 1] ?? "") ? at - 1 : at;
    found.push({ language, text: lines.slice(start, end).join("\n"), line: start + 1, guessed: true });
    at = end - 1;
  }
  return found;
}

/** A sentence may begin with `cilium` too; a command goes on with words of ASCII only. */
function isCommandLine(line: string): boolean {
  const [command = ""] = line.split(/\s#\s/);
  return (
    /^[\x20-\x7e]*$/.test(command) &&
    !/[.:]\s*$/.test(command) &&
    !/\b(?:is|are|was|the|and|will|can|has)\b/i.test(command)
  );
}

function endOfManifest(lines: readonly string[], from: number): number {
  let at = from;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    if (!yamlLine.test(line) && !/^\s*(?:- |#|---)/.test(line) && line.trim() !== "") break;
    if (line.trim() === "" && (lines[at + 1] ?? "").trim() === "") break;
    at++;
  }
  return at;
}

/** A command ends where no backslash, open quote or here-document carries it on. */
function endOfCommand(lines: readonly string[], from: number): number {
  let quotes = 0;
  for (let at = from; at < Math.min(lines.length, from + 400); at++) {
    const line = lines[at] ?? "";
    const delimiter = /<<-?\s*["']?(\w+)/.exec(line)?.[1];
    if (delimiter !== undefined) {
      const end = lines.slice(at + 1, at + 2000).findIndex((each) => each.trim() === delimiter);
      return end === -1 ? at + 1 : at + 1 + end + 1;
    }
    quotes += line.split("'").length - 1;
    if (!/\\\s*$/.test(line) && quotes % 2 === 0) return at + 1;
  }
  return from + 1;
}
