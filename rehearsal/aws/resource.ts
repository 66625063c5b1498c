import { createHash } from "node:crypto";
import {
  type Call,
  type Created,
  type Kind,
  type Problem,
  type Properties,
  Refusal,
  Secret,
  type Value,
} from "../stand-in.ts";
import { fingerprint } from "../wire.ts";
import type { JsonObject, World, WorldObject } from "../world.ts";
import { child, plain, present, text, texts } from "./fields.ts";
import { parseAddress, parseBlock } from "./ipv4.ts";
import { type Quotas, quotas } from "./quotas.ts";
import { checkShape, namesOf, replacedPaths } from "./shapes.ts";

/** The account that the documentation of AWS uses in its examples. */
export const accountId = "123456789012";

/** Where global services (IAM, Route 53) live, for outages. */
export const globalPlace = "aws-global";

/** What making or changing a resource yields. */
export interface Made {
  /**
   * Where the id is not `<prefix>-<17 hex digits>`. Ids are unique in the whole world; where AWS takes a bare name that
   * another type or region may give as well, the type stands before it.
   */
  readonly id?: string;
  /** What AWS sets or fills in; inputs are outputs by themselves. */
  readonly outputs?: { readonly [key: string]: JsonObject[string] | undefined };
  /** What only stand-ins read; no output of the resource. */
  readonly facts?: JsonObject;
}

/** How one type behaves beyond its shape. */
export interface Definition {
  readonly type: string;
  /** Of ids: `vpc` makes `vpc-0a1b...`. */
  readonly prefix: string;
  readonly seconds: Kind["seconds"];
  /** A service without regions. */
  readonly global?: true;
  /** Facts about several properties at once; inputs may be unknown or secret. */
  check?(inputs: Properties): Problem[];
  /** Replacement that depends on values. */
  replaces?(olds: JsonObject, news: JsonObject): string[];
  /**
   * Refuses (throws `Refusal`) what the service refuses, else says what becomes of the resource; runs at creation and at
   * every update (`self.old` is set), inside a transaction.
   */
  make(inputs: JsonObject, scene: Scene, self: Self): Made;
  /** Refuses the deletion of what is in use, and takes back what `make` did elsewhere. */
  remove?(object: WorldObject, scene: Scene): void;
  /** Outputs that the provider marks as secret. */
  readonly secrets?: readonly string[];
}

/** The resource that is made: its id to be, and its properties so far when it is changed. */
export interface Self {
  readonly id: string;
  readonly name: string;
  readonly old?: JsonObject;
}

/** What readers need of the world. */
export type Reader = Pick<World, "get" | "find">;

/** One region of the account, or its global services, to look at. */
export class View {
  readonly reader: Reader;
  readonly #place: string;

  constructor(reader: Reader, place: string) {
    this.reader = reader;
    this.#place = place;
  }

  /** All objects of a type in this region, in order of creation. */
  find(type: string): WorldObject[] {
    return this.reader.find("aws", type).filter(({ place }) => place === this.#place);
  }

  /** The object of this id if it is of this type and in this region. */
  get(type: string, id: string | undefined): WorldObject | undefined {
    const object = id === undefined ? undefined : this.reader.get("aws", id);
    return object?.type === type && object.place === this.#place ? object : undefined;
  }

  /** All objects of these types, other than `except`, that have this value (or hold it in a list) under this key. */
  users(value: string, uses: readonly (readonly [type: string, key: string])[], except = ""): WorldObject[] {
    return uses.flatMap(([type, key]) =>
      this.find(type).filter(
        ({ id, properties }) =>
          id !== except && (text(properties, key) === value || texts(properties, key).includes(value)),
      ),
    );
  }
}

/** A region as a call that changes it sees it. */
export class Scene extends View {
  readonly world: World;
  readonly region: string;
  readonly urn: string;
  readonly quotas: Quotas = quotas(process.env);

