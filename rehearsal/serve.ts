import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { PluginAttach } from "@pulumi/pulumi/proto/plugin_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { Console } from "./console.ts";
import { answer, endWithParent, Failure, servePlugin } from "./plugin.ts";
import { announcePlugin } from "./plugin-registry.ts";
import type { Call, Kind, Problem, Properties, StandIn } from "./stand-in.ts";
import { changedKeys, decode, encode, holdsSecret, keepSecrets, restoreSecrets } from "./wire.ts";
import { World } from "./world.ts";

type Empty = InstanceType<typeof empty.Empty>;
type Operation = "create" | "update" | "delete";

/** Anything about a resource that a message tells. */
interface Subject {
  getUrn(): string;
  getType(): string;
  getName(): string;
}

/** Modelled seconds that pass in one wall second; `GYEONGBU_SPEED`, 600 by default, so that a VPN gateway's 45 minutes take 4.5 s. */
export function speedOf(environment: NodeJS.ProcessEnv): number {
  const speed = Number(environment.GYEONGBU_SPEED ?? 600);
  if (!(speed > 0)) throw new Error(`GYEONGBU_SPEED is "${environment.GYEONGBU_SPEED}"; write a number above 0`);
  return speed;
}

/**
 * Runs a stand-in as a Pulumi provider plugin: serves `pulumirpc.ResourceProvider` on a free local port, prints the
 * port, and ends with the engine that started it. Reads `GYEONGBU_WORLD` and `GYEONGBU_SPEED`.
 */
export function serve(standIn: StandIn): void {
  const file = process.env.GYEONGBU_WORLD;
  if (file === undefined || file === "") {
    process.stderr.write(
      `GYEONGBU_WORLD is not set: this ${standIn.name} plugin is a stand-in for rehearsals. Run "npm start", or set the environment with: eval "$(npm run --silent rehearse -- env)"\n`,
    );
    process.exit(1);
  }
  announcePlugin(path.dirname(file));
  const rehearsed = new Provider(standIn, World.open(file), speedOf(process.env));
  servePlugin(services.ResourceProviderService, rehearsed.methods());
}

class Provider {
  readonly #standIn: StandIn;
  readonly #world: World;
  readonly #speed: number;
  readonly #console = new Console(process.argv[2]);
  readonly #cancelled = new AbortController();
  /** Ends when nobody is left to answer to. */
  readonly #ended = endWithParent(() => this.#committing === 0);
  /** Changes of the world that are being made. */
  #committing = 0;
  #config: Properties = {};

  constructor(standIn: StandIn, world: World, speed: number) {
    this.#standIn = standIn;
    this.#world = world;
    this.#speed = speed;
  }

