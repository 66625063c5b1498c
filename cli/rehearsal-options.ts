import path from "node:path";
import { pathToFileURL } from "node:url";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { InvalidArgumentError } from "commander";
import { checkout, Folder } from "../rehearsal/folder.ts";
import { type Rehearsal, standIns } from "../rehearsal/run.ts";
import { throwawaySecrets } from "../rehearsal/throwaway.ts";

/** The rehearsal of the stack files in a folder with this project's own program and stand-ins. */
export function rehearsalOf(projectFolder: string, speed: number, only: readonly string[]): Rehearsal {
  const program: PulumiFn = async () => {
    const { default: main }: { default: PulumiFn } = await import(pathToFileURL(path.join(checkout, "index.ts")).href);
    return main();
  };
  return {
    projectFolder,
    speed,
    only,
    screen: process.stdout,
    program,
    providers: standIns,
    makeSecrets: throwawaySecrets,
    folder: new Folder(projectFolder, "run"),
  };
}

/** A number above 0 from the command line. */
export function plainNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("Write a number above 0.");
  return number;
}
