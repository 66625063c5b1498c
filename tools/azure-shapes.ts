/**
 * Writes rehearsal/azure-native/data/shapes.json: what each Azure resource that the project uses may be given.
 *
 * Names, types, required and enums come from the typings of `@pulumi/azure-native` (what a program can write); more
 * required properties and the number ranges come from the runtime mappers of `@azure/arm-network` and
 * `@azure/arm-compute` (what the service's own SDK checks). Run: `node tools/azure-shapes.ts`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { z } from "zod";
import type { ShapeFile } from "../rehearsal/azure-native/shapes.ts";

/** Type tokens without the `azure-native:` prefix. A resource type that a stack starts to use is added here and in stand-in.ts. */
const tokens = [
  "resources:ResourceGroup",
  "managedidentity:UserAssignedIdentity",
  "network:ApplicationSecurityGroup",
  "network:LoadBalancer",
  "network:LocalNetworkGateway",
  "network:NatGateway",
  "network:NetworkInterface",
  "network:NetworkSecurityGroup",
  "network:PublicIPAddress",
  "network:Route",
  "network:RouteTable",
  "network:SecurityRule",
  "network:Subnet",
  "network:VirtualNetwork",
  "network:VirtualNetworkGateway",
  "network:VirtualNetworkGatewayConnection",
  "compute:AvailabilitySet",
  "compute:Disk",
  "compute:ProximityPlacementGroup",
  "compute:VirtualMachine",
];

/** Not lists of what exists: sizes newer than the enum are the usual case. */
const openEnums = new Set(["compute.VirtualMachineSizeTypes"]);

const require = createRequire(import.meta.url);
const modules = new URL("../node_modules/", import.meta.url);
const target = new URL("../rehearsal/azure-native/data/shapes.json", import.meta.url);
const sdk = (path: string): string => readFileSync(new URL(`@pulumi/azure-native/${path}`, modules), "utf8");

const Mapper = z.looseObject({
  type: z.looseObject({
    className: z.string().optional(),
    modelProperties: z
      .record(
        z.string(),
        z.looseObject({
          serializedName: z.string(),
          required: z.boolean().optional(),
          readOnly: z.boolean().optional(),
          constraints: z
            .looseObject({ InclusiveMinimum: z.number().optional(), InclusiveMaximum: z.number().optional() })
            .optional(),
          type: z.looseObject({ name: z.string() }),
        }),
      )
      .optional(),
  }),
});
const Package = z.object({ version: z.string() });
const version = (name: string): string =>
  Package.parse(JSON.parse(readFileSync(new URL(`${name}/package.json`, modules), "utf8"))).version;

interface Rule {
  readonly required: boolean;
  readonly range: string;
}

/** What the mappers say per class and property, under the name that goes over the wire. */
function readMappers(models: Record<string, unknown>): Map<string, Map<string, Rule>> {
  const rules = new Map<string, Map<string, Rule>>();
  for (const model of Object.values(models)) {
    // Modules export more than mappers, and not every mapper is of a class.
    const type = Mapper.safeParse(model).data?.type;
    if (type?.className === undefined || type.modelProperties === undefined) continue;
    const properties = Object.values(type.modelProperties).map((property): [string, Rule] => {
      const { InclusiveMinimum: least, InclusiveMaximum: most } = property.constraints ?? {};
      const range = least === undefined && most === undefined ? "" : ` ${least ?? ""}..${most ?? ""}`;
      const name = property.serializedName.split(".").at(-1) ?? property.serializedName;
      return [name, { required: property.required === true && property.readOnly !== true, range }];
    });
    rules.set(type.className, new Map(properties));
  }
  return rules;
}

const uncommented = (source: string): string => source.replaceAll(/\/\*[\s\S]*?\*\//g, "");

/** The body of `export declare namespace <name>`. */
function namespace(source: string, name: string): string {
  const start = source.indexOf(`\nexport declare namespace ${name} {`);
  if (start < 0) throw new Error(`the typings have no namespace ${name}`);
  return source.slice(start, source.indexOf("\n}", start));
}

/** Interfaces of one source text: name to body, without comments. */
function interfaces(source: string): Map<string, string> {
  const found = uncommented(source).matchAll(/^( *)(?:export )?interface (\w+) \{\n([\s\S]*?)\n\1\}/gm);
  return new Map([...found].map(([, , name = "", body = ""]) => [name, body]));
}

interface Member {
  readonly name: string;
  readonly required: boolean;
  readonly type: string;
}

function members(body: string): Member[] {
  const found = body.matchAll(/^ *(?:readonly )?(\w+)(\??): ((?:[^;{}]|\{[^}]*\})+);/gm);
  return [...found].map(([, name = "", optional, type = ""]) => ({ name, required: optional !== "?", type }));
}

