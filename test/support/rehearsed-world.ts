import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { parseStackFile } from "../../components/config/parse.ts";
import type { InterconnectSpec, NodeSiteSpec } from "../../components/config/schema.ts";
import { deployInterconnect } from "../../components/interconnect/interconnect.ts";
import { nodeLabels } from "../../components/kubernetes/node-labels.ts";
import { apiEndpoint, planSlots, usesLocalProxy } from "../../components/network/plan.ts";
import { makeInterconnectSecrets, makeSiteSecrets } from "../../components/secrets/make.ts";
import type { SiteSecrets } from "../../components/secrets/schema.ts";
import { deploySite } from "../../components/site.ts";
import { awsStandIn } from "../../rehearsal/aws/stand-in.ts";
import { azureNativeStandIn } from "../../rehearsal/azure-native/stand-in.ts";
import { fingerprintOf } from "../../rehearsal/kubernetes/kubeconfig.ts";
import { kubernetesStandIn } from "../../rehearsal/kubernetes/stand-in.ts";
import { type Properties, Secret, type StandIn, type Value } from "../../rehearsal/stand-in.ts";
import { revealAll } from "../../rehearsal/wire.ts";
import type { Json, World } from "../../rehearsal/world.ts";
import { resolved } from "./deploy.ts";
import { stackText } from "./stacks.ts";

const standIns: Readonly<Record<string, StandIn>> = {
  aws: awsStandIn,
  "azure-native": azureNativeStandIn,
  kubernetes: kubernetesStandIn,
};

/** What the stack files of the checkout say, as the programs get it. */
function specOf(stack: string) {
  const parsed = parseStackFile(`Pulumi.${stack}.yaml`, stackText(stack));
  if ("findings" in parsed) throw new Error(`${stack} does not parse`);
  return parsed.stack;
}

function nodeSite(stack: string): NodeSiteSpec {
  const file = specOf(stack);
  if (file.kind !== "site" || file.spec.platform === "existing") throw new Error(`${stack} has no nodes`);
  return file.spec;
}

function interconnectSpec(): InterconnectSpec {
  const file = specOf("interconnect");
  if (file.kind !== "interconnect") throw new Error("the interconnect joins nothing");
  return file.spec;
}

/**
 * Runs the real programs of both sites and their interconnect against the stand-ins in this process: no engine, no waiting, no scripts. What
 * kubeadm would leave behind (clusters, nodes, /etc/hosts) is put in by hand. `world` must be a file, and hosts lie beside it.
 */
export async function buildWorld(world: World, file: string): Promise<void> {
  const sites = [nodeSite("prod-seoul"), nodeSite("dr-busan")];
  const own = await makeSiteSecrets();
  const outputs = new Map<string, Record<string, unknown>>();
  for (const site of sites) {
    const peers = sites.filter((other) => other !== site);
    const secrets = pulumi.secret<SiteSecrets>({ ...own });
    const made = await run(world, site.name, settings(site), outputs, dirname(file), site, () =>
      deploySite({ kind: "site", site, peers, gatewayApi: [], secrets }),
    );
    outputs.set(site.name, made);
  }
  const all = Object.assign({}, ...sites.map(settings));
  await run(world, "interconnect", all, outputs, dirname(file), undefined, async () =>
    deployInterconnect({
      interconnect: interconnectSpec(),
      sites,
      secrets: pulumi.secret(makeInterconnectSecrets()),
    }),
  );
}

function settings(site: NodeSiteSpec): Record<string, Properties> {
  if (site.platform === "aws") return { aws: { region: site.region } };
  if (site.platform === "azure")
    return { "azure-native": { location: site.location, subscriptionId: "00000000-0000-0000-0000-000000000000" } };
  return {};
}

