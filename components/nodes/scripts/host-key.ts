import { exclusive, script, strict } from "./bash.ts";

const key = "/etc/ssh/ssh_host_ed25519_key";

/**
 * Replaces the bootstrap host key by the final private key on stdin.
 *
 * Until sshd reads its files again, at the very end, another attempt finds the bootstrap key; the session itself outlives the reload.
 */
export function renderHostKeyScript(): string {
  return script(
    strict,
    exclusive,
    `umask 077
cat >${key}.new
ssh-keygen -y -f ${key}.new >${key}.pub.new || refuse GB-722 "the host key on stdin is not one. Make the stack's secrets again: npm run secrets."
chmod 0644 ${key}.pub.new
sshd -t
mv ${key}.pub.new ${key}.pub
mv ${key}.new ${key}
sync
systemctl reload ssh`,
  );
}
