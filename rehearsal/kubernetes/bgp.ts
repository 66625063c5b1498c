import type { EffectiveValues } from "../../components/cilium/effective-values.ts";
import type { JsonObject, World } from "../world.ts";
import {
  type Cluster,
  type ClusterNode,
  list,
  nodesOf,
  objectsOf,
  record,
  type StoredObject,
  text,
  texts,
} from "./cluster.ts";
import type { InstalledCilium } from "./installed.ts";
import { selects } from "./selectors.ts";
import { sessionProblems } from "./sessions.ts";

/** What BGP would silently not do: Cilium reports most of these in a condition at best (facts of the 1.18 to 1.20 sources). */
export function bgpProblems(world: World, cluster: Cluster, { values }: InstalledCilium): string[] {
  const of = (kind: string) => objectsOf(world, cluster.name, kind, "cilium.io");
  const nodes = nodesOf(world, cluster.name);
  const configs = of("CiliumBGPClusterConfig");
  const peerConfigs = of("CiliumBGPPeerConfig");
  const advertisements = of("CiliumBGPAdvertisement");
  const objects = [...configs, ...peerConfigs, ...advertisements];
  const [first] = objects;
  const routed = routeProblems(world, cluster, nodes, values, advertisements.flatMap(typesOf));
  if (first === undefined) return routed;
  if (!values.on("bgpControlPlane.enabled"))
    return [`${first.name} configures BGP and bgpControlPlane.enabled is not true`];
  const secretsNamespace = values.text("bgpControlPlane.secretsNamespace.name") || "kube-system";
  const secrets = objectsOf(world, cluster.name, "Secret", "").filter(
    ({ namespace }) => namespace === secretsNamespace,
  );
  return [
    ...routed,
    ...selectionProblems(configs, nodes),
    ...sessionProblems(world, cluster.name, nodes),
    ...configs.flatMap(({ name, body }) =>
      peersOf(body)
        .map((peer) => text(record(peer.peerConfigRef).name))
        .filter((wanted) => wanted !== "" && !peerConfigs.some((config) => config.name === wanted))
        .map(
          (wanted) =>
            `CiliumBGPClusterConfig ${name} refers to the CiliumBGPPeerConfig ${wanted}, which does not exist`,
        ),
    ),
    ...peerConfigs.flatMap(({ name, body }) =>
      passwordProblems(name, text(record(body.spec).authSecretRef), secretsNamespace, secrets),
    ),
    ...matchProblems(peerConfigs, advertisements),
    ...overrideProblems(of("CiliumBGPNodeConfigOverride"), nodes),
    ...poolProblems(advertisements, values.text("ipam.mode"), values.on("bpf.lbExternalClusterIP")),
  ];
}

/**
 * Machines that lie in no cloud have no route tables; their pods' blocks must be announced, or routed directly by nodes that share a wire,
 * which is a rack.
 */
function routeProblems(
  world: World,
  cluster: Cluster,
  nodes: readonly ClusterNode[],
  values: EffectiveValues,
  advertised: readonly string[],
): string[] {
  const machines = nodes.map(({ address }) => world.get("host", address));
  const onPrem = machines.every((machine) => machine?.place === cluster.name);
  const racks = new Set(machines.map((machine) => text(machine?.properties.zone)));
  const direct = values.on("autoDirectNodeRoutes") && racks.size === 1;
  if (
    !onPrem ||
    nodes.length < 2 ||
    values.text("routingMode") !== "native" ||
    direct ||
    advertised.includes("PodCIDR")
  )
    return [];
  return [
    `routingMode is native, the nodes are in ${racks.size} rack(s), and neither autoDirectNodeRoutes nor a BGP advertisement of pod CIDRs tells all of them where the pods are`,
  ];
}

function selectionProblems(configs: readonly StoredObject[], nodes: readonly ClusterNode[]): string[] {
  const selected = (node: ClusterNode) =>
    configs.filter(({ body }) => selects(record(record(body.spec).nodeSelector), node.labels));
  const doubly = nodes.filter((node) => selected(node).length > 1);
  const idle = configs.filter((config) => !nodes.some((node) => selected(node).includes(config)));
  const alone = nodes.filter((node) => configs.length > 0 && selected(node).length === 0);
  return [
    ...doubly.map(
      (node) =>
        `node ${node.name} is selected by ${selected(node)
          .map(({ name }) => name)
          .join(" and ")}; one CiliumBGPClusterConfig per node`,
    ),
    ...idle.map(({ name }) => `CiliumBGPClusterConfig ${name} selects no node`),
    ...alone.map(
      ({ name }) => `node ${name} is selected by no CiliumBGPClusterConfig, so its pods are announced by nobody`,
    ),
  ];
}