/** `pulumi.Input<pulumi.Input<string>[] | undefined>` to `string[]`; a reference to `@module.Type`, an enum to `#module.Enum`. */
function compact(type: string): string {
  const bare = type.replaceAll(/pulumi\.Input<|[>\s]/g, "").replaceAll("|undefined", "");
  const map = /^\{\[key:string\]:(.*);\}$/.exec(bare);
  if (map) return `${compact(map[1] ?? "")}{}`;
  if (bare.endsWith("[]")) return `${compact(bare.slice(0, -2))}[]`;
  if (["string", "number", "boolean", "any"].includes(bare)) return bare;
  const reference = /^(?:string\|)?(inputs|enums)\.(\w+\.\w+)$/.exec(bare);
  const name = reference?.[2] ?? "";
  if (reference === null) throw new Error(`cannot read the type ${type}`);
  if (reference[1] === "inputs") return `@${name}`;
  return openEnums.has(name) ? "string" : `#${name}`;
}

class Shapes {
  readonly #inputs = new Map<string, Map<string, string>>();
  readonly #outputs = new Map<string, Map<string, string>>();
  readonly #rules: Map<string, Map<string, Rule>>;
  readonly types: ShapeFile["types"] = {};
  readonly enums: ShapeFile["enums"] = {};

  constructor(rules: Map<string, Map<string, Rule>>) {
    this.#rules = rules;
    const [inputs, outputs] = [sdk("types/input.d.ts"), sdk("types/output.d.ts")];
    for (const name of new Set(tokens.map((token) => token.split(":")[0] ?? ""))) {
      // Modules without nested types have no namespace.
      if (!inputs.includes(`\nexport declare namespace ${name} {`)) continue;
      this.#inputs.set(name, interfaces(namespace(inputs, name)));
      this.#outputs.set(name, interfaces(namespace(outputs, name)));
    }
  }

  /** Adds a resource and everything it reaches; answers the REST API version. */
  resource(token: string): string {
    const [module = "", name = ""] = token.split(":");
    const source = sdk(`${module}/${name.charAt(0).toLowerCase()}${name.slice(1)}.d.ts`);
    const args = interfaces(source).get(`${name}Args`) ?? "";
    const outputs = uncommented(source).matchAll(/^ {4}readonly (\w+): pulumi\.Output/gm);
    this.#add(
      token,
      name,
      args,
      [...outputs].map(([, output = ""]) => output),
    );
    return /Uses Azure REST API version ([\d-]+)/.exec(source)?.[1] ?? "";
  }

  /** Adds the type named `module.TypeArgs` unless it is there. */
  #reach(reference: string): void {
    if (this.types[reference] !== undefined) return;
    const [module = "", args = ""] = reference.split(".");
    const name = args.replace(/Args$/, "");
    const body = this.#inputs.get(module)?.get(args);
    if (body === undefined) throw new Error(`the typings have no ${reference}`);
    const outputs = members(this.#outputs.get(module)?.get(`${name}Response`) ?? "").map((member) => member.name);
    this.#add(reference, name, body, outputs);
  }

  #add(key: string, name: string, body: string, outputs: string[]): void {
    const rules = this.#rules.get(name);
    const properties: Record<string, string> = {};
    this.types[key] = { properties, readOnly: [] };
    for (const member of members(body)) {
      const rule = rules?.get(member.name);
      const type = compact(member.type);
      // A resource without a location gets its group's.
      const required = member.required || (rule?.required === true && member.name !== "location");
      properties[member.name] = `${required ? "!" : ""}${type}${rule?.range ?? ""}`;
      const reference = /^[@#](\w+\.\w+)/.exec(type)?.[1];
      if (reference === undefined) continue;
      if (type.startsWith("@")) this.#reach(reference);
      else this.#enum(reference);
    }
    this.types[key].readOnly = outputs.filter((output) => properties[output] === undefined);
  }

  #enum(reference: string): void {
    const [module = "", name = ""] = reference.split(".");
    const source = sdk(`types/enums/${module}/index.js`);
    const body = new RegExp(`^exports\\.${name} = \\{([\\s\\S]*?)^\\};`, "m").exec(source)?.[1];
    if (body === undefined) throw new Error(`the typings have no enum ${reference}`);
    this.enums[reference] = [...body.matchAll(/^ {4}\w+: "(.*)",$/gm)].map(([, value = ""]) => value);
  }
}

async function main(): Promise<void> {
  const path = (name: string): string => new URL(name, modules).pathname;
  const network: Record<string, unknown> = await import(path("@azure/arm-network/dist-esm/src/models/mappers.js"));
  const compute: Record<string, unknown> = require(path("@azure/arm-compute/dist/commonjs/models/mappers.js"));
  const shapes = new Shapes(readMappers({ ...compute, ...network }));
  const apiVersions = Object.fromEntries(tokens.map((token) => [token, shapes.resource(token)]));
  const sources = ["@pulumi/azure-native", "@azure/arm-network", "@azure/arm-compute"];
  const file: ShapeFile = {
    sources: Object.fromEntries(sources.map((name) => [name, version(name)])),
    apiVersions,
    types: shapes.types,
    enums: shapes.enums,
  };
  // One line per type or enum: a diff then reads as the list of what an SDK update changed.
  const sections = Object.entries(file).map(([name, section]) => {
    const lines = Object.entries(section).map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
    return `  ${JSON.stringify(name)}: {\n${lines.join(",\n")}\n  }`;
  });
  writeFileSync(target, `{\n${sections.join(",\n")}\n}\n`);
}

await main();
