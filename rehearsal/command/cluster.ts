import { createHash } from "node:crypto";
import { z } from "zod";
import { inCluster, removeCluster } from "../kubernetes/cluster.ts";
import type { Json, JsonObject, World } from "../world.ts";

const texts = z.record(z.string(), z.string());

/** A bootstrap token; its secret half as a hash, since the world holds no secret. Times are milliseconds since 1970. */
const Token = z.object({ id: z.string(), secretHash: z.string(), expires: z.number() });

/** A kubelet's request for a serving certificate. */
const SigningRequest = z.object({
  name: z.string(),
  user: z.string(),
  /** PEM of a PKCS#10 request, in base64. */
  request: z.string(),
  approved: z.boolean(),
});
export type SigningRequest = z.infer<typeof SigningRequest>;

const Member = z.object({ id: z.string(), name: z.string(), address: z.string() });
export type Member = z.infer<typeof Member>;

/** What a cluster made by `kubeadm` knows; kept under `kubeadm` of the world's cluster object. */
const Kubeadm = z.object({
  /** The resource that ran `kubeadm init`. */
  initUrn: z.string(),
  /** ClusterConfiguration and KubeletConfiguration, as the ConfigMaps of kube-system hold them. */
  configuration: z.json(),
  kubelet: z.json(),
  bindPort: z.number(),
  /** `sha256:` over the CA's public key, as `caCertHashes` name it. */
  publicKeyHash: z.string(),
  tokens: z.array(Token),
  certificateKey: z.object({ hash: z.string(), expires: z.number() }).optional(),
  members: z.array(Member),
  /** When the last new etcd member stops being a learner. */
  learnerUntil: z.number(),
  requests: z.array(SigningRequest),
});
export type Kubeadm = z.infer<typeof Kubeadm>;

const Properties = z.looseObject({
  endpoint: z.string(),
  addresses: z.array(z.string()),
  version: z.string(),
  caFingerprint: z.string(),
  kubeadm: Kubeadm.optional(),
});

/** A cluster of the world. */
export interface ClusterRecord {
  readonly name: string;
  endpoint: string;
  /** Addresses by which its API answers: control planes, and load balancers that nodes have used. */
  addresses: string[];
  readonly version: string;
  readonly caFingerprint: string;
  kubeadm: Kubeadm;
}

/** A node of the world. */
export interface NodeRecord {
  readonly cluster: string;
  readonly name: string;
  readonly address: string;
  readonly role: "control-plane" | "worker";
  podCIDR?: string | undefined;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  taints: { key: string; value?: string | undefined; effect: string }[];
  unschedulable: boolean;
}

const Node = z.object({
  cluster: z.string(),
  name: z.string(),
  address: z.string(),
  role: z.enum(["control-plane", "worker"]),
  podCIDR: z.string().optional(),
  labels: texts.default({}),
  annotations: texts.default({}),
  taints: z.array(z.object({ key: z.string(), value: z.string().optional(), effect: z.string() })).default([]),
  unschedulable: z.boolean().default(false),
});

/** Every cluster that kubeadm made. */
export function clusterRecords(world: World): ClusterRecord[] {
  return world.find("kubernetes", "cluster").flatMap(({ id, properties }) => {
    const { data } = Properties.safeParse(properties);
    return data?.kubeadm === undefined ? [] : [{ name: id, ...data, kubeadm: data.kubeadm }];
  });
}

export function clusterRecord(world: World, name: string): ClusterRecord | undefined {
  return clusterRecords(world).find((cluster) => cluster.name === name);
}

/** Reads, changes and writes a cluster alone; `change` may throw to leave it as it was. */
export function changeCluster(world: World, name: string, change: (cluster: ClusterRecord) => void): void {
  world.transaction(() => {
    const object = world.get("kubernetes", name);
    const cluster = clusterRecord(world, name);
    if (object === undefined || cluster === undefined) return;
    change(cluster);
    const { endpoint, addresses, kubeadm } = cluster;
    world.put({ ...object, properties: { ...object.properties, endpoint, addresses, kubeadm: json(kubeadm) } });
  });
}

/** Puts a new cluster in the world. It has no URN: it outlives the resource that made it, for as long as a control plane runs. */
export function putCluster(world: World, { name, ...cluster }: ClusterRecord, facts: JsonObject): void {
  const { endpoint, addresses, version, caFingerprint, kubeadm } = cluster;
  const properties = {
    ...facts,
    endpoint,
    addresses,
    version,
    caFingerprint,
    createdBy: "kubeadm",
    kubeadm: json(kubeadm),
  };
  world.put({ provider: "kubernetes", type: "cluster", id: name, urn: "", place: name, properties });
}

export function nodeRecords(world: World, cluster: string): NodeRecord[] {
  return world
    .find("kubernetes", "node")
    .flatMap(({ properties }) => Node.safeParse(properties).data ?? [])
    .filter((node) => node.cluster === cluster);
}

export function putNode(world: World, node: NodeRecord): void {
  const id = `${node.cluster}/${node.name}`;
  const before = world.get("kubernetes", id)?.properties ?? {};
  world.put({
    provider: "kubernetes",
    type: "node",
    id,
    urn: "",
    place: node.cluster,
    properties: { ...before, ...fields(node) },
  });
}

export function removeNode(world: World, cluster: string, name: string): void {
  world.remove("kubernetes", `${cluster}/${name}`);
}

/**
 * Takes a cluster out of the world with the resource that founded it, when no other control plane is left: machines of a cloud go without
 * a `kubeadm reset`, and a cluster does not outlive them.
 */
export function forgetCluster(world: World, urn: string): void {
  for (const { name, kubeadm } of clusterRecords(world)) {
    const leaders = nodeRecords(world, name).filter(({ role }) => role === "control-plane");
    if (kubeadm.initUrn === urn && leaders.length <= 1) removeCluster(world, name);
  }
}

/** Takes a cluster out of the world whose last control plane was reset. */
export function dropCluster(world: World, name: string): void {
  if (inCluster(world, name).length > 0) removeCluster(world, name);
}

export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function json(value: Kubeadm): Json {
  return JSON.parse(JSON.stringify(value));
}

function fields(node: NodeRecord): JsonObject {
  return JSON.parse(JSON.stringify(node));
}
