import { writeFileSync } from "node:fs";
import path from "node:path";
import { Command, Option } from "commander";
import { shellEnvironment } from "../rehearsal/by-hand.ts";
import { destroyAll } from "../rehearsal/destroy.ts";
import { drillSeoulLoss, renderSteps } from "../rehearsal/drills/seoul-loss.ts";
import { Folder } from "../rehearsal/folder.ts";
import { Session } from "../rehearsal/run.ts";
import { describeFolder } from "../rehearsal/status.ts";
import { plainNumber, rehearsalOf } from "./rehearsal-options.ts";
import { reportError } from "./report-error.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const speed = new Option("--speed <number>", "modelled seconds per second").default(600).argParser(plainNumber);

const command = new Command("npm run rehearse --").description("What can be done with a rehearsal besides npm start.");

command
  .command("destroy")
  .description("destroy every stack with the engine; the world is empty afterwards")
  .argument("[folder]", "folder of the stack files", ".")
  .addOption(speed)
  .action(async (folder: string, options: { speed: number }) => {
    const rehearsal = rehearsalOf(path.resolve(folder), options.speed, []);
    if (!rehearsal.folder.exists) return say("There is no rehearsal here: nothing to destroy.");
    const left = await destroyAll(rehearsal, say);
    for (const { provider, type, id } of left) say(`left: ${provider} ${type} ${id}`);
    say(`The world holds ${left.length} objects.`);
    process.exit(left.length === 0 ? 0 : 1);
  });

command
  .command("status")
  .description("what the rehearsal holds")
  .argument("[folder]", "folder of the stack files", ".")
  .action((folder: string) => say(describeFolder(new Folder(path.resolve(folder), "run"))));

command
  .command("env")
  .description('for the plain CLI: eval "$(npm run --silent rehearse -- env)", then type pulumi commands')
  .argument("[folder]", "folder of the stack files", ".")
  .addOption(speed)
  .action(async (folder: string, options: { speed: number }) => {
    const progress = (line: string): void => void process.stderr.write(`${line}\n`);
    say(await shellEnvironment(path.resolve(folder), options.speed, progress));
  });

command
  .command("drill")
  .description("break something on purpose and time the recovery")
  .argument("<name>", "seoul-loss")
  .argument("[folder]", "folder of the stack files", ".")
  .option("--json <file>", "also write the steps as JSON")
  .addOption(speed)
  .action(async (name: string, folder: string, options: { speed: number; json?: string }) => {
    if (name !== "seoul-loss") throw new Error(`there is no drill "${name}"; write seoul-loss`);
    const rehearsal = rehearsalOf(path.resolve(folder), options.speed, []);
    if (!rehearsal.folder.exists) throw new Error("there is no rehearsal here; run npm start first");
    const session = await Session.open(rehearsal, say);
    const steps = await drillSeoulLoss(session, say).finally(() => session.close());
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ name, steps }, null, 2)}\n`);
    say(`\n${renderSteps(steps)}`);
    process.exit(0);
  });

await command.parseAsync().catch(reportError);
