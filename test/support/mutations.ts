import type { PlannedResource, PlannedStack } from "../../proof/recorded.ts";
import {
  at,
  isRecord,
  isSecret,
  narrowed,
  type Path,
  put,
  record,
  secretMark,
  shifted,
  widened,
  without,
} from "./mutation-inputs.ts";

/** One change to what the programs of a plan would register. */
export interface Mutation {
  readonly kind: "removal" | "addition" | "change";
  /** Changes that are alike: `azure-native:network:Route nextHopIpAddress`. */
  readonly group: string;
  /** What was changed, in words. */
  readonly title: string;
  readonly apply: () => PlannedStack[];
}

/** Everything that decides where packets go; of machines and releases only the inputs that do. */
const networkTypes = [
  /^aws:(ec2\/(?!instance:|volumeAttachment:)|vpc\/|lb\/|ec2transitgateway\/)/,
  /^azure-native:network:/,
  /^kubernetes:(cilium\.io\/v2|core\/v1:Service$)/,
];
/** Of other types, where the inputs begin that the network proof reads. */
const partlyRead: Readonly<Record<string, RegExp>> = {
  "aws:ec2/instance:Instance": /^primaryNetworkInterface/,
  "azure-native:compute:VirtualMachine": /^networkProfile/,
  "kubernetes:helm.sh/v3:Release":
    /^values\.(MTU|routingMode|tunnelProtocol|ipv4NativeRoutingCIDR|ipam|autoDirectNodeRoutes|directRoutingSkipUnreachable|bgpControlPlane|encryption|kubeProxyReplacement|k8sService|clustermesh\.(config|apiserver\.service|useAPIServer)|cluster\.)/,
};

const isBgpPassword = ({ type, name }: PlannedResource) =>
  type === "kubernetes:core/v1:Secret" && name.endsWith("-bgp-password");

function isNetwork(resource: PlannedResource): boolean {
  return networkTypes.some((pattern) => pattern.test(resource.type)) || isBgpPassword(resource);
}

/** Adds a resource beside the one at hand. */
export type Add = (what: string, inputs: Record<string, unknown>, type?: string) => Mutation;
/** Changes the one at hand. */
export type Grow = (what: string, inputs: Record<string, unknown>) => Mutation;

export const everywhere = "0.0.0.0/0";
/** Documentation blocks: nobody's. */
export const elsewhere = "198.51.100.0/24";

/** Inputs that no packet depends on, each with the reason. `path` is matched against the keys, indices as `[]`. */
export const harmless: readonly { readonly type: RegExp; readonly path: RegExp; readonly reason: string }[] = [
  { type: /./, path: /^tags\b/, reason: "for people and bills" },
  { type: /./, path: /\bdescription$/, reason: "for people" },
  { type: /./, path: new RegExp(secretMark), reason: "the mark of a secret, not its value" },
  {
    type: /^azure-native:network:VirtualNetwork$/,
    path: /^enable(Ddos|Vm)Protection$/,
    reason: "the SDK's own default, and protection from floods drops nothing else",
  },
  {
    type: /^azure-native:network:Subnet$/,
    path: /^private(Endpoint|LinkService)NetworkPolicies$/,
    reason: "the SDK's own default, for private endpoints and services, which are not there",
  },
  {
    type: /^kubernetes:core\/v1:Secret$/,
    path: /^stringData\./,
    reason: "a password of nobody; what the ToRs have is in no stack file",
  },
];

/** Every input of a resource that the proof must mind, with its path. */
function leaves(resource: PlannedResource): { readonly path: Path; readonly value: unknown }[] {
  const read = partlyRead[resource.type];
  if (read === undefined && !isNetwork(resource)) return [];
  const walk = (value: unknown, path: Path): { path: Path; value: unknown }[] => {
    if (Array.isArray(value)) return value.flatMap((part, index) => walk(part, [...path, index]));
    if (isRecord(value)) return Object.entries(value).flatMap(([key, part]) => walk(part, [...path, key]));
    return [{ path, value }];
  };
  return walk(resource.inputs, []).filter(
    ({ path }) => (read === undefined || read.test(patternOf(path))) && minds(resource, path),
  );
}

