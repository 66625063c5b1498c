import { indexedVersion } from "../../components/cilium/chart-keys.ts";
import type { JsonObject, World, WorldObject } from "../world.ts";
import { objectId } from "./cluster.ts";
import { releaseType, repositoryType } from "./kinds.ts";
import { serverOf } from "./kubeconfig.ts";

/** A cluster that runs before Pulumi knows of it. */
export interface ExistingCluster {
  /** The site's name; the place of outages. */
  readonly name: string;
  /** Its kubeconfig, whose server and CA the cluster then has. */
  readonly kubeconfig: string;
  /** e.g. `v1.31.13`. */
  readonly version: string;
  readonly nodes: readonly {
    readonly name: string;
    readonly address: string;
    readonly role: "control-plane" | "worker";
    readonly podCidr: string;
  }[];
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  /** CIDR from which the cluster's own load-balancer controller gives addresses; none without. */
  readonly loadBalancers?: string;
  readonly cilium: { readonly version: string; readonly values: JsonObject };
}

/**
 * The objects of a running kubeadm cluster with kube-proxy and the release `kube-system/cilium`, and the `helm repo add cilium` of whoever
 * installed it; they bear no URN, since nothing of ours made them.
 */
export function existingCluster(cluster: ExistingCluster): WorldObject[] {
  const { name, version, nodes, podSubnet, serviceSubnet } = cluster;
  const server = serverOf(cluster.kubeconfig);
  const common = { provider: "kubernetes", urn: "", place: name };
  const endpoint = {
    endpoint: `${server.host}:${server.port}`,
    addresses: [server.host],
    caFingerprint: server.caFingerprint,
    version,
    podSubnet,
    serviceSubnet,
    createdBy: "kubeadm",
    proxyDisabled: false,
    ...(cluster.loadBalancers === undefined ? {} : { loadBalancers: cluster.loadBalancers }),
    controllerManager: { allocateNodeCidrs: true },
  };
  return [
    { ...common, type: "cluster", id: name, properties: endpoint },
    ...nodes.map((node) => ({
      ...common,
      type: "node",
      id: `${name}/${node.name}`,
      properties: {
        cluster: name,
        name: node.name,
        address: node.address,
        role: node.role,
        podCIDR: node.podCidr,
        labels: { "kubernetes.io/hostname": node.name },
        taints: [],
      },
    })),
    { ...common, type: repositoryType, id: `${name}/${repositoryType}`, properties: { name: "cilium" } },
    { ...common, type: releaseType, id: objectId(name, releaseKey), properties: installedRelease(cluster.cilium) },
  ];
}

/** Puts the cluster in the world unless it is there already. */
export function seedExistingCluster(world: World, cluster: ExistingCluster): void {
  for (const object of existingCluster(cluster)) {
    if (world.get(object.provider, object.id) === undefined) world.put(object);
  }
}

const releaseKey = { group: "helm.sh", kind: "Release", namespace: "kube-system", name: "cilium" };

/**
 * As the real provider's Read gives a release that it does not know (`importRelease` in its sources): the user's values, no `repositoryOpts`,
 * and the chart by the name that it has in the operator's own Helm repositories. A program that imports must write the same.
 */
function installedRelease({ version, values }: ExistingCluster["cilium"]): JsonObject {
  const { name, namespace } = releaseKey;
  // Throws for a chart that is not indexed, before anyone relies on it.
  indexedVersion(version);
  const inputs = { chart: "cilium/cilium", name, namespace, values, version, compat: "true" };
  const status = { appVersion: version, chart: "cilium", name, namespace, revision: 1, status: "deployed", version };
  const body = { chart: "cilium", version, revision: 1, skipAwait: false, values };
  return { name, namespace, body, inputs, outputs: { ...inputs, status, resourceNames: {} } };
}
