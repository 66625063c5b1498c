import * as pulumi from "@pulumi/pulumi";
import resourceMessages from "@pulumi/pulumi/proto/resource_pb.js";
import debuggable from "@pulumi/pulumi/runtime/debuggable.js";
import structMessages from "google-protobuf/google/protobuf/struct_pb.js";
import { stringify } from "yaml";
import { type PlannedResource, type PlannedStack, plannedAddress } from "../proof/recorded.ts";
import type { Finding } from "./config/finding.ts";
import { readGatewayBundle } from "./config/gateway-api-bundle.ts";
import type { StackFile } from "./config/parse.ts";
import type { SiteSpec } from "./config/schema.ts";
import { deployEntry } from "./entry/entry.ts";
import { planSlots } from "./network/plan.ts";
import type { InterconnectSecrets, SiteSecrets } from "./secrets/schema.ts";

// The SDK keeps every promise, to name those that never settle when a program ends: half of a large plan's memory.
Reflect.set(debuggable, "debuggablePromise", (promise: unknown) => promise);

/** A program threw, as it would in `pulumi up`. */
export class ProgramStopped extends Error {
  readonly finding: Finding;

  constructor({ file }: StackFile, cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(message, { cause });
    this.finding = {
      code: "GB-107",
      severity: "error",
      file,
      path: "",
      message: `The program of this stack stops: ${message}`,
      fix: "Correct what the message names; if it names nothing of this file, report it as a bug.",
    };
  }
}

/** What the programs of a plan are given instead of real secrets. */
export interface PlanSecrets {
  readonly site: SiteSecrets;
  readonly interconnect: InterconnectSecrets;
}

/** Grants nothing, anywhere. */
const kubeconfig = stringify({
  clusters: [
    { name: "plan", cluster: { server: "https://plan.invalid", "certificate-authority-data": "Z3llb25nYnU=" } },
  ],
  users: [{ name: "plan", user: { "client-certificate-data": "Z3llb25nYnU=", "client-key-data": "Z3llb25nYnU=" } }],
});

/** What the steps over SSH print, as far as programs read it: tickets to join with, and a kubeconfig of nobody. */
function printed(file: StackFile, name: string): string {
  if (name.endsWith("-ticket")) {
    const founder =
      file.kind === "site" && file.spec.platform !== "existing"
        ? planSlots(file.spec).find(({ role }) => role === "control-plane")
        : undefined;
    const zeros = "0".repeat(64);
    return name === `${founder?.name}-ticket`
      ? "none"
      : `token abcdef.0123456789abcdef\nca-hash sha256:${zeros}\ncertificate-key ${zeros}`;
  }
  if (!name.endsWith("-kubeconfig")) return "";
  return kubeconfig;
}

/** Values that only an engine or a cloud hands out, for every type: the programs read them, proofs do not depend on them. */
const answers = (id: string, name: string) => ({
  arn: `arn:${id}`,
  name,
  vmId: id,
  publicIp: plannedAddress(id, "publicIp"),
  ipAddress: plannedAddress(id, "ipAddress"),
  tunnel1Address: plannedAddress(id, "tunnel1Address"),
  tunnel2Address: plannedAddress(id, "tunnel2Address"),
  transitGatewayAttachmentId: `attachment-${id}`,
});

/**
 * Runs the programs of `stacks` one after the other, without an engine, and writes down what each would register. Sites come first, since
 * an interconnect reads their outputs. One call at a time: Pulumi's runtime is global.
 *
 * @param stacks   Files that `judge` found no error in.
 * @throws ProgramStopped for the first program that throws.
 */
export async function record(stacks: readonly StackFile[], secrets: PlanSecrets): Promise<PlannedStack[]> {
  const outputs = new Map<string, unknown>();
  const order = { site: 0, interconnect: 1, entry: 2 };
  const planned: PlannedStack[] = [];
  for (const file of stacks.toSorted((one, other) => order[one.kind] - order[other.kind])) {
    const sites = stacks.flatMap((stack) => (stack.kind === "site" ? [stack.spec] : []));
    const { resources, result } = await untilRefused(file, () =>
      run(file, outputs, () => program(file, sites, secrets)),
    );
    outputs.set(file.stack, result);
    planned.push({ file, resources });
  }
  return planned;
}

/** What a program throws inside an output reaches nobody but the process. */
async function untilRefused<T>(file: StackFile, start: () => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const refuse = (error: unknown) => reject(new ProgramStopped(file, error));
  process.on("unhandledRejection", refuse);
  try {
    const made = await Promise.race([start(), promise]);
    process.off("unhandledRejection", refuse);
    return made;
  } catch (error) {
    // Still listening: outputs that wait for the one that threw fail one by one, later, with the same to say.
    throw error instanceof ProgramStopped ? error : new ProgramStopped(file, error);
  }
}