  constructor(world: World, region: string, urn: string, place: string) {
    super(world, place);
    this.world = world;
    this.region = region;
    this.urn = urn;
  }

  /** The object, or the service's refusal. */
  must(type: string, id: string | undefined, code: string, message: string): WorldObject {
    const object = this.get(type, id);
    if (object === undefined) throw new Refusal(code, message);
    return object;
  }

  /** A name nobody else has: the given one, the given prefix or the logical name with a suffix. */
  autoName(inputs: JsonObject, self: Self, key = "name", longest = 255): string {
    const old = self.old === undefined ? undefined : text(self.old, key);
    const stem = text(inputs, `${key}Prefix`) ?? `${self.name}-`;
    return text(inputs, key) ?? old ?? `${stem.slice(0, longest - 7)}${digits(self.id, 7)}`;
  }

  arn(service: string, resource: string, region = this.region): string {
    return `arn:aws:${service}:${region}:${accountId}:${resource}`;
  }
}

/** The first `count` hexadecimal digits of a name's digest: looks random, stays the same. */
export function digits(name: string, count: number): string {
  return createHash("sha256").update(name).digest("hex").slice(0, count);
}

/** The resource behind a definition, as the base of all stand-ins wants it. */
export function kindOf(definition: Definition): Kind {
  const { type, seconds } = definition;
  return {
    seconds,
    check: (inputs) => concealed([...checkShape(type, inputs), ...(definition.check?.(inputs) ?? [])], inputs),
    replaces: (olds, news) => [
      ...replacedPaths(type, olds, news),
      ...(definition.replaces?.(known(olds), known(news)) ?? []),
    ],
    create: (inputs, call) => call.world.transaction(() => create(definition, inputs, call)),
    update: (id, _olds, news, call) => call.world.transaction(() => update(definition, id, news, call)),
    delete: (id, outputs, call) => call.world.transaction(() => remove(definition, id, outputs, call)),
    read: (id, call) => read(definition, id, call),
  };
}

/** The engine prints the value of the property that a problem is about, secret or not: one about a secret names no property. */
function concealed(problems: Problem[], inputs: Properties): Problem[] {
  return problems.map(({ property, reason }) => {
    const value = inputs[property.split(/[.[]/, 1)[0] ?? ""];
    const secret = value !== undefined && holdsSecret(value);
    return secret ? { property: "", reason: `${property}: ${reason}` } : { property, reason };
  });
}

function holdsSecret(value: Value): boolean {
  if (value instanceof Secret) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsSecret);
}

/** Properties that are known, as plain data. */
function known(inputs: Properties): JsonObject {
  const entries = Object.entries(inputs).flatMap(([key, value]) => {
    try {
      return Object.entries(plain({ [key]: value }));
    } catch {
      return [];
    }
  });
  return Object.fromEntries(entries);
}

/** The region of a call: the resource's own, else the provider's. */
export function regionOf(inputs: Properties, config: Properties): string {
  const [own, common] = [inputs.region, config.region];
  return typeof own === "string" ? own : typeof common === "string" ? common : "";
}

function sceneOf(definition: Definition, inputs: Properties, call: Call): { scene: Scene; place: string } {
  const region = regionOf(inputs, call.config);
  const place = definition.global ? globalPlace : region;
  return { scene: new Scene(call.world, region, call.urn, place), place };
}

function create(definition: Definition, inputs: Properties, call: Call): Created {
  const { scene, place } = sceneOf(definition, inputs, call);
  const id = `${definition.prefix}-0${digits(`${definition.type} ${call.world.next("aws")}`, 16)}`;
  const made = definition.make(plain(inputs), scene, { id, name: call.name });
  const own = made.id ?? id;
  return { id: own, outputs: store(definition, own, inputs, made, call, place) };
}

function update(definition: Definition, id: string, news: Properties, call: Call): Properties {
  const { scene, place } = sceneOf(definition, news, call);
  const object = call.world.get("aws", id);
  if (object === undefined) throw new Refusal("NotFound", `${definition.type} "${id}" does not exist`);
  const made = definition.make(plain(news), scene, { id, name: call.name, old: object.properties });
  return store(definition, id, news, made, call, place);
}

function store(
  definition: Definition,
  id: string,
  inputs: Properties,
  made: Made,
  call: Call,
  place: string,
): Properties {
  const { type, secrets = [] } = definition;
  const { inputs: names, outputs: set } = namesOf(type);
  const bare = Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== null));
  const tags = { ...defaultTags(call.config), ...child(fingerprint(bare), "tags") };
  const outputs: Properties = {
    ...(names.includes("region") ? { region: place } : {}),
    ...(set.includes("tagsAll") ? { tagsAll: tags } : {}),
    ...(set.includes("ownerId") ? { ownerId: accountId } : {}),
    ...present({ ...made.outputs }),
    ...bare,
  };
  for (const name of secrets) {
    const value = outputs[name];
    if (value !== undefined && !(value instanceof Secret)) outputs[name] = new Secret(value);
  }
  const facts = made.facts ?? {};
  const properties = { ...fingerprint(outputs), ...facts, $: { given: Object.keys(bare), facts: Object.keys(facts) } };
  call.world.put({ provider: "aws", type, id: id, urn: call.urn, place, properties });
  return outputs;
}