function minds({ type }: PlannedResource, path: Path): boolean {
  const pattern = patternOf(path);
  return !harmless.some((one) => one.type.test(type) && one.path.test(pattern));
}

function patternOf(path: Path): string {
  return path.map((part) => (typeof part === "number" ? "[]" : part)).join(".");
}

/** Every single thing taken away: resources, entries of lists, and inputs. */
export function removals(stacks: readonly PlannedStack[]): Mutation[] {
  return eachResource(stacks, (resource, replace) => {
    const whole: Mutation[] =
      isNetwork(resource) || partlyRead[resource.type] !== undefined
        ? [mutation("removal", resource, "", "removed", () => replace([]))]
        : [];
    const places = new Map<string, Path>();
    for (const { path } of leaves(resource)) {
      for (const [depth] of path.entries()) {
        const prefix = path.slice(0, depth + 1);
        // A secret goes as a whole.
        if (prefix.slice(0, -1).some((_, index) => isSecret(at(resource.inputs, prefix.slice(0, index + 1))))) continue;
        places.set(prefix.join("/"), prefix);
      }
    }
    const parts = [...places.values()].map((path) =>
      mutation("removal", resource, patternOf(path), `without ${written(resource, path)}`, () =>
        replace([{ ...resource, inputs: record(without(resource.inputs, path)) }]),
      ),
    );
    return [...whole, ...parts];
  });
}

/** Every single input with another value of the same form. */
export function changes(stacks: readonly PlannedStack[]): Mutation[] {
  const ids = new Map(stacks.flatMap(({ resources }) => resources.map((resource) => [resource.id, resource] as const)));
  const siblingOf = (id: string): string | undefined => {
    const own = ids.get(id);
    return own === undefined ? undefined : [...ids.values()].find(({ type }) => type === own.type && own.id !== id)?.id;
  };
  const siblings = new Map(
    [...Map.groupBy(ids.values(), ({ type }) => type).values()].flatMap((alike) =>
      alike.map(({ id }, index) => [id, alike[(index + 1) % alike.length]?.id ?? siblingOf(id) ?? id] as const),
    ),
  );
  return eachResource(stacks, (resource, replace) => [
    ...registrations(resource, replace),
    ...leaves(resource).flatMap(({ path, value }) =>
      alternatives(value, siblings).map((other, index) =>
        mutation(
          "change",
          resource,
          `${patternOf(path)} #${index}`,
          `${written(resource, path)}: ${JSON.stringify(value)} becomes ${JSON.stringify(other)}`,
          () => replace([{ ...resource, inputs: record(put(resource.inputs, path, other)) }]),
        ),
      ),
    ),
  ]);
}

/** What the step that registers a node says of it: its pod block and its labels. */
const spoken = [
  /"podCIDR":"(\d+\.\d+\.\d+)\./,
  /gyeongbu\.io\/(rack)=/,
  /gyeongbu\.io\/(pool)=/,
  /^node='\\''(\S+)'\\''$/m,
];

function registrations(resource: PlannedResource, replace: (others: PlannedResource[]) => PlannedStack[]): Mutation[] {
  const { create } = resource.inputs;
  if (!resource.name.endsWith("-register") || typeof create !== "string") return [];
  return spoken.flatMap((pattern) => {
    const [whole, part] = pattern.exec(create) ?? [];
    if (whole === undefined || part === undefined) return [];
    const other = part.replace(/.$/, (last) => (last === "9" ? "8" : "9"));
    const text = create.replaceAll(whole, whole.replace(part, other));
    return [
      mutation("change", resource, `${pattern.source}`, `${part} becomes ${other}`, () =>
        replace([{ ...resource, inputs: { ...resource.inputs, create: text } }]),
      ),
    ];
  });
}

