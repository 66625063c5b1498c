import type { Json, JsonObject, World, WorldObject } from "../world.ts";

/** Where kube-apiserver listens on a control plane (kubeadm's default). */
export const apiServerPort = 6443;

/** A running control plane as `kubeadm init` on a stand-in host left it in the world. */
export interface Cluster {
  readonly name: string;
  /** Host of `controlPlaneEndpoint`: a name or an address. */
  readonly host: string;
  readonly port: number;
  /** Addresses behind the host's name. */
  readonly addresses: readonly string[];
  /** `v1.36.4` or `1.36.4`. */
  readonly version: string;
  /** `sha256:` and the hex digest of the CA certificate's DER bytes. */
  readonly caFingerprint: string;
  /** kubeadm was told not to install kube-proxy. */
  readonly proxyDisabled: boolean;
  /** CIDR from which a controller that came with the cluster serves `loadBalancerIP`. */
  readonly loadBalancers: string | undefined;
}

export interface ClusterNode {
  readonly name: string;
  readonly address: string;
  readonly controlPlane: boolean;
  readonly podCidr: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** An object that the API server holds, secrets as fingerprints. */
export interface StoredObject {
  readonly name: string;
  readonly namespace: string;
  readonly body: JsonObject;
}

/** What names an object in one cluster. */
export interface ObjectKey {
  readonly group: string;
  readonly kind: string;
  /** Empty for what belongs to no namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** Namespaces that kubeadm's control plane makes. */
export const givenNamespaces: readonly string[] = ["default", "kube-system", "kube-public", "kube-node-lease"];

export function clusters(world: World): Cluster[] {
  return world.find("kubernetes", "cluster").map(toCluster);
}

export function nodesOf(world: World, cluster: string): ClusterNode[] {
  return world
    .find("kubernetes", "node")
    .map(({ properties }) => properties)
    .filter((properties) => text(properties.cluster) === cluster)
    .map((properties) => ({
      name: text(properties.name),
      address: text(properties.address),
      controlPlane: text(properties.role) === "control-plane",
      podCidr: text(properties.podCIDR) || undefined,
      labels: texts(properties.labels),
    }));
}

/** Where the world keeps an object; unique over all clusters, unlike the id that Pulumi sees (`namespace/name`). */
export function objectId(cluster: string, { group, kind, namespace, name }: ObjectKey): string {
  return [cluster, group === "" ? kind : `${kind}.${group}`, namespace || "-", name].join("/");
}

const versions: Readonly<Record<string, readonly string[]>> = { "cilium.io": ["v2", "v2alpha1"], "helm.sh": ["v3"] };

/** All objects of a kind, whatever their version, e.g. `("Secret", "")` or `("CiliumNetworkPolicy", "cilium.io")`. */
export function objectsOf(world: World, cluster: string, kind: string, group: string): StoredObject[] {
  return (versions[group] ?? ["v1"])
    .flatMap((version) => world.find("kubernetes", `kubernetes:${group || "core"}/${version}:${kind}`))
    .filter(({ place }) => place === cluster)
    .map(({ properties }) => ({
      name: text(properties.name),
      namespace: text(properties.namespace),
      body: record(properties.body),
    }));
}

/** Takes a cluster, its nodes and everything in it out of the world: what `kubeadm reset` of the last control plane amounts to. */
export function removeCluster(world: World, cluster: string): void {
  for (const { provider, id } of inCluster(world, cluster)) world.remove(provider, id);
}

/** Whatever of this provider lies in the cluster, the cluster object and its nodes among it. */
export function inCluster(world: World, cluster: string): WorldObject[] {
  return world.all().filter(({ provider, place }) => provider === "kubernetes" && place === cluster);
}

function toCluster({ id, properties }: WorldObject): Cluster {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(text(properties.endpoint)) ?? [];
  return {
    name: id,
    host,
    port: Number(port),
    addresses: list(properties.addresses).map(text),
    version: text(properties.version),
    caFingerprint: text(properties.caFingerprint),
    proxyDisabled: properties.proxyDisabled === true,
    loadBalancers: text(properties.loadBalancers) || undefined,
  };
}

export function text(value: Json | undefined): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

export function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

export function record(value: Json | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

/** The members of a map that are text, such as labels. */
export function texts(value: Json | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(record(value)).map(([key, entry]) => [key, text(entry)]));
}
