import { fingerprintOf } from "../../rehearsal/kubernetes/kubeconfig.ts";
import { kubernetesStandIn } from "../../rehearsal/kubernetes/stand-in.ts";
import { type Call, type Created, type Kind, type Problem, type Properties, Secret } from "../../rehearsal/stand-in.ts";
import { type JsonObject, World } from "../../rehearsal/world.ts";

/** A certificate in all that the stand-in looks at. */
const authority = (name: string) =>
  Buffer.from(
    `-----BEGIN CERTIFICATE-----\n${Buffer.from(name).toString("base64")}\n-----END CERTIFICATE-----\n`,
  ).toString("base64");

export function kubeconfig(server: string, ca: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "admin",
    contexts: [{ name: "admin", context: { cluster: "it", user: "admin" } }],
    clusters: [{ name: "it", cluster: { server, "certificate-authority-data": authority(ca) } }],
    users: [{ name: "admin", user: { token: "t" } }],
  });
}

export interface ClusterSetup {
  readonly name: string;
  /** Second octet of node addresses (10.x) and, 118 higher, of pods. */
  readonly octet: number;
  readonly nodes?: number;
  readonly cluster?: JsonObject;
}

/** A fresh cluster of three nodes without kube-proxy as the kubeadm shim leaves it; its API is `api.<name>.example:6443`. */
export function putCluster(world: World, { name, octet, nodes = 3, cluster = {} }: ClusterSetup): void {
  const common = { provider: "kubernetes", urn: "", place: name };
  const endpoint = {
    endpoint: `api.${name}.example:6443`,
    addresses: [`10.${octet}.0.8`],
    version: "v1.36.4",
    caFingerprint: fingerprintOf(authority(name)) ?? "",
    proxyDisabled: true,
    ...cluster,
  };
  world.put({ ...common, type: "cluster", id: name, properties: endpoint });
  for (let index = 0; index < nodes; index += 1) {
    const node = {
      cluster: name,
      name: `${name}-${index}`,
      address: `10.${octet}.0.${16 + index}`,
      role: index === 0 ? "control-plane" : "worker",
      podCIDR: `10.${octet + 118}.${index}.0/24`,
      labels: { rack: index === 0 ? "a" : "b" },
      taints: [],
    };
    world.put({ ...common, type: "node", id: `${name}/${node.name}`, properties: node });
  }
}

/** Values with which Cilium becomes ready in a cluster of `putCluster`. */
export function readyValues(name: string, id: number): Properties {
  return {
    cluster: { name, id },
    routingMode: "native",
    autoDirectNodeRoutes: true,
    ipv4NativeRoutingCIDR: "10.128.0.0/13",
    ipam: { mode: "kubernetes" },
    kubeProxyReplacement: true,
    k8sServiceHost: `api.${name}.example`,
    k8sServicePort: 6443,
  };
}

/** Talks to the stand-in as the engine would, for one provider configuration. */
export class Client {
  readonly world: World;
  readonly config: Properties;

  constructor(world: World, config: Properties) {
    this.world = world;
    this.config = config;
  }

  static of(world: World, cluster: string): Client {
    return new Client(world, { kubeconfig: new Secret(kubeconfig(`https://api.${cluster}.example:6443`, cluster)) });
  }

  call(type: string, name = "it"): Call {
    return {
      urn: `urn:pulumi:test::gyeongbu::${type}::${name}`,
      type,
      name,
      config: this.config,
      world: this.world,
      log: () => undefined,
      signal: new AbortController().signal,
    };
  }

  kind(type: string): Kind {
    const kind = kubernetesStandIn.kind(type);
    if (kind === undefined) throw new Error(`no kind ${type}`);
    return kind;
  }

  check(type: string, inputs: Properties): Problem[] {
    return this.kind(type).check(inputs, this.call(type));
  }

  /** Checks, then creates. */
  async create(type: string, inputs: Properties, name?: string): Promise<Created> {
    const problems = this.check(type, inputs);
    if (problems.length > 0)
      throw new Error(problems.map(({ property, reason }) => `${property}: ${reason}`).join("\n"));
    return this.kind(type).create(inputs, this.call(type, name));
  }

  /** Any object, by the type token that its apiVersion and kind make. */
  apply(object: { apiVersion: string; kind: string } & Properties): Promise<Created> {
    const group = object.apiVersion.includes("/") ? object.apiVersion : `core/${object.apiVersion}`;
    return this.create(`kubernetes:${group}:${object.kind}`, object);
  }

  /** Installs Cilium; `extra` are inputs beside or over the usual ones. */
  install(values: Properties, extra: Properties = {}): Promise<Created> {
    return this.create("kubernetes:helm.sh/v3:Release", {
      chart: "cilium",
      version: "1.20.2",
      repositoryOpts: { repo: "https://helm.cilium.io/" },
      namespace: "kube-system",
      name: "cilium",
      values,
      ...extra,
    });
  }
}

/** A world in memory with one cluster named `seoul`, and a client of it. */
export function seoul(setup: Partial<ClusterSetup> = {}): { world: World; client: Client } {
  const world = World.open(":memory:");
  putCluster(world, { name: "seoul", octet: 10, ...setup });
  return { world, client: Client.of(world, "seoul") };
}