/** The provider's `defaultTags`, which reach it as JSON text. */
function defaultTags(config: Properties): JsonObject {
  const option = config.defaultTags;
  if (typeof option !== "string") return {};
  return child(JSON.parse(option) as JsonObject, "tags") ?? {};
}

function remove(definition: Definition, id: string, outputs: Properties, call: Call): void {
  const { scene } = sceneOf(definition, outputs, call);
  const object = call.world.get("aws", id);
  if (object === undefined || object.type !== definition.type) return;
  definition.remove?.(object, scene);
  call.world.remove("aws", object.id);
}

function read({ type }: Definition, id: string, call: Call): { inputs: Properties; outputs: Properties } | undefined {
  const object = call.world.get("aws", id);
  if (object === undefined || object.type !== type) return undefined;
  const marks = child(object.properties, "$") ?? {};
  const [given, facts] = [texts(marks, "given"), ["$", ...texts(marks, "facts")]];
  const entries = Object.entries(object.properties);
  return {
    inputs: Object.fromEntries(entries.filter(([key]) => given.includes(key))),
    outputs: Object.fromEntries(entries.filter(([key]) => !facts.includes(key))),
  };
}

/** Addresses of a subnet that something other than `except` holds. */
export function heldAddresses(scene: Scene, subnetId: string, except = ""): Set<string> {
  const held = holders.flatMap((type) => scene.find(type)).filter(({ id }) => id !== except);
  return new Set(held.flatMap(({ properties }) => texts(child(properties, "holds") ?? {}, subnetId)));
}

/** Types that hold addresses in subnets: their fact `holds` is `{ [subnetId]: address[] }`. */
const holders = [
  "aws:ec2/networkInterface:NetworkInterface",
  "aws:ec2/instance:Instance",
  "aws:ec2/natGateway:NatGateway",
  "aws:ec2/vpcEndpoint:VpcEndpoint",
  "aws:ec2transitgateway/vpcAttachment:VpcAttachment",
  "aws:lb/loadBalancer:LoadBalancer",
];

/** The block of a CIDR that was checked before. */
export function blockOf(cidr: string | undefined): NonNullable<ReturnType<typeof parseBlock>> {
  const block = cidr === undefined ? undefined : parseBlock(cidr);
  if (block === undefined)
    throw new Refusal(
      "InvalidParameterValue",
      `Value (${cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block.`,
    );
  return block;
}

/** The number of an address that was checked before. */
export function addressOf(address: string): number {
  const parsed = parseAddress(address);
  if (parsed === undefined)
    throw new Refusal("InvalidParameterValue", `invalid value for parameter address: ${address}`);
  return parsed;
}