/** The stacks with one resource's inputs changed; without `edit` it is gone. @throws RangeError if there is none of that type and name. */
export function edited(
  stacks: readonly PlannedStack[],
  type: string,
  name: string,
  edit?: (inputs: PlannedResource["inputs"]) => Record<string, unknown>,
): PlannedStack[] {
  const is = (resource: PlannedResource) => resource.type === type && resource.name === name;
  if (!stacks.some(({ resources }) => resources.some(is))) throw new RangeError(`no ${type} is called ${name}`);
  return stacks.map((stack) => ({
    ...stack,
    resources: stack.resources.flatMap((resource) => {
      if (!is(resource)) return [resource];
      return edit === undefined ? [] : [{ ...resource, inputs: edit(resource.inputs) }];
    }),
  }));
}

/** The stacks with a value put at a place such as `ipConfigurations.0.privateIPAddress` of one resource; `undefined` takes it away. */
export function withInput(
  stacks: readonly PlannedStack[],
  type: string,
  name: string,
  place: string,
  value: unknown,
): PlannedStack[] {
  const path = place.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return edited(stacks, type, name, (inputs) =>
    record(value === undefined ? without(inputs, path) : put(inputs, path, value)),
  );
}

/** Mutations of every resource; `replace` makes the stacks with others in its place. */
export function eachResource(
  stacks: readonly PlannedStack[],
  mutate: (resource: PlannedResource, replace: (others: PlannedResource[]) => PlannedStack[]) => Mutation[],
): Mutation[] {
  return stacks.flatMap((stack, index) =>
    stack.resources.flatMap((resource, position) =>
      mutate(resource, (others) =>
        stacks.with(index, { ...stack, resources: stack.resources.toSpliced(position, 1, ...others) }),
      ),
    ),
  );
}

export function mutation(
  kind: Mutation["kind"],
  { type, name }: PlannedResource,
  what: string,
  title: string,
  apply: () => PlannedStack[],
): Mutation {
  return { kind, group: `${type} ${what}`.trim(), title: `${type} ${name} ${title}`, apply };
}

const block = /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/;
const address = /^(\d{1,3}\.){3}\d{1,3}$/;
const range = /^\d+(-\d+)?$/;

/** Words that stand for each other. */
const opposites: Readonly<Record<string, string>> = {
  Allow: "Deny",
  Deny: "Allow",
  Inbound: "Outbound",
  Outbound: "Inbound",
  Tcp: "Udp",
  Udp: "Tcp",
  Icmp: "Tcp",
  Esp: "Udp",
  TCP: "UDP",
  tcp: "udp",
  udp: "tcp",
  icmp: "tcp",
  VirtualAppliance: "VnetLocal",
  Static: "Dynamic",
  Dynamic: "Static",
  "*": "10.99.0.0/16",
  true: "false",
  false: "true",
  enable: "disable",
  disable: "enable",
};

/** Other values of the same form. */
function alternatives(value: unknown, siblings: ReadonlyMap<string, string>): unknown[] {
  if (typeof value === "boolean") return [!value];
  if (typeof value === "number") return [value + 1];
  if (typeof value !== "string") return [];
  const sibling = siblings.get(value);
  if (sibling !== undefined) return [...(sibling === value ? [] : [sibling]), `${value}-gone`];
  const opposite = opposites[value];
  if (opposite !== undefined) return [opposite];
  if (block.test(value)) return [widened(value), narrowed(value), elsewhere].filter((other) => other !== value);
  if (address.test(value)) return [shifted(value, 1), "198.51.100.7"];
  if (range.test(value)) return [nextText(value)];
  return [`${value}-changed`];
}

function nextText(value: string): string {
  return value
    .split("-")
    .map((part) => `${Number(part) + 1}`)
    .join("-");
}

function written({ inputs }: PlannedResource, path: Path): string {
  return path
    .map((part, index) => {
      const name = typeof part === "number" ? record(at(inputs, path.slice(0, index + 1))).name : undefined;
      return typeof name === "string" ? `${part}(${name})` : `${part}`;
    })
    .join(".");
}
