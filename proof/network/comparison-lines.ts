import { type Line, originOf, type StackResource } from "./model.ts";

/** A resource as a stack file wants it: what it is called, and its inputs. References are written with {@link refer}. */
export interface Wanted {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Inputs that say nothing about packets: labels for people, and what an SDK adds on its own. */
const silent = new Set([
  "tags",
  "description",
  "enableDdosProtection",
  "enableVmProtection",
  "privateEndpointNetworkPolicies",
  "privateLinkServiceNetworkPolicies",
]);

/** Lists whose order means nothing. */
const sets = new Set(["sourceAddressPrefixes", "destinationAddressPrefixes", "loadBalancerBackendAddressPools"]);

/** How both sides write a reference to a resource: by its noun and logical name. `part` is what follows its id. */
export function refer(noun: string, name: string, part = ""): string {
  return `<${noun} ${name}${part}>`;
}

/** One line per input of the resources that a stack file wants. */
export function wantedLines(wanted: readonly Wanted[]): Line[] {
  const lines: Line[] = [];
  for (const { type, name, inputs } of wanted)
    eachLeaf(inputs, "", plain, (leaf) => lines.push({ text: `${type} ${name}: ${leaf}` }));
  return lines;
}

/**
 * One line per input of recorded resources.
 *
 * @param all  Of every stack: what ids stand for.
 */
export function recordedLines(resources: readonly StackResource[], all: readonly StackResource[]): Line[] {
  const names = new Map<string, string>();
  for (const { id, name, type } of all)
    if (id.startsWith("/")) names.set(id, `${type.slice(type.lastIndexOf(":") + 1)} ${name}`);
  const words = (value: string) => (value.startsWith("/") ? inWords(value, names) : value);
  const lines: Line[] = [];
  for (const resource of resources) {
    const { inputs, name, type } = resource;
    const origin = originOf(resource);
    eachLeaf(inputs, "", words, (leaf) => lines.push({ text: `${type} ${name}: ${leaf}`, origin }));
  }
  return lines;
}

/** Ids that are written in full before the resource exists. */
const inFull = /\/providers\/Microsoft\.Network\/(loadBalancers|virtualNetworkGateways)\/([^/]+)(\/.*)?$/;
const nouns: Readonly<Record<string, string>> = {
  loadBalancers: "LoadBalancer",
  virtualNetworkGateways: "VirtualNetworkGateway",
};

/** An id as {@link refer} writes it. */
function inWords(value: string, names: ReadonlyMap<string, string>): string {
  const whole = names.get(value);
  if (whole !== undefined) return `<${whole}>`;
  const [, kind = "", name = "", rest = ""] = inFull.exec(value) ?? [];
  const noun = nouns[kind];
  if (noun !== undefined) return refer(noun, name, rest);
  for (let end = value.lastIndexOf("/"); end > 0; end = value.lastIndexOf("/", end - 1)) {
    const owner = names.get(value.slice(0, end));
    if (owner !== undefined) return `<${owner}${value.slice(end)}>`;
  }
  return value;
}

const plain = (value: string) => value;

/** Pulumi's mark of a secret on the wire. */
const secretMark = "4dabf18193072939515e22adb298388d";
/** What stands for a value that is secret: that it is there, and hidden. */
export const secret = "(secret)";

/** `path = value` of everything inside; entries of lists go by their names where they have some. */
function eachLeaf(value: unknown, path: string, words: (value: string) => string, take: (leaf: string) => void): void {
  if (Array.isArray(value)) {
    if (value.length === 0) take(`${path} = []`);
    const key = path.slice(path.lastIndexOf(".") + 1);
    const list = sets.has(key) ? value.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : value;
    for (const [index, part] of list.entries()) eachLeaf(part, `${path}.${nameOf(part) ?? index}`, words, take);
  } else if (typeof value === "object" && value !== null && secretMark in value) {
    take(`${path} = ${secret}`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, part] of Object.entries(value)) {
      if (!silent.has(key) && part !== undefined) eachLeaf(part, path === "" ? key : `${path}.${key}`, words, take);
    }
  } else take(`${path} = ${typeof value === "string" ? words(value) : JSON.stringify(value)}`);
}

function nameOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("name" in value)) return undefined;
  return typeof value.name === "string" ? value.name : undefined;
}