  /** The gRPC methods that the engine calls on a provider of custom resources; any other is answered UNIMPLEMENTED. */
  methods() {
    return {
      handshake: this.#answer<messages.ProviderHandshakeRequest, messages.ProviderHandshakeResponse>((request) => {
        this.#console.attach(request.getEngineAddress());
        return new provider.ProviderHandshakeResponse().setAcceptSecrets(true);
      }),
      attach: this.#answer<PluginAttach, Empty>((request) => {
        this.#console.attach(request.getAddress());
        return new empty.Empty();
      }),
      getPluginInfo: this.#answer<Empty, plugin.PluginInfo>(() =>
        new plugin.PluginInfo().setVersion(this.#standIn.version),
      ),
      checkConfig: this.#answer<messages.CheckRequest, messages.CheckResponse>((request) => {
        const inputs = configuration(decode(request.getNews()));
        const problems = this.#standIn.checkConfig(inputs);
        return new provider.CheckResponse().setInputs(request.getNews()).setFailuresList(failures(problems, inputs));
      }),
      diffConfig: this.#answer<messages.DiffRequest, messages.DiffResponse>((request) =>
        difference(changedKeys(decode(request.getOldInputs()), decode(request.getNews())), [], false),
      ),
      configure: this.#answer<messages.ConfigureRequest, messages.ConfigureResponse>((request) => {
        this.#config = configuration(decode(request.getArgs()));
        return new provider.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
      }),
      check: this.#answer<messages.CheckRequest, messages.CheckResponse>((request, signal) => {
        const call = this.#call(request, signal);
        const inputs = decode(request.getNews());
        const problems = this.#kind(request.getType()).check(inputs, call);
        return new provider.CheckResponse().setInputs(request.getNews()).setFailuresList(failures(problems, inputs));
      }),
      diff: this.#answer<messages.DiffRequest, messages.DiffResponse>((request) => this.#diff(request)),
      create: this.#answer<messages.CreateRequest, messages.CreateResponse>((request, signal) =>
        this.#create(request, signal),
      ),
      update: this.#answer<messages.UpdateRequest, messages.UpdateResponse>((request, signal) =>
        this.#update(request, signal),
      ),
      delete: this.#answer<messages.DeleteRequest, Empty>((request, signal) => this.#delete(request, signal)),
      read: this.#answer<messages.ReadRequest, messages.ReadResponse>((request, signal) => this.#read(request, signal)),
      invoke: this.#answer<messages.InvokeRequest, messages.InvokeResponse>((request, signal) =>
        this.#invoke(request, signal),
      ),
      cancel: this.#answer<Empty, Empty>(() => {
        this.#cancelled.abort();
        return new empty.Empty();
      }),
    };
  }

  #diff(request: messages.DiffRequest): messages.DiffResponse {
    const kind = this.#kind(request.getType());
    const olds = decode(request.getOldInputs());
    const news = decode(request.getNews());
    const changed = changedKeys(olds, news);
    const replaces = kind.replaces(olds, news).filter((path) => changed.includes(firstKey(path)));
    return difference(changed, replaces, kind.deleteBeforeReplace ?? false);
  }

  async #create(request: messages.CreateRequest, signal: AbortSignal): Promise<messages.CreateResponse> {
    const kind = this.#kind(request.getType());
    const call = this.#call(request, signal);
    const inputs = decode(request.getProperties());
    refuse(kind.check(inputs, call));
    const response = new provider.CreateResponse();
    if (request.getPreview()) return response.setProperties(request.getProperties());
    await this.#pass("create", kind.seconds.create, request.getTimeout(), call, inputs);
    const { id, outputs } = await this.#commit(call, (last) => kind.create(inputs, last));
    this.#world.recordTiming({ urn: call.urn, operation: "create", seconds: kind.seconds.create });
    return response.setId(id).setProperties(encode(keepSecrets(outputs, inputs)));
  }

  async #update(request: messages.UpdateRequest, signal: AbortSignal): Promise<messages.UpdateResponse> {
    const kind = this.#kind(request.getType());
    const call = this.#call(request, signal);
    const news = decode(request.getNews());
    const olds = decode(request.getOlds());
    refuse(kind.check(news, call));
    const response = new provider.UpdateResponse();
    if (request.getPreview()) return response.setProperties(encode({ ...olds, ...news }));
    const seconds = kind.seconds.update ?? 0;
    await this.#pass("update", seconds, request.getTimeout(), call, news);
    const outputs = await this.#commit(call, (last) => kind.update(request.getId(), olds, news, last));
    this.#world.recordTiming({ urn: call.urn, operation: "update", seconds });
    return response.setProperties(encode(keepSecrets(outputs, news)));
  }

  async #delete(request: messages.DeleteRequest, signal: AbortSignal): Promise<Empty> {
    const kind = this.#kind(request.getType());
    const call = this.#call(request, signal);
    const outputs = decode(request.getProperties());
    const seconds = kind.seconds.delete ?? 0;
    await this.#pass("delete", seconds, request.getTimeout(), call, outputs);
    await this.#commit(call, (last) => kind.delete(request.getId(), outputs, last));
    this.#world.recordTiming({ urn: call.urn, operation: "delete", seconds });
    return new empty.Empty();
  }

  async #read(request: messages.ReadRequest, signal: AbortSignal): Promise<messages.ReadResponse> {
    const kind = this.#kind(request.getType());
    const call = this.#call(request, signal);
    const state = decode(request.getProperties());
    const stateInputs = decode(request.getInputs());
    await this.#reach(call, { ...state, ...stateInputs }, request.getTimeout());
    const found = await kind.read(request.getId(), call, { inputs: stateInputs, outputs: state });
    // The engine takes an empty id for "gone".
    if (found === undefined) return new provider.ReadResponse();
    const inputs = restoreSecrets(found.inputs, stateInputs);
    return new provider.ReadResponse()
      .setId(request.getId())
      .setInputs(encode(inputs))
      .setProperties(encode(keepSecrets(restoreSecrets(found.outputs, state), inputs)));
  }

  async #invoke(request: messages.InvokeRequest, signal: AbortSignal): Promise<messages.InvokeResponse> {
    const args = decode(request.getArgs());
    const call = this.#call({ getUrn: () => "", getType: () => request.getTok(), getName: () => "" }, signal);
    await this.#reach(call, args, 0);
    const result = await this.#standIn.invoke(request.getTok(), args, call);
    return new provider.InvokeResponse().setReturn(encode(result));
  }

  #kind(type: string): Kind {
    const kind = this.#standIn.kind(type);
    if (kind !== undefined) return kind;
    throw new Failure(
      status.UNIMPLEMENTED,
      `the rehearsal's ${this.#standIn.name} has no resource type "${type}"; correct the type, or add it under rehearsal/${this.#standIn.name}/`,
    );
  }

  #call(subject: Subject, signal: AbortSignal): Call {
    const urn = subject.getUrn();
    return {
      urn,
      type: subject.getType(),
      name: subject.getName(),
      config: this.#config,
      world: this.#world,
      log: (line) => this.#console.info(urn, line),
      signal,
    };
  }

  /** Makes a change that, once begun, is finished even if the engine is killed; only its Cancel ends it early. */
  async #commit<T>(call: Call, change: (call: Call) => Promise<T> | T): Promise<T> {
    if (call.signal.aborted) throw cancelled();
    this.#committing += 1;
    try {
      return await change({ ...call, signal: this.#cancelled.signal });
    } finally {
      this.#committing -= 1;
    }
  }

  /** Waits the modelled time, scaled, at places that are reachable. `timeout` is the resource's own limit in seconds, 0 for none. */
  async #pass(operation: Operation, seconds: number, timeout: number, call: Call, inputs: Properties): Promise<void> {
    await this.#reach(call, inputs, timeout);
    const late = timeout > 0 && seconds > timeout;
    await this.#wait(late ? timeout : seconds, call.signal);
    if (late) {
      throw new Failure(
        status.DEADLINE_EXCEEDED,
        `${operation} takes about ${seconds} s, and customTimeouts.${operation} ends it after ${timeout} s`,
      );
    }
    // What was reachable when the work began may have failed meanwhile.
    await this.#reach(call, inputs, timeout);
  }

  /** Refuses, or hangs as a real client would, while one of the call's places is down. */
  async #reach(call: Call, inputs: Properties, timeout: number): Promise<void> {
    for (const place of this.#standIn.places(call, inputs)) {
      const mode = this.#world.outage(place);
      if (mode === undefined) continue;
      if (mode === "hang") await this.#hang(call.signal, timeout);
      throw new Failure(
        status.UNAVAILABLE,
        `${place} does not answer: ${mode === "hang" ? "timeout" : "connection refused"}`,
      );
    }
  }

  async #hang(signal: AbortSignal, timeout: number): Promise<void> {
    if (timeout > 0) await this.#wait(timeout, signal);
    // A promise alone does not keep the process alive, but the server does.
    else await new Promise((_, reject) => signal.addEventListener("abort", () => reject(cancelled()), { once: true }));
  }

  async #wait(seconds: number, signal: AbortSignal): Promise<void> {
    await sleep((seconds * 1000) / this.#speed, undefined, { signal }).catch(() => {
      throw cancelled();
    });
  }

  #answer<Request, Response>(work: (request: Request, signal: AbortSignal) => Response | Promise<Response>) {
    return answer(work, this.#cancelled.signal, this.#ended);
  }
}

