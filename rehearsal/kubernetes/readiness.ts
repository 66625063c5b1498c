import type { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { siteProblems } from "../verify/site.ts";
import type { World } from "../world.ts";
import { bgpProblems } from "./bgp.ts";
import {
  apiServerPort,
  type Cluster,
  type ClusterNode,
  clusters,
  nodesOf,
  objectsOf,
  record,
  texts,
} from "./cluster.ts";
import { backendsOf, reaches } from "./frontends.ts";
import { type InstalledCilium, installedCilium } from "./installed.ts";
import { chartService, cidrContains, externalAddress, meshService } from "./load-balancers.ts";
import { policyProblems } from "./policies.ts";
import { serviceMeshProblems } from "./service-mesh.ts";

/** What keeps Cilium in a cluster from being ready for pods, one sentence each; empty when it is. Names the cluster in each. */
export function releaseProblems(world: World, clusterName: string): string[] {
  const cluster = clusters(world).find(({ name }) => name === clusterName);
  if (cluster === undefined) return [`${clusterName}: there is no such cluster`];
  const cilium = installedCilium(world, clusterName);
  if (cilium === undefined) return [`${clusterName}: Cilium is not installed`];
  const after = [
    ...releaseObstacles(world, cluster, cilium),
    ...ownServiceProblems(world, cluster, cilium.values),
    ...bgpProblems(world, cluster, cilium),
    ...policyProblems(world, cluster),
    ...serviceMeshProblems(world, cluster, cilium),
  ];
  return after.map((problem) => `${clusterName}: ${problem}`);
}

/** What keeps the release's own pods and Services from becoming ready, as far as the world can tell. */
export function releaseObstacles(world: World, cluster: Cluster, cilium: InstalledCilium): string[] {
  const nodes = nodesOf(world, cluster.name);
  if (nodes.length === 0) return ["no node has joined, so no agent runs"];
  const { values } = cilium;
  return [
    ...apiObstacles(world, cluster, nodes, values),
    ...addressObstacles(nodes, values),
    ...secretObstacles(world, cluster, values),
    ...serviceObstacles(world, cluster, values),
    ...volumeObstacles(world, cluster, values),
    ...siteProblems(world, cluster, values),
  ];
}

/** What makes Helm's own wait a deadlock, whatever the cluster. */
export function waitObstacles(_world: World, _cluster: Cluster, { values }: InstalledCilium): string[] {
  const jobs = ["hubble.tls", "clustermesh.apiserver.tls"].filter(
    (path) =>
      values.on(`${path}.auto.enabled`) &&
      values.text(`${path}.auto.method`) === "cronJob" &&
      (path === "hubble.tls"
        ? values.on("hubble.enabled") && values.on("hubble.tls.enabled")
        : values.on("clustermesh.useAPIServer")),
  );
  if (!values.within(undefined, "1.18")) return [];
  return jobs.map(
    (path) =>
      `${path}.auto.method cronJob makes the certificates in a post-install hook up to chart 1.18, which runs only after the pods that wait for them are ready; set skipAwait: true`,
  );
}

/** The agents' way to the API server: without kube-proxy there is no 10.96.0.1 until Cilium itself serves it. */
function apiObstacles(
  world: World,
  cluster: Cluster,
  nodes: readonly ClusterNode[],
  values: EffectiveValues,
): string[] {
  const replaces = values.text("kubeProxyReplacement") === "true";
  const problems: string[] = [];
  if (cluster.proxyDisabled && !replaces) {
    problems.push(
      "kube-proxy is disabled and kubeProxyReplacement is not true, so no Service works; set kubeProxyReplacement: true",
    );
  }
  if (!cluster.proxyDisabled && replaces) {
    // docs.cilium.io, kubeproxy-free: the two own the same Services and do not know of each other.
    problems.push(
      "kube-proxy is installed and kubeProxyReplacement is true, so both serve every Service; set proxy.disabled: true in kubeadm's ClusterConfiguration",
    );
  }
  const urls = values
    .text("k8s.apiServerURLs")
    .split(" ")
    .filter((url) => url !== "");
  const host = values.text("k8sServiceHost");
  if (host === "" && urls.length === 0 && !values.on("k8sServiceHostRef.name")) {
    if (cluster.proxyDisabled)
      problems.push(
        "k8sServiceHost is not set and no kube-proxy serves the API's ClusterIP; set it to the API endpoint",
      );
    return problems;
  }
  if (host === "auto" || values.on("k8sServiceHostRef.name")) return problems;
  const endpoints = urls
    .map((url) => /^https?:\/\/([^/:]+):?(\d*)/.exec(url))
    .map((match) => [match?.[1] ?? "", match?.[2] || "443"] as const);
  if (host !== "") endpoints.push([host, values.text("k8sServicePort") || "443"]);
  for (const [name, port] of endpoints) problems.push(...endpointProblem(world, cluster, nodes, name, Number(port)));
  return problems;
}

function endpointProblem(
  world: World,
  cluster: Cluster,
  nodes: readonly ClusterNode[],
  host: string,
  port: number,
): string[] {
  const where = `the agents look for the API server at ${host}:${port}`;
  const controlPlanes = nodes.filter(({ controlPlane }) => controlPlane).map(({ address }) => address);
  if (controlPlanes.includes(host) || host === "127.0.0.1" || host === "localhost") {
    // On the loopback a proxy of the node's own listens, on a port of its choice.
    return controlPlanes.includes(host) && port !== apiServerPort
      ? [`${where}, and a control plane listens on ${apiServerPort}`]
      : [];
  }
  const isEndpoint = host === cluster.host || cluster.addresses.includes(host);
  if (!isEndpoint) return [`${where}, which is neither ${cluster.host}, nor one of its addresses, nor a control plane`];
  if (port !== cluster.port) return [`${where}, and ${cluster.host} serves port ${cluster.port}`];
  return cluster.addresses.flatMap((address) => {
    const backends = backendsOf(world, address, port);
    const alive = backends === undefined || reaches(backends, controlPlanes, apiServerPort);
    return alive
      ? []
      : [`${where}, and no control plane's port ${apiServerPort} is behind the load balancer ${address}:${port}`];
  });
}

/** Pod addresses: each node needs a block of its own, and the native routing CIDR must spare all of them from masquerading. */
function addressObstacles(nodes: readonly ClusterNode[], values: EffectiveValues): string[] {
  const problems: string[] = [];
  if (values.text("ipam.mode") === "kubernetes") {
    for (const { name, podCidr } of nodes) {
      if (podCidr === undefined)
        problems.push(`node ${name} has no spec.podCIDR, which ipam.mode kubernetes waits for`);
    }
  }
  const blocks = new Map<string, string>();
  for (const { name, podCidr } of nodes) {
    if (podCidr === undefined) continue;
    const holder = blocks.get(podCidr);
    if (holder !== undefined) problems.push(`nodes ${holder} and ${name} share the pod CIDR ${podCidr}`);
    blocks.set(podCidr, name);
  }
  if (values.text("routingMode") !== "native" || values.on("ipMasqAgent.enabled")) return problems;
  const native = values.text("ipv4NativeRoutingCIDR");
  if (native === "") {
    if (values.at("enableIPv4Masquerade") !== false)
      problems.push("routingMode is native and ipv4NativeRoutingCIDR is not set, so the agents do not start");
    return problems;
  }
  for (const [block, name] of blocks) {
    if (!cidrContains(native, block))
      problems.push(`ipv4NativeRoutingCIDR ${native} does not hold ${block}, the pods of node ${name}`);
  }
  return problems;
}

function secretObstacles(world: World, cluster: Cluster, values: EffectiveValues): string[] {
  if (!values.on("encryption.enabled") || values.text("encryption.type") !== "ipsec") return [];
  const name = values.text("encryption.ipsec.secretName") || "cilium-ipsec-keys";
  const secret = objectsOf(world, cluster.name, "Secret", "").find(
    (object) => object.name === name && object.namespace === "kube-system",
  );
  if (secret === undefined)
    return [`encryption.type is ipsec and kube-system has no Secret ${name}, so agent pods hang in ContainerCreating`];
  const keyFile = values.text("encryption.ipsec.keyFile") || "keys";
  const content = secret.body.content;
  const holds = typeof content === "object" && content !== null && keyFile in content;
  return holds ? [] : [`the Secret ${name} has no key "${keyFile}"`];
}

/** SPIRE's server keeps its data in a volume unless told otherwise, and is ready only with one. */
function volumeObstacles(world: World, cluster: Cluster, values: EffectiveValues): string[] {
  const spire = "authentication.mutual.spire";
  const wanted = ["enabled", "install.enabled", "install.server.dataStorage.enabled"];
  if (!wanted.every((key) => values.on(`${spire}.${key}`))) return [];
  const name = values.text(`${spire}.install.server.dataStorage.storageClass`);
  const classes = objectsOf(world, cluster.name, "StorageClass", "storage.k8s.io");
  const found = classes.some(
    ({ body, name: own }) =>
      own === name ||
      (name === "" &&
        texts(record(body.metadata).annotations)["storageclass.kubernetes.io/is-default-class"] === "true"),
  );
  return found
    ? []
    : [
        `spire-server waits for a volume of ${name === "" ? "the default StorageClass" : `StorageClass ${name}`}, which does not exist`,
      ];
}

/** Services of type LoadBalancer that the chart makes. */
function serviceObstacles(world: World, cluster: Cluster, values: EffectiveValues): string[] {
  // In either mode: dedicated ones have theirs beside it (chart `templates/cilium-ingress-service.yaml`).
  const shared = values.on("ingressController.enabled") && !values.on("ingressController.hostNetwork.enabled");
  const services = [
    { name: "cilium-ingress", path: "ingressController.service", made: shared },
    { name: "hubble-ui", path: "hubble.ui.service", made: values.on("hubble.ui.enabled") },
    { name: "hubble-relay", path: "hubble.relay.service", made: values.on("hubble.relay.enabled") },
  ].filter(({ made }) => made);
  const facts = services.map(({ name, path }) => ({ name, service: chartService(values, path, name, 80) }));
  const own = values.on("clustermesh.apiserver.service.externallyCreated");
  const mesh = values.on("clustermesh.useAPIServer") && !own ? meshService(world, cluster.name, values) : undefined;
  if (mesh !== undefined) facts.push({ name: "clustermesh-apiserver", service: mesh });
  return facts
    .filter(
      ({ service }) => service.type === "LoadBalancer" && externalAddress(world, cluster.name, service) === undefined,
    )
    .map(
      ({ name }) =>
        `the Service ${name} of type LoadBalancer gets no address: no CiliumLoadBalancerIPPool serves it, and none can be made before this release's operator registered the kind; set skipAwait: true and make the pool after it, or use NodePort`,
    );
}

/** The Service that `externallyCreated` leaves to others; agents look for it by its name. */
function ownServiceProblems(world: World, cluster: Cluster, values: EffectiveValues): string[] {
  const wanted = values.on("clustermesh.useAPIServer") && values.on("clustermesh.apiserver.service.externallyCreated");
  if (!wanted || meshService(world, cluster.name, values) !== undefined) return [];
  return [
    "clustermesh.apiserver.service.externallyCreated is true, and kube-system has no Service clustermesh-apiserver that selects k8s-app: clustermesh-apiserver",
  ];
}
