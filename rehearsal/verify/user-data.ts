import { Host } from "../command/host.ts";
import { allMachines } from "../command/machine.ts";
import { bareKey } from "../command/ssh-key.ts";
import type { World } from "../world.ts";

/** What looks like a key in a text that anyone may read who may describe the machine: none but one host key belongs there. */
const secrets: readonly { readonly what: string; readonly pattern: RegExp; readonly allowed: number }[] = [
  { what: "private keys", pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/g, allowed: 1 },
  { what: "bootstrap tokens", pattern: /\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, allowed: 0 },
  { what: "keys of 32 bytes", pattern: /\b[0-9a-f]{64}\b|\b[A-Za-z0-9+/]{43}=/g, allowed: 0 },
];

/** Secrets in user data, and machines that still show the host key that stands in it. */
export function userDataProblems(world: World): string[] {
  return allMachines(world).flatMap((machine) => {
    const { name, userData } = machine;
    if (userData === undefined) return [];
    // The lines of a key look like keys themselves.
    const rest = userData.replaceAll(/(?<=-----BEGIN [A-Z ]*-----)[^-]*/g, "");
    const found = secrets
      .map((secret) => ({ ...secret, count: [...rest.matchAll(secret.pattern)].length }))
      .filter(({ allowed, count }) => count > allowed)
      .map(({ what, allowed, count }) => `${name}: its user data holds ${count} ${what}, and ${allowed} may be there`);
    const { state } = Host.open(machine);
    const shown = bareKey(state.sshHostKey);
    const known = userData.match(/ssh-ed25519 [A-Za-z0-9+/=]+/g)?.map(bareKey) ?? [];
    const kept = shown !== undefined && known.includes(shown);
    return kept
      ? [...found, `${name}: sshd still shows the host key of its user data, which anyone may read who may describe it`]
      : found;
  });
}
