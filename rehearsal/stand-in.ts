import type { World } from "./world.ts";

/** What a resource's inputs or outputs are once the wire format is decoded: JSON, with `Unknown` in previews and `Secret` wrappers. */
export type Value = null | boolean | number | string | Unknown | Secret | Value[] | { [key: string]: Value };
export type Properties = { [key: string]: Value };

/** A value that the engine does not know yet; only previews hold it. */
export class Unknown {
  static readonly value = new Unknown();
  private constructor() {}
}

/** A value that must reach neither the world's database nor a log in clear. */
export class Secret {
  readonly value: Value;
  constructor(value: Value) {
    this.value = value;
  }
}

/** One wrong input. `property` is a path such as `ingress[0].fromPort`, or empty for the resource as a whole. */
export interface Problem {
  readonly property: string;
  readonly reason: string;
}

/** What the cloud answers instead of doing the thing: an API error code and its message, as the real service words them. */
export class Refusal extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.name = "Refusal";
    this.code = code;
  }
}

/** Which resource a call is about, and where it happens. */
export interface Call {
  readonly urn: string;
  readonly type: string;
  /** Logical name, the last part of the URN. */
  readonly name: string;
  /** The provider's configuration, e.g. `region`, `kubeconfig`. Values may still be `Secret`. */
  readonly config: Properties;
  readonly world: World;
  /** One line on the engine's console under this resource. */
  log(line: string): void;
  /** Ends when the engine cancels. */
  readonly signal: AbortSignal;
}

export interface Created {
  readonly id: string;
  /** All outputs, the inputs among them; wrap in `Secret` what the real provider marks as secret. */
  readonly outputs: Properties;
}

/** A resource as it is read back. */
export interface Found {
  readonly inputs: Properties;
  readonly outputs: Properties;
}

/** How one resource type behaves. The base (`serve.ts`) decodes, waits the scaled time, and speaks gRPC; a kind holds only what the cloud knows. */
export interface Kind {
  /** Published or commonly seen seconds until usable; each kind names its source. The base waits for them divided by the speed. */
  readonly seconds: { readonly create: number; readonly update?: number; readonly delete?: number };
  /** Shape only (unknown, missing, read-only, enum, pattern, type); inputs may hold `Unknown`. Runs in previews too. */
  check(inputs: Properties, call: Call): Problem[];
  /** Input properties whose change replaces the resource. */
  replaces(olds: Properties, news: Properties): string[];
  /** Replace only after deleting, as the real provider does for this type. */
  readonly deleteBeforeReplace?: boolean;
  /** Refuses (throws `Refusal`) what the cloud would; otherwise registers the object in the world. Called after the wait, inside no transaction. */
  create(inputs: Properties, call: Call): Promise<Created> | Created;
  update(id: string, olds: Properties, news: Properties, call: Call): Promise<Properties> | Properties;
  /** Deleting what is gone already succeeds; deleting what is in use is refused. */
  delete(id: string, outputs: Properties, call: Call): Promise<void> | void;
  /** `undefined`: gone. `state` is what the engine holds, for providers that answer with it unseen; secrets in it stay wrapped. */
  read(id: string, call: Call, state?: Found): Promise<Found | undefined> | Found | undefined;
}

/** One provider plugin's stand-in. */
export interface StandIn {
  /** The plugin name: `aws`, `azure-native`, `command`, `kubernetes`. */
  readonly name: string;
  readonly version: string;
  /** Wrong provider configuration (an unknown region, no kubeconfig). */
  checkConfig(config: Properties): Problem[];
  /** The places (region, host, cluster) a call needs; the base refuses the call while one of them is down. */
  places(call: Call, inputs: Properties): string[];
  /** `undefined`: the provider has no such type. */
  kind(type: string): Kind | undefined;
  invoke(token: string, args: Properties, call: Omit<Call, "urn" | "type" | "name">): Promise<Properties> | Properties;
}
