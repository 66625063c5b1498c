import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";

/** A registered resource with what Pulumi's own mocks hide: its options and which inputs were secret. */
export interface Recorded {
  readonly type: string;
  readonly name: string;
  /** Secrets unwrapped. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Paths of secret inputs, e.g. `sharedKey` or `osProfile.customData`. */
  readonly secretPaths: readonly string[];
  /** URN of the parent; empty at the top. */
  readonly parent: string;
  readonly protect: boolean;
  readonly ignoreChanges: readonly string[];
  readonly deleteBeforeReplace: boolean;
  /** URNs. */
  readonly dependencies: readonly string[];
  readonly customTimeouts: { readonly create: string; readonly update: string; readonly delete: string } | undefined;
}

export interface DeployOptions {
  /** What the cloud answers besides the inputs, e.g. an address. */
  readonly outputs?: (resource: { type: string; name: string }) => Record<string, unknown>;
  /** What functions (`getX`) answer, by token. */
  readonly functions?: Readonly<Record<string, Record<string, unknown>>>;
  /** Stack configuration, `namespace:key` to value. */
  readonly config?: Readonly<Record<string, string>>;
  readonly stack?: string;
  /** As in `pulumi preview`: ids and answers of the cloud stay unknown. */
  readonly preview?: boolean;
}

/**
 * Runs `program` against mocks and waits until every resource is registered. An id is `<logical name>-id`.
 *
 * Resources are sorted by type and name, since registration order follows the event loop.
 */
export async function deploy<T>(
  program: () => T | Promise<T>,
  { outputs = () => ({}), functions = {}, config = {}, stack = "test", preview = false }: DeployOptions = {},
): Promise<{ result: T; resources: Recorded[] }> {
  const mocks: pulumi.runtime.Mocks = {
    newResource: ({ type, name, id, inputs }) =>
      preview
        ? { id: undefined, state: { ...inputs } }
        : { id: id ? id : `${name}-id`, state: { ...inputs, ...outputs({ type, name }) } },
    call: ({ token }) => functions[token] ?? {},
  };
  await pulumi.runtime.setMocks(mocks, "gyeongbu", stack, preview, "organization");
  pulumi.runtime.setAllConfig({ ...config });
  const resources: Recorded[] = [];
  record(resources);
  const { stackTraceLimit } = Error;
  // The SDK writes a stack trace for each of a program's thousands of promises, which is most of its time. One frame tells where.
  Error.stackTraceLimit = 1;
  try {
    const result = await program();
    await pulumi.runtime.disconnect();
    return { result, resources: resources.sort((one, other) => order(one, other)) };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The value of an output; a secret's too. */
export function resolved<T>(output: pulumi.Input<T>): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => {
    pulumi.output(output).apply(resolve);
  });
}

/** The recorded resources of one type token. */
export function ofType(resources: readonly Recorded[], type: string): Recorded[] {
  return resources.filter((resource) => resource.type === type);
}

/** The one resource of that type and logical name. */
export function named(resources: readonly Recorded[], type: string, name: string): Recorded {
  const found = ofType(resources, type).find((resource) => resource.name === name);
  if (!found)
    throw new Error(
      `no ${type} named ${name}; there are ${ofType(resources, type)
        .map((r) => r.name)
        .join(", ")}`,
    );
  return found;
}

function order(one: Recorded, other: Recorded): number {
  return `${one.type} ${one.name}` < `${other.type} ${other.name}` ? -1 : 1;
}

function record(resources: Recorded[]): void {
  const monitor = pulumi.runtime.getMonitor();
  if (!monitor) throw new Error("the mocks did not set a monitor");
  const register = Reflect.get(monitor, "registerResource") as (
    request: RegisterResourceRequest,
    done: unknown,
  ) => void;
  const wrapped = (request: RegisterResourceRequest, done: unknown) => {
    const secretPaths: string[] = [];
    const timeouts = request.getCustomtimeouts();
    resources.push({
      type: request.getType(),
      name: request.getName(),
      inputs: plain(request.getObject()?.toJavaScript() ?? {}, "", secretPaths) as Record<string, unknown>,
      secretPaths,
      parent: request.getParent(),
      protect: request.getProtect() ?? false,
      ignoreChanges: request.getIgnorechangesList(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
      dependencies: request.getDependenciesList(),
      customTimeouts: timeouts && {
        create: timeouts.getCreate(),
        update: timeouts.getUpdate(),
        delete: timeouts.getDelete(),
      },
    });
    register.call(monitor, request, done);
  };
  Reflect.set(monitor, "registerResource", wrapped);
}

/** The wire's value without secret envelopes; their paths go into `secretPaths`. */
function plain(value: unknown, path: string, secretPaths: string[]): unknown {
  if (Array.isArray(value)) return value.map((item, index) => plain(item, `${path}[${index}]`, secretPaths));
  if (typeof value !== "object" || value === null) return value;
  if (Reflect.get(value, pulumi.runtime.specialSigKey) === pulumi.runtime.specialSecretSig) {
    secretPaths.push(path);
    return plain(Reflect.get(value, "value"), path, secretPaths);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, plain(item, path === "" ? key : `${path}.${key}`, secretPaths)]),
  );
}