function cancelled(): Failure {
  return new Failure(status.CANCELLED, "cancelled by the engine");
}

/** The configuration as the provider's schema knows it, without what the SDK adds for the engine's own use. */
function configuration(config: Properties): Properties {
  const ours = ["version", "pluginDownloadURL", "__internal"];
  return Object.fromEntries(Object.entries(config).filter(([key]) => !ours.includes(key)));
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ property, reason }) => (property === "" ? reason : `${property}: ${reason}`));
  throw new Failure(status.INVALID_ARGUMENT, lines.join("\n"));
}

/** The engine prints the value of the property that a failure names, a secret one too; there the name goes into the words. */
function failures(problems: readonly Problem[], inputs: Properties): messages.CheckFailure[] {
  return problems.map(({ property, reason }) => {
    const failure = new provider.CheckFailure();
    return holdsSecret(inputs[firstKey(property)] ?? null)
      ? failure.setReason(`${property}: ${reason}`)
      : failure.setProperty(property).setReason(reason);
  });
}

function difference(changed: string[], replaces: string[], deleteBeforeReplace: boolean): messages.DiffResponse {
  const { DIFF_SOME, DIFF_NONE } = provider.DiffResponse.DiffChanges;
  return new provider.DiffResponse()
    .setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE)
    .setDiffsList(changed)
    .setReplacesList(replaces)
    .setDeletebeforereplace(deleteBeforeReplace && replaces.length > 0);
}

/** The first step of a path such as `ingress[0].fromPort`. */
function firstKey(path: string): string {
  return path.split(/[.[]/, 1)[0] ?? path;
}