async function run(
  world: World,
  stack: string,
  config: Readonly<Record<string, Properties>>,
  outputs: ReadonlyMap<string, Record<string, unknown>>,
  folder: string,
  site: NodeSiteSpec | undefined,
  program: () => Promise<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  let kubeconfig: Value = "";
  const { promise: refused, reject: refuse } = Promise.withResolvers<never>();
  const mocks: pulumi.runtime.Mocks = {
    newResource: async ({ type, name, inputs, id }) => {
      const given = fromMocks(inputs);
      if (type === "pulumi:pulumi:StackReference") {
        return { id: id ?? name, state: { name, outputs: outputs.get((id ?? name).split("/").at(-1) ?? "") ?? {} } };
      }
      if (type === "pulumi:providers:kubernetes") kubeconfig = given.kubeconfig ?? "";
      if (type === "command:remote:Command" && site !== undefined) {
        const stdout = answer(name, site);
        if (name.endsWith("-kubeconfig")) kubeadm(world, folder, site);
        return { id: name, state: { ...revealAll(given), stdout } };
      }
      const plugin = type.split(":")[0] ?? "";
      const kind = standIns[plugin]?.kind(type);
      if (kind === undefined) return { id: `${name}-id`, state: inputs };
      const call = {
        urn: `urn:pulumi:${stack}::gyeongbu::${type}::${name}`,
        type,
        name,
        config: { ...config[plugin], ...(plugin === "kubernetes" ? { kubeconfig } : {}) },
        world,
        log: () => undefined,
        signal: new AbortController().signal,
      };
      try {
        const [problem] = kind.check(given, call);
        if (problem !== undefined) throw new Error(`${problem.property}: ${problem.reason}`);
        const created = await kind.create(given, call);
        return { id: created.id, state: revealAll(created.outputs) };
      } catch (error) {
        refuse(new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`));
        // The program would wait for whatever comes of it; its caller does not.
        return new Promise<never>(() => undefined);
      }
    },
    call: () => ({}),
  };
  await pulumi.runtime.setMocks(mocks, "gyeongbu", stack, false, "organization");
  const finish = async (): Promise<Record<string, unknown>> => {
    const made = await resolved(pulumi.output(await program()));
    await pulumi.runtime.disconnect();
    return made;
  };
  return Promise.race([finish(), refused]);
}

/** Secrets as stand-ins know them. */
function fromMocks(inputs: Record<string, unknown>): Properties {
  return Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, valueFrom(value)]));
}

function valueFrom(value: unknown): Value {
  if (Array.isArray(value)) return value.map(valueFrom);
  if (typeof value !== "object" || value === null) return value as Json;
  if (Reflect.get(value, pulumi.runtime.specialSigKey) === pulumi.runtime.specialSecretSig)
    return new Secret(valueFrom(Reflect.get(value, "value")));
  return fromMocks({ ...value });
}

const authority = Buffer.from(
  `-----BEGIN CERTIFICATE-----\n${Buffer.from("the cluster's").toString("base64")}\n-----END CERTIFICATE-----\n`,
).toString("base64");

/** What the steps over SSH print. */
function answer(name: string, site: NodeSiteSpec): string {
  if (name.endsWith("-ticket"))
    return name.includes("-control-0-")
      ? "none"
      : `token abcdef.0123456789abcdef\nca-hash sha256:${"0".repeat(64)}\ncertificate-key ${"0".repeat(64)}`;
  if (!name.endsWith("-kubeconfig")) return "";
  const user = { "client-certificate-data": authority, "client-key-data": authority };
  return stringify({
    clusters: [{ name: site.name, cluster: { server: "", "certificate-authority-data": authority } }],
    users: [{ name: "admin", user }],
  });
}

/** The cluster and the nodes as kubeadm leaves them, and how each node finds the API. */
function kubeadm(world: World, folder: string, site: NodeSiteSpec): void {
  const common = { provider: "kubernetes", urn: "", place: site.name };
  const { name, port, addresses } = apiEndpoint(site);
  const slots = planSlots(site);
  const controlPlanes = slots.filter(({ role }) => role === "control-plane").map(({ address }) => address);
  const properties = {
    endpoint: `${name}:${port}`,
    addresses: [...controlPlanes, ...addresses],
    version: `v${site.kubernetes.version}`,
    caFingerprint: fingerprintOf(authority) ?? "",
    proxyDisabled: true,
  };
  world.put({ ...common, type: "cluster", id: site.name, properties });
  for (const slot of slots) {
    const { address, podCidr, role } = slot;
    const labels = nodeLabels(site, slot);
    const node = {
      cluster: site.name,
      name: slot.name,
      address,
      role,
      podCIDR: podCidr,
      labels: { ...labels },
      taints: [],
    };
    world.put({ ...common, type: "node", id: `${site.name}/${slot.name}`, properties: node });
    const root = join(folder, "hosts", address, "root", "etc");
    mkdirSync(join(root, "haproxy"), { recursive: true });
    const local = usesLocalProxy(site, slot);
    const found = local ? ["127.0.0.1"] : addresses;
    writeFileSync(join(root, "hosts"), found.map((one) => `${one} ${name}\n`).join(""));
    const servers = controlPlanes.map((one, index) => `    server s${index} ${one}:6443`);
    if (local)
      writeFileSync(
        join(root, "haproxy", "haproxy.cfg"),
        [`frontend api`, `    bind 127.0.0.1:${port}`, "    default_backend all", "", "backend all", ...servers].join(
          "\n",
        ),
      );
  }
}