function passwordProblems(name: string, wanted: string, namespace: string, secrets: readonly StoredObject[]): string[] {
  if (wanted === "") return [];
  const secret = secrets.find((object) => object.name === wanted);
  if (secret === undefined)
    return [
      `CiliumBGPPeerConfig ${name} wants the Secret ${namespace}/${wanted}, which does not exist; the session would have an empty password`,
    ];
  return "password" in record(secret.body.content)
    ? []
    : [`the Secret ${namespace}/${wanted} of CiliumBGPPeerConfig ${name} has no key "password"`];
}

/** Families and advertisements find each other by labels, and what finds nobody advertises nothing without a word. */
function matchProblems(peerConfigs: readonly StoredObject[], advertisements: readonly StoredObject[]): string[] {
  const families = peerConfigs.flatMap(({ name, body }) =>
    list(record(body.spec).families).map((family) => ({ name, selector: record(record(family).advertisements) })),
  );
  const labelsOf = ({ body }: StoredObject) => texts(record(body.metadata).labels);
  const silent = peerConfigs.filter(({ body }) => list(record(body.spec).families).length === 0);
  return [
    ...silent.map(({ name }) => `CiliumBGPPeerConfig ${name} has no families, so it advertises nothing`),
    ...families
      .filter(({ selector }) => !advertisements.some((advertisement) => selects(selector, labelsOf(advertisement))))
      .map(
        ({ name }) =>
          `a family of CiliumBGPPeerConfig ${name} matches no CiliumBGPAdvertisement, so it advertises nothing`,
      ),
    ...advertisements
      .filter((advertisement) => !families.some(({ selector }) => selects(selector, labelsOf(advertisement))))
      .map(({ name }) => `CiliumBGPAdvertisement ${name} is matched by no family of a CiliumBGPPeerConfig`),
  ];
}

function overrideProblems(overrides: readonly StoredObject[], nodes: readonly ClusterNode[]): string[] {
  return overrides
    .filter(({ name }) => !nodes.some((node) => node.name === name))
    .map(({ name }) => `CiliumBGPNodeConfigOverride ${name} bears the name of no node`);
}

function poolProblems(advertisements: readonly StoredObject[], ipam: string, externalClusterIp: boolean): string[] {
  return advertisements.flatMap(({ name, body }) =>
    list(record(body.spec).advertisements)
      .map(record)
      .flatMap((advertisement) => {
        const type = text(advertisement.advertisementType);
        const addresses = list(record(advertisement.service).addresses);
        if (type === "PodCIDR" && !["kubernetes", "cluster-pool"].includes(ipam))
          return [`CiliumBGPAdvertisement ${name} announces pod CIDRs, which ipam.mode ${ipam} does not have`];
        if (type === "Service" && advertisement.selector === undefined)
          return [`CiliumBGPAdvertisement ${name} announces Services and has no selector, so it announces none`];
        if (addresses.includes("ClusterIP") && !externalClusterIp)
          return [`CiliumBGPAdvertisement ${name} announces ClusterIPs and bpf.lbExternalClusterIP is not true`];
        return [];
      }),
  );
}

function typesOf({ body }: StoredObject): string[] {
  return list(record(body.spec).advertisements).map((advertisement) => text(record(advertisement).advertisementType));
}

/** Whether some BGP advertisement tells the fabric about the addresses of a Service with these labels. */
export function announces(world: World, cluster: string, labels: Readonly<Record<string, string>>): boolean {
  return objectsOf(world, cluster, "CiliumBGPAdvertisement", "cilium.io").some(({ body }) =>
    list(record(body.spec).advertisements)
      .map(record)
      .filter(
        ({ service, selector }) => list(record(service).addresses).includes("LoadBalancerIP") && selector !== undefined,
      )
      .some(({ selector }) => selects(record(selector), labels)),
  );
}

function peersOf(body: JsonObject): JsonObject[] {
  return list(record(body.spec).bgpInstances).flatMap((instance) => list(record(instance).peers).map(record));
}
