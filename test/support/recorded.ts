import { join } from "node:path";
import type { StackFile } from "../../components/config/parse.ts";
import { readStack } from "../../components/config/read.ts";
import { record } from "../../components/record.ts";
import { makeInterconnectSecrets, makeSiteSecrets } from "../../components/secrets/make.ts";
import type { PlannedStack } from "../../proof/recorded.ts";

const root = join(import.meta.dirname, "../..");
const known = new Map<string, Promise<PlannedStack[]>>();

/** What the programs of the shipped stack files would register; made once per test process. Do not change it in place. */
export function recordedShipped(): Promise<PlannedStack[]> {
  return recordedFolder(".", ["prod-seoul", "dr-busan", "interconnect", "entry"]);
}

/** The same of stacks of a folder such as `examples/securities-idc`. */
export function recordedFolder(folder: string, stacks: readonly string[]): Promise<PlannedStack[]> {
  const key = `${folder} ${stacks.join(" ")}`;
  const made = known.get(key) ?? recordStacks(stacks.map((stack) => read(folder, stack)));
  known.set(key, made);
  return made;
}

/** What the programs of these stack files would register, with secrets of nobody. */
export async function recordStacks(files: readonly StackFile[]): Promise<PlannedStack[]> {
  return record(files, { site: await makeSiteSecrets(), interconnect: makeInterconnectSecrets() });
}

function read(folder: string, stack: string): StackFile {
  const parsed = readStack(join(root, folder), stack);
  if ("findings" in parsed) throw new Error(JSON.stringify(parsed.findings, null, 2));
  return parsed.stack;
}
