/**
 * Writes `rehearsal/aws/data/shapes.json`: what inputs each AWS type of the rehearsal takes, which of them replace the
 * resource, and which outputs it has. Run it after a change of `@pulumi/aws`, `@aws-cdk/aws-service-spec` or
 * `aws-types.ts`: `npx node tools/aws-shapes.ts`. Loading the specification itself takes 0.4 s and 200 MiB, too much for a plugin.
 *
 * Names, types, required inputs and outputs come from the SDK's own declarations; replacement and enums from the CloudFormation
 * specification; more enums and ranges from the SDK's documentation sentences ("Valid values are `a` and `b`."); `aws-types.ts` has the rest.
 *
 * The naming rule: an SDK name and a CloudFormation name are the same when they are the same letters, case aside, with or
 * without a plural `s`. `aws-types.ts` lists the exceptions.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";
import type { Shape, ShapeIndex } from "../rehearsal/aws/shapes.ts";
import { readSdkFile, type SdkProperty, sdkInputs } from "./aws-sdk-types.ts";
import type { AwsType, Fact } from "./aws-type.ts";
import { awsTypes } from "./aws-types.ts";

const require = createRequire(import.meta.url);
const sdkFolder = dirname(require.resolve("@pulumi/aws/package.json"));
const specFolder = dirname(dirname(require.resolve("@aws-cdk/aws-service-spec")));
const database = loadAwsServiceSpecSync();

type SpecProperty = {
  type: SpecType;
  causesReplacement?: "yes" | "no" | "maybe";
};
type SpecType = {
  type: string;
  element?: SpecType;
  reference?: { $ref: string };
  allowedValues?: (string | number)[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
};
type SpecProperties = Record<string, SpecProperty>;

function version(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
}

function innermost(type: SpecType): SpecType {
  return type.element === undefined ? type : innermost(type.element);
}

function specProperties(type: SpecType): SpecProperties {
  const inner = innermost(type);
  return inner.reference === undefined ? {} : database.get("typeDefinition", inner.reference.$ref).properties;
}

function sameName(sdk: string, spec: string): boolean {
  const [a, b] = [sdk.toLowerCase(), spec.toLowerCase()];
  return a === b || a === `${b}s` || `${a}s` === b;
}

/** Follows a dotted CloudFormation path; its replacement mark is that of any step. */
function specAt(properties: SpecProperties, path: string): SpecProperty | undefined {
  const [first = "", ...rest] = path.split(".");
  const property = properties[first];
  if (property === undefined) throw new Error(`CloudFormation has no property "${path}"; correct aws-types.ts`);
  if (rest.length === 0) return property;
  return specAt(specProperties(property.type), rest.join("."));
}

function factsOfSpec(property: SpecProperty | undefined, type: string): Fact {
  // A flag or a document of the SDK where CloudFormation has words of its own.
  if (property === undefined || type === "boolean" || type === "json") return {};
  const { allowedValues, pattern, minLength, maxLength, minimum, maximum } = innermost(property.type);
  return defined({ values: allowedValues, pattern, minLength, maxLength, min: minimum, max: maximum });
}

