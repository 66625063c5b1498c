import { writeFileSync } from "node:fs";
import path from "node:path";
import { destroyAll } from "../../../rehearsal/destroy.ts";
import { drillSeoulLoss } from "../../../rehearsal/drills/seoul-loss.ts";
import { Folder } from "../../../rehearsal/folder.ts";
import { type Rehearsal, rehearse, Session } from "../../../rehearsal/run.ts";
import { fakeProgram } from "./program.ts";

/** `node cli.ts start|destroy|drill PROJECT BASE`: a rehearsal of things in the fake cloud, everything of it below BASE. */
const [command, project = "", base = ""] = process.argv.slice(2);
const rehearsal: Rehearsal = {
  projectFolder: path.resolve(project),
  speed: 600,
  only: [],
  screen: process.stdout,
  program: fakeProgram,
  providers: [{ name: "fake", path: import.meta.dirname }],
  makeSecrets: async (files) => new Map(files.map(({ name }) => [name, "swordfish-4711"])),
  folder: new Folder(project, "run", base),
};
try {
  if (command === "start") {
    const report = await rehearse(rehearsal, false);
    writeFileSync(path.join(base, "report.json"), JSON.stringify(report));
  } else if (command === "drill") {
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    const session = await Session.open(rehearsal, say);
    writeFileSync(path.join(base, "steps.json"), JSON.stringify(await drillSeoulLoss(session, say, 10)));
  } else {
    const left = await destroyAll(rehearsal, (line) => void process.stdout.write(`${line}\n`));
    process.stdout.write(`left: ${left.length}\n`);
  }
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
