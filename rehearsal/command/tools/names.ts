import { isIP } from "node:net";
import type { Host } from "../host.ts";

/** Addresses that /etc/hosts gives for a name, in its order; an address stands for itself. There is no DNS in the rehearsal. */
export function resolveNames(host: Host, name: string): string[] {
  if (isIP(name) !== 0) return [name];
  if (name === "localhost") return ["127.0.0.1"];
  return (host.files.read("/etc/hosts") ?? "").split("\n").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return names.includes(name) ? [address] : [];
  });
}