/** Facts that a documentation sentence states: `Valid values are `a`, `b`.`, `between `60` and `300``. Only what is unmistakable. */
function factsOfDocumentation(text: string, type: string): Fact {
  const sentence = /(?:valid|possible) values?(?: are| include|:)?:? +([\s\S]*?)(?:\. |\.$|$)/i.exec(text)?.[1];
  if (sentence === undefined) return {};
  const range = /between `(\d+)` and `(\d+)`/.exec(sentence);
  if (range !== null && type === "number") return { min: Number(range[1]), max: Number(range[2]) };
  if (type !== "string") return {};
  // Words between the ticked values that mean more than a list does: then it is not one.
  if (/\b(if|when|from|only|must|depend|e\.g|such|range)\b/i.test(sentence)) return {};
  const values = [...sentence.matchAll(/`([^`]+)`/g)].flatMap(([, ticked = ""]) => ticked.split("|"));
  const list = values.map((value) => value.trim()).filter((value) => value !== "");
  return list.length >= 2 && list.every((value) => /^[\w.:-]+$/.test(value)) ? { values: list } : {};
}

function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** One property's shape. `path` is its SDK path, `spec` the CloudFormation property of the same meaning. */
function shape(
  type: AwsType,
  path: string,
  property: SdkProperty,
  spec: SpecProperty | undefined,
  used: Set<string>,
): Shape {
  const stated = type.facts?.[path];
  if (stated !== undefined) used.add(path);
  const kept = type.keeps?.includes(path) ?? false;
  const added = type.replaces?.includes(path) ?? false;
  if (kept || added) used.add(path);
  const isTags = path === "tags";
  const nested = property.properties;
  return defined({
    type: property.type,
    list: property.list || undefined,
    required: property.required || undefined,
    replaces: path === "region" || added || (spec?.causesReplacement === "yes" && !kept && !isTags) || undefined,
    ...(nested === undefined
      ? (stated ?? {
          ...factsOfDocumentation(property.documentation, property.type),
          ...factsOfSpec(spec, property.type),
        })
      : {}),
    properties:
      nested === undefined
        ? undefined
        : shapes(type, nested, spec === undefined ? {} : specProperties(spec.type), `${path}.`, used),
  }) as Shape;
}

function shapes(
  type: AwsType,
  properties: Readonly<Record<string, SdkProperty>>,
  spec: SpecProperties,
  prefix: string,
  used: Set<string>,
): Record<string, Shape> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const path = `${prefix}${name}`;
      const named = type.names?.[path];
      if (named !== undefined) used.add(path);
      const root = prefix === "" ? spec : rootProperties(type);
      const same = Object.keys(spec).find((key) => sameName(name, key));
      const match = named === undefined ? spec[same ?? ""] : specAt(root, named);
      return [name, shape(type, path, property, match, used)];
    }),
  );
}

function rootProperties(type: AwsType): SpecProperties {
  if (type.spec === undefined) return {};
  return database.lookup("resource", "cloudFormationType", "equals", `AWS::${type.spec}`).only().properties;
}

const index: ShapeIndex = {
  sdk: `@pulumi/aws ${version(sdkFolder)}`,
  specification: `@aws-cdk/aws-service-spec ${version(specFolder)}`,
  provider: Object.keys(sdkInputs(sdkFolder, "provider").inputs),
  instanceTypes: enumValues("types/enums/ec2/index.d.ts", "InstanceType"),
  regions: enumValues("types/enums/index.d.ts", "Region"),
  types: {},
};
for (const type of awsTypes) {
  const { token, outputs } = readSdkFile(sdkFolder, type.file);
  const { inputs } = sdkInputs(sdkFolder, type.file);
  const used = new Set<string>();
  index.types[token] = { inputs: shapes(type, inputs, rootProperties(type), "", used), outputs };
  const entries = [type.names, type.facts].flatMap((table) => Object.keys(table ?? {}));
  const stale = [...entries, ...(type.replaces ?? []), ...(type.keeps ?? [])].filter((path) => !used.has(path));
  if (stale.length > 0)
    throw new Error(`${type.file} in aws-types.ts names what the SDK does not have: ${stale.join(", ")}`);
}
const file = new URL("../rehearsal/aws/data/shapes.json", import.meta.url);
// One entry per line: small, and a change of version shows in the diff as the types it touches.
const entries = (object: object, indent: string): string =>
  Object.entries(object)
    .map(([key, value]) => `${indent}${JSON.stringify(key)}: ${JSON.stringify(value)}`)
    .join(",\n");
const { types, ...head } = index;
writeFileSync(file, `{\n${entries(head, "  ")},\n  "types": {\n${entries(types, "    ")}\n  }\n}\n`);
process.stdout.write(`${awsTypes.length} types from ${index.sdk} and ${index.specification}\n`);

/** The values of one of the SDK's own enums. */
function enumValues(path: string, name: string): string[] {
  const text = readFileSync(join(sdkFolder, path), "utf8");
  const body = new RegExp(`const ${name}: \\{([\\s\\S]*?)\\n\\};`).exec(text)?.[1] ?? "";
  return [...body.matchAll(/"([^"]+)"/g)].map(([, value = ""]) => value);
}
