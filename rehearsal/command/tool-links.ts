import { readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "./host.ts";
import { basicTools, packagedTools } from "./tools/index.ts";

/** Programs that the sandbox needs, and those that play a tool without asking. */
export const shims = join(import.meta.dirname, "shims");
const inside = "/.rehearsal/shims";
const ofTheSandbox = ["enter", "as-user", "call", "absent"];

/** Puts the tools of installed packages, and no others, on the host's PATH. */
export function linkTools({ directory, state }: Host): void {
  const folder = join(directory, "local", "sbin");
  const present = new Set(readdirSync(folder));
  const own = readdirSync(shims).filter((name) => !ofTheSandbox.includes(name));
  const wanted = new Map(own.map((name) => [name, `${inside}/${name}`]));
  wanted.set("whoami", `${inside}/id`);
  wanted.set("chgrp", `${inside}/chown`);
  for (const name of basicTools) wanted.set(name, `${inside}/call`);
  for (const [name, owners] of Object.entries(packagedTools)) {
    if (owners.some((owner) => state.packages[owner] !== undefined)) wanted.set(name, `${inside}/call`);
    else if (present.has(name)) rmSync(join(folder, name), { force: true });
  }
  for (const [name, target] of wanted) if (!present.has(name)) symlinkSync(target, join(folder, name));
}
