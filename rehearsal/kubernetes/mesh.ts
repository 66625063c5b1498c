import type { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { isRecord } from "../../components/config/untyped.ts";
import type { World } from "../world.ts";
import { announces } from "./bgp.ts";
import { type Cluster, clusters, nodesOf, objectsOf, record } from "./cluster.ts";
import { backendsOf, reaches } from "./frontends.ts";
import { installedCilium } from "./installed.ts";
import { cidrContains, cidrsOverlap, externalAddress, meshService } from "./load-balancers.ts";

/** A cluster whose Cilium is told to be part of a mesh. */
export interface Member {
  readonly cluster: Cluster;
  readonly name: string;
  readonly id: string;
  readonly version: string;
  readonly values: EffectiveValues;
  readonly podCidrs: readonly string[];
  readonly addresses: readonly string[];
  readonly peers: readonly Peer[];
}

/** An entry of `clustermesh.config.clusters`. */
export interface Peer {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly port: number;
}

/** Values that every member must have alike, and why. */
const alike: readonly { path: string; because: string }[] = [
  { path: "clustermesh.maxConnectedClusters", because: "it fixes how identities are numbered" },
  { path: "routingMode", because: "the members would not understand each other's packets" },
  { path: "tunnelProtocol", because: "the members would not understand each other's packets" },
  { path: "encryption.enabled", because: "mixed encryption is not supported" },
  { path: "encryption.type", because: "mixed encryption is not supported" },
  { path: "MTU", because: "the larger packets are lost on the way" },
  { path: "clustermesh.policyDefaultLocalCluster", because: "a policy would mean other pods on either side" },
  { path: "clustermesh.apiserver.tls.authMode", because: "the users of one etcd would be unknown to the other" },
];

/**
 * What keeps the meshed clusters of the world from reaching each other, one sentence each; empty when the mesh works or there is none.
 * `absent` are members that nobody expects to be there.
 */
export function meshProblems(world: World, absent: ReadonlySet<string> = new Set()): string[] {
  const members = membersOf(world);
  return [
    ...members.flatMap((member) => [...ownProblems(member), ...peerProblems(world, member, members, absent)]),
    ...pairs(members).flatMap(([a, b]) => (isPeer(a, b) || isPeer(b, a) ? pairProblems(world, a, b) : [])),
  ];
}

export function membersOf(world: World): Member[] {
  return clusters(world).flatMap((cluster) => memberOf(world, cluster));
}

/** Members that list each other. */
export function pairsOfPeers(members: readonly Member[]): [Member, Member][] {
  return pairs(members).filter(([a, b]) => isPeer(a, b) && isPeer(b, a));
}

function memberOf(world: World, cluster: Cluster): Member[] {
  const cilium = installedCilium(world, cluster.name);
  if (cilium === undefined || !cilium.values.on("clustermesh.config.enabled")) return [];
  const { values, version } = cilium;
  const nodes = nodesOf(world, cluster.name);
  const listed = values.at("clustermesh.config.clusters");
  const entries = Array.isArray(listed)
    ? listed.filter(isRecord)
    : isRecord(listed)
      ? Object.entries(listed).map(([name, entry]) => ({ name, ...(isRecord(entry) ? entry : {}) }))
      : [];
  const name = values.text("cluster.name");
  const peers = entries.map(toPeer).filter((peer) => peer.name !== name);
  const podCidrs = nodes.flatMap(({ podCidr }) => podCidr ?? []);
  return [
    {
      cluster,
      name,
      id: values.text("cluster.id"),
      version,
      values,
      podCidrs,
      addresses: nodes.map(({ address }) => address),
      peers,
    },
  ];
}

function toPeer(entry: Readonly<Record<string, unknown>>): Peer {
  const { name, address, ips, port } = entry;
  const hosts = Array.isArray(ips) && ips.length > 0 ? ips : [address];
  return { name: String(name), hosts: hosts.filter((host) => typeof host === "string"), port: Number(port ?? 2379) };
}

function ownProblems({ cluster, id, values }: Member): string[] {
  const problems: string[] = [];
  if (id === "0") problems.push("cluster.id is 0, and a mesh wants 1 to 255");
  if (!values.on("clustermesh.useAPIServer"))
    problems.push("clustermesh.useAPIServer is not true, so peers have nothing to connect to");
  if (!values.on("tls.ca.cert") && !values.on("tls.caBundle.enabled"))
    problems.push("tls.ca.cert is not set, so the cluster makes a CA of its own that no peer trusts");
  if (values.within("1.19") && seconds(values.text("clustermesh.cacheTTL")) <= 0) {
    problems.push("clustermesh.cacheTTL is 0s, so backends of a lost cluster stay for ever; set it, e.g. 60s");
  }
  return problems.map((problem) => `${cluster.name}: ${problem}`);
}

function peerProblems(world: World, member: Member, members: readonly Member[], absent: ReadonlySet<string>): string[] {
  const { cluster, peers } = member;
  return peers.flatMap((peer) => {
    const found = members.find(({ name }) => name === peer.name);
    if (found === undefined && absent.has(peer.name)) return [];
    if (found === undefined)
      return [
        `${cluster.name}: clustermesh.config.clusters lists ${peer.name}, and no cluster of the world bears that cluster.name in a mesh`,
      ];
    const mutual = isPeer(found, member)
      ? []
      : [`${found.cluster.name}: clustermesh.config.clusters does not list ${member.name}, which lists it`];
    return [...mutual, ...peer.hosts.flatMap((host) => endpointProblems(world, cluster.name, found, host, peer.port))];
  });
}

/** A peer is found at a cloud's load balancer, at an address that its Service gets, or at a node's port. */
function endpointProblems(world: World, from: string, peer: Member, host: string, port: number): string[] {
  const { cluster, addresses, values } = peer;
  const where = `${from}: looks for ${peer.name}'s clustermesh-apiserver at ${host}:${port}`;
  const service = meshService(world, cluster.name, values);
  if (service === undefined)
    return [`${where}, and kube-system of ${cluster.name} has no Service clustermesh-apiserver`];
  const { type, nodePort, labels } = service;
  const backends = backendsOf(world, host, port);
  if (backends !== undefined) {
    if (type === "ClusterIP") return [`${where}, and its Service is of type ClusterIP, which no load balancer reaches`];
    if (!reaches(backends, addresses, nodePort))
      return [`${where}, and no node of ${cluster.name} with its NodePort ${nodePort} is behind that load balancer`];
    return backends
      .filter((backend) => !addresses.includes(backend.address) || backend.port !== nodePort)
      .map(
        (backend) =>
          `${where}, whose load balancer also sends to ${backend.address}:${backend.port}, where nothing listens`,
      );
  }
  if (addresses.includes(host)) {
    const served = type === "NodePort" && port === nodePort;
    return served ? [] : [`${where}, and the node serves it on port ${nodePort} of a Service of type NodePort only`];
  }
  if (type !== "LoadBalancer" || externalAddress(world, cluster.name, service) !== host) {
    return [`${where}, where nothing listens: no load balancer, no address of its LoadBalancer Service, no node`];
  }
  if (!service.ports.includes(port)) return [`${where}, and the Service serves port ${service.ports.join(", ")}`];
  const silent = values.on("bgpControlPlane.enabled") && !announces(world, cluster.name, labels);
  return silent
    ? [
        `${where}, and no CiliumBGPAdvertisement of ${cluster.name} selects that Service, so the fabric has no route there`,
      ]
    : [];
}

function pairProblems(world: World, a: Member, b: Member): string[] {
  const names = `${a.cluster.name} and ${b.cluster.name}`;
  const problems: string[] = [];
  if (a.name === b.name) problems.push(`${names} have the same cluster.name ${a.name}`);
  if (a.id === b.id) problems.push(`${names} have the same cluster.id ${a.id}`);
  for (const { path, because } of alike) {
    const [left, right] = [a.values.text(path), b.values.text(path)];
    const irrelevant =
      path === "encryption.type" && !(a.values.on("encryption.enabled") && b.values.on("encryption.enabled"));
    if (left !== right && !irrelevant)
      problems.push(`${names} differ in ${path} (${left || "unset"}, ${right || "unset"}): ${because}`);
  }
  if (a.values.text("tls.ca.cert") !== b.values.text("tls.ca.cert") && !a.values.on("tls.caBundle.enabled")) {
    problems.push(`${names} have different CAs in tls.ca.cert: x509: certificate signed by unknown authority`);
  }
  if (
    a.values.text("encryption.type") === "ipsec" &&
    a.values.on("encryption.enabled") &&
    ipsecKeys(world, a) !== ipsecKeys(world, b)
  ) {
    problems.push(`${names} have different IPsec keys in the Secret cilium-ipsec-keys`);
  }
  if (Math.abs(minor(a.version) - minor(b.version)) > 1)
    problems.push(`${names} are more than one minor apart (${a.version}, ${b.version})`);
  for (const [own, other] of [[a, b] as const, [b, a] as const]) {
    const native = own.values.text("ipv4NativeRoutingCIDR");
    const outside = other.podCidrs.find((block) => !cidrContains(native, block));
    if (own.values.text("routingMode") === "native" && outside !== undefined) {
      problems.push(
        `${own.cluster.name}: ipv4NativeRoutingCIDR ${native} does not hold ${outside} of ${other.cluster.name}, so its pods are masqueraded on the way there`,
      );
    }
  }
  const shared = a.podCidrs.find((block) => b.podCidrs.some((other) => cidrsOverlap(block, other)));
  if (shared !== undefined) problems.push(`${names} both have pods in ${shared}`);
  const twin = a.addresses.find((address) => b.addresses.includes(address));
  if (twin !== undefined) problems.push(`${names} both have a node at ${twin}`);
  return problems;
}

function ipsecKeys(world: World, { cluster, values }: Member): string {
  const name = values.text("encryption.ipsec.secretName") || "cilium-ipsec-keys";
  const secret = objectsOf(world, cluster.name, "Secret", "").find(
    (object) => object.name === name && object.namespace === "kube-system",
  );
  return JSON.stringify(record(secret?.body.content));
}

function isPeer(member: Member, other: Member): boolean {
  return member.peers.some(({ name }) => name === other.name);
}

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((left, index) => items.slice(index + 1).map((right): [T, T] => [left, right]));
}

/** Seconds of a Go duration such as `1m30s`. */
function seconds(duration: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };
  return [...duration.matchAll(/([\d.]+)(ms|h|m|s)/g)].reduce(
    (sum, [, amount = "0", unit = "s"]) => sum + Number(amount) * (units[unit] ?? 0),
    0,
  );
}

function minor(version: string): number {
  return Number(version.split(".")[1]);
}
