import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { checkout } from "./folder.ts";

/** What a stack holds. */
export type StackKind = "site" | "interconnect" | "entry";

/** One `Pulumi.<stack>.yaml`, as far as the rehearsal must understand it; the program checks the rest. */
export interface StackFile {
  readonly name: string;
  readonly kind: StackKind;
  /** All plain configuration values by their full key. Encrypted ones are left out: the rehearsal makes its own. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The object under `gyeongbu:<kind>`. */
  readonly spec: Readonly<Record<string, unknown>>;
}

const kinds: readonly StackKind[] = ["site", "interconnect", "entry"];

/** The stack files of a folder by name, sites first. Throws when there is none, a name asked for is missing, or one holds not exactly one kind. */
export function readStackFiles(folder: string, only: readonly string[] = []): StackFile[] {
  const names = readdirSync(folder)
    .map((file) => /^Pulumi\.(.+)\.ya?ml$/.exec(file)?.[1])
    .filter((name) => name !== undefined);
  if (names.length === 0) throw new Error(`${folder} holds no stack file; write a Pulumi.<stack>.yaml there`);
  const missing = only.find((name) => !names.includes(name));
  if (missing !== undefined) throw new Error(`${folder} holds no Pulumi.${missing}.yaml; it has ${names.join(", ")}`);
  return names
    .filter((name) => only.length === 0 || only.includes(name))
    .map((name) => readStackFile(folder, name))
    .sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || b.name.localeCompare(a.name));
}

function readStackFile(folder: string, name: string): StackFile {
  const file = path.join(folder, `Pulumi.${name}.yaml`);
  const content: unknown = parse(readFileSync(file, "utf8"));
  const config = plainValues(isRecord(content) && isRecord(content.config) ? content.config : {});
  const held = kinds.filter((kind) => `gyeongbu:${kind}` in config);
  const [kind] = held;
  if (kind === undefined || held.length > 1) {
    throw new Error(
      `${file} holds ${held.length === 0 ? "no" : held.join(" and ")} spec; write exactly one of ${kinds.map((each) => `gyeongbu:${each}`).join(", ")}`,
    );
  }
  const spec = config[`gyeongbu:${kind}`];
  if (!isRecord(spec)) throw new Error(`${file}: gyeongbu:${kind} is no object; see components/config/schema.ts`);
  return { name, kind, config, spec };
}

function plainValues(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => !(isRecord(value) && "secure" in value)));
}

/** The project's own settings: from the folder, or from the checkout for an example that has none. */
export function readProject(folder: string): { name: string; config?: Record<string, unknown> } {
  const own = path.join(folder, "Pulumi.yaml");
  const file = existsSync(own) ? own : path.join(checkout, "Pulumi.yaml");
  const content: unknown = parse(readFileSync(file, "utf8"));
  if (!isRecord(content) || typeof content.name !== "string") throw new Error(`${file} has no name`);
  return { name: content.name, ...(isRecord(content.config) && { config: content.config }) };
}

/** Whether a value is a plain object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