async function program(file: StackFile, sites: readonly SiteSpec[], secrets: PlanSecrets): Promise<unknown> {
  switch (file.kind) {
    case "site": {
      const { deploySite } = await import("./site.ts");
      const names = file.spec.mesh?.peers ?? [];
      const peers = sites.filter(({ name }) => name !== file.spec.name && names.includes(name));
      return deploySite({
        kind: "site",
        site: file.spec,
        peers,
        gatewayApi: readGatewayBundle(file).definitions,
        secrets: pulumi.secret({ ...secrets.site, kubeconfig }),
      });
    }
    case "interconnect": {
      const { deployInterconnect } = await import("./interconnect/interconnect.ts");
      return deployInterconnect({
        interconnect: file.spec,
        sites,
        secrets: pulumi.secret({ ...secrets.interconnect }),
      });
    }
    case "entry":
      return deployEntry({ entry: file.spec });
  }
}

interface Request {
  readonly request: InstanceType<typeof resourceMessages.RegisterResourceRequest>;
  readonly done: (error: Error | null, response: unknown) => void;
}

async function run(
  file: StackFile,
  outputs: ReadonlyMap<string, unknown>,
  start: () => Promise<unknown>,
): Promise<{ resources: PlannedResource[]; result: unknown }> {
  const read: pulumi.runtime.Mocks = {
    newResource: ({ name, id }) => ({ id, state: { name, outputs: outputs.get(name.split("/").at(-1) ?? "") ?? {} } }),
    call: ({ token }) => {
      throw new Error(`${token} asks a cloud; a plan knows only the stack files`);
    },
  };
  await pulumi.runtime.setMocks(read, "gyeongbu", file.stack, false, "organization");
  const monitor = pulumi.runtime.getMonitor();
  if (!monitor) throw new Error("Pulumi's mocks set no monitor");
  const resources: PlannedResource[] = [];
  // Pulumi's own mock reads and writes each resource four times over; this answers with what came.
  Reflect.set(monitor, "registerResource", (request: Request["request"], done: Request["done"]) => {
    const resource = planned(file.stack, request);
    resources.push(resource);
    done(null, answer(file, request, resource));
  });
  Reflect.set(monitor, "registerResourceOutputs", (_: unknown, done: Request["done"]) => done(null, {}));
  const result = await settled(pulumi.output(await start()));
  await pulumi.runtime.disconnect();
  return { resources, result };
}

function settled<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}

function planned(stack: string, request: Request["request"]): PlannedResource {
  const [type, name] = [request.getType(), request.getName()];
  const inputs = request.getObject()?.toJavaScript() ?? {};
  const timeout = request.getCustomtimeouts()?.getCreate() ?? "";
  const seconds = durationSeconds(timeout);
  return {
    id: idOf(type, name.startsWith(stack) ? name : `${stack}-${name}`, inputs),
    type,
    name,
    inputs,
    parent: request.getParent().split("::").at(-1) ?? "",
    protect: request.getProtect() ?? false,
    ...(seconds === undefined ? {} : { createTimeoutSeconds: seconds }),
  };
}

/** Forms that the programs check before they use an id. */
const prefixes: Readonly<Record<string, string>> = { Vpc: "vpc", Subnet: "subnet", RouteTable: "rtb" };

function idOf(type: string, name: string, inputs: Readonly<Record<string, unknown>>): string {
  const [plugin = "", , noun = ""] = type.split(":");
  if (plugin !== "azure-native") return `${prefixes[noun] ?? noun.toLowerCase()}-${name}`;
  const { resourceGroupName: group, virtualNetworkName: network, subnetName } = inputs;
  if (typeof group !== "string") return `/subscriptions/plan/resourceGroups/${name}`;
  const own =
    typeof subnetName === "string" ? `virtualNetworks/${String(network)}/subnets/${subnetName}` : `${noun}/${name}`;
  return `/subscriptions/plan/resourceGroups/${group}/providers/Microsoft.Network/${own}`;
}

/** `1h30m` and the like, as Pulumi's options write it. */
function durationSeconds(text: string): number | undefined {
  const [, hours, minutes, seconds] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? [];
  const sum = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  return sum > 0 ? sum : undefined;
}

function answer(file: StackFile, request: Request["request"], { id, type, name }: PlannedResource): unknown {
  const response = new resourceMessages.RegisterResourceResponse();
  response.setUrn(`urn:pulumi:plan::gyeongbu::${type}::${name}`);
  if (request.getCustom()) response.setId(id);
  const state = request.getObject() ?? new structMessages.Struct();
  const given = type === "command:remote:Command" ? { stdout: printed(file, name) } : answers(id, name);
  const fields = state.getFieldsMap();
  for (const [key, value] of Object.entries(given)) {
    if (!fields.has(key)) fields.set(key, structMessages.Value.fromJavaScript(value));
  }
  response.setObject(state);
  return response;
}
