import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One input as the SDK's declarations show it. */
export interface SdkProperty {
  /** `string` also stands for enums; `map` is an object with free keys; `json` a JSON document, as text or as an object. */
  readonly type: "string" | "number" | "boolean" | "map" | "object" | "json";
  readonly list: boolean;
  readonly required: boolean;
  /** Of an object, or of each element of a list of objects. */
  readonly properties?: Readonly<Record<string, SdkProperty>>;
  /** The doc comment as one line. */
  readonly documentation: string;
}

/** Type token and output names of one generated resource file, such as `ec2/instance`. */
export function readSdkFile(folder: string, file: string): { token: string; outputs: string[] } {
  const text = readFileSync(join(folder, `${file}.js`), "utf8");
  const token = /__pulumiType = '([^']+)'/.exec(text)?.[1];
  if (token === undefined) throw new Error(`${file}.js declares no type token`);
  const outputs = [...text.matchAll(/resourceInputs\["(\w+)"\] = undefined \/\*out\*\//g)].map(([, name = ""]) => name);
  return { token, outputs };
}

/** The `*Args` interface of a generated resource file, nested types resolved. */
export function sdkInputs(folder: string, file: string): { inputs: Record<string, SdkProperty> } {
  const text = readFileSync(join(folder, `${file}.d.ts`), "utf8");
  const body = /^export interface \w+Args \{\n([\s\S]*?)^\}/m.exec(text)?.[1];
  if (body === undefined) throw new Error(`${file}.d.ts declares no Args interface`);
  return { inputs: members(folder, body, "    ", new Set()) };
}

/** Generated declarations are regular: one member per block, indented by its depth, a comment before it. */
function members(folder: string, body: string, indent: string, seen: ReadonlySet<string>): Record<string, SdkProperty> {
  const member = new RegExp(
    `((?:^${indent}/\\*\\*[\\s\\S]*?\\*/\\n)?)^${indent}(\\w+)(\\??): ([\\s\\S]*?);\\n(?=${indent}\\S|\\s*$)`,
    "gm",
  );
  return Object.fromEntries(
    [...body.matchAll(member)].map(([, comment = "", name = "", optional = "", type = ""]) => [
      name,
      property(folder, type, optional === "", comment, seen),
    ]),
  );
}

function property(
  folder: string,
  type: string,
  required: boolean,
  comment: string,
  seen: ReadonlySet<string>,
): SdkProperty {
  const documentation = comment
    .replaceAll(/^\s*\/?\*+\/?/gm, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  const bare = type.replaceAll(/pulumi\.Input<|>|\s*\| undefined/g, "").trim();
  const list = bare.endsWith("[]");
  const common = { list, required, documentation };
  const nested = /inputs\.((?:\w+\.)*)(\w+)/.exec(bare);
  if (nested !== null && /^string\b/.test(bare)) return { ...common, type: "json" };
  if (nested !== null) {
    const [, path = "", name = ""] = nested;
    const key = `${path}${name}`;
    // A type inside itself (none of ours today) ends as a map with free keys.
    if (seen.has(key)) return { ...common, type: "map" };
    const body = nestedBody(folder, path.slice(0, -1), name);
    return { ...common, type: "object", properties: members(folder, body.text, body.indent, new Set([...seen, key])) };
  }
  if (bare.startsWith("{")) return { ...common, type: "map" };
  if (/\bnumber\b/.test(bare)) return { ...common, type: "number" };
  if (/\bboolean\b/.test(bare)) return { ...common, type: "boolean" };
  return { ...common, type: "string" };
}

let inputTypes: string | undefined;

/** The body of one interface in `types/input.d.ts`, by namespace (`""` for the root). */
function nestedBody(folder: string, namespace: string, name: string): { text: string; indent: string } {
  inputTypes ??= readFileSync(join(folder, "types/input.d.ts"), "utf8");
  const scope =
    namespace === ""
      ? inputTypes
      : new RegExp(`^export declare namespace ${namespace} \\{\\n([\\s\\S]*?)^\\}`, "m").exec(inputTypes)?.[1];
  const outer = namespace === "" ? "" : "    ";
  const keyword = namespace === "" ? "export interface" : "interface";
  const text = new RegExp(`^${outer}${keyword} ${name} \\{\\n([\\s\\S]*?)^${outer}\\}`, "m").exec(scope ?? "")?.[1];
  if (text === undefined) throw new Error(`types/input.d.ts has no ${namespace}.${name}`);
  return { text, indent: `${outer}    ` };
}
