import { contains, parseBlock } from "../aws/ipv4.ts";
import type { JsonObject, World } from "../world.ts";
import { type ClusterNode, list, objectsOf, record, type StoredObject, text } from "./cluster.ts";
import { selects } from "./selectors.ts";

/** A router that was there before: a rack's ToR, with what its own configuration says of the nodes. */
interface Router {
  readonly name: string;
  readonly address: string;
  readonly rack: string;
  readonly asn: string;
  /** ASN that it expects of nodes. */
  readonly nodeAsn: string;
  readonly md5: boolean;
  /** What it takes from nodes and tells the fabric; a prefix list. */
  readonly accepts: readonly string[];
}

/** Type of the world's objects, of provider `host`, that are routers. */
export const routerType = "router";

/** What keeps the nodes of a data centre and its ToRs from agreeing on a session each, or the ToR from taking what it is told. */
export function sessionProblems(world: World, cluster: string, nodes: readonly ClusterNode[]): string[] {
  const routers = world
    .find("host", routerType)
    .filter(({ place }) => place === cluster)
    .map(({ id, properties }) => toRouter(id, properties));
  if (routers.length === 0) return [];
  const configs = objectsOf(world, cluster, "CiliumBGPClusterConfig", "cilium.io");
  const peerConfigs = objectsOf(world, cluster, "CiliumBGPPeerConfig", "cilium.io");
  const found = nodes.flatMap((node) => {
    const rack = text(world.get("host", node.address)?.properties.zone);
    const near = routers.filter((router) => router.rack === rack);
    const own = configs.filter(({ body }) => selects(record(record(body.spec).nodeSelector), node.labels));
    return own.flatMap((config) => agreementProblems(config, near, peerConfigs, `rack ${rack}`));
  });
  return [...new Set([...found, ...acceptanceProblems(world, cluster, nodes, routers)])];
}

function toRouter(address: string, properties: JsonObject): Router {
  return {
    name: text(properties.name),
    address,
    rack: text(properties.rack),
    asn: text(properties.asn),
    nodeAsn: text(properties.nodeAsn),
    md5: properties.md5 === true,
    accepts: list(properties.accepts).map(text),
  };
}

/** One configuration's sessions against the routers of the rack where it is used. */
function agreementProblems(
  { name, body }: StoredObject,
  routers: readonly Router[],
  peerConfigs: readonly StoredObject[],
  where: string,
): string[] {
  const instances = list(record(body.spec).bgpInstances).map(record);
  const peers = instances.flatMap((instance) =>
    list(instance.peers)
      .map(record)
      .map((peer) => ({ peer, localAsn: text(instance.localASN) })),
  );
  const config = `CiliumBGPClusterConfig ${name}`;
  const strangers = peers
    .map(({ peer }) => text(peer.peerAddress))
    .filter((address) => !routers.some((router) => router.address === address))
    .map((address) => `${config} has the peer ${address}, which is no ToR of ${where}`);
  const problems = routers.flatMap((router) => {
    const tor = `${router.name} (${router.address}) of ${where}`;
    const found = peers.find(({ peer }) => text(peer.peerAddress) === router.address);
    if (found === undefined) return [`${config} has no session with ${tor}`];
    const peerConfig = peerConfigs.find((one) => one.name === text(record(found.peer.peerConfigRef).name));
    const signs = text(record(peerConfig?.body.spec).authSecretRef) !== "";
    return [
      ...(text(found.peer.peerASN) === router.asn
        ? []
        : [`${config} says peerASN ${text(found.peer.peerASN)} of ${tor}, whose ASN is ${router.asn}`]),
      ...(found.localAsn === router.nodeAsn
        ? []
        : [`${config} has localASN ${found.localAsn}, and ${tor} expects nodes with ASN ${router.nodeAsn}`]),
      ...(signs === router.md5
        ? []
        : [
            router.md5
              ? `${tor} wants TCP MD5, and CiliumBGPPeerConfig ${peerConfig?.name ?? ""} has no authSecretRef`
              : `${tor} knows no TCP MD5, and CiliumBGPPeerConfig ${peerConfig?.name ?? ""} has an authSecretRef`,
          ]),
    ];
  });
  return [...strangers, ...problems];
}

/** Pod blocks and pools of addresses lie within what the ToRs take from nodes. */
function acceptanceProblems(
  world: World,
  cluster: string,
  nodes: readonly ClusterNode[],
  routers: readonly Router[],
): string[] {
  const pods = nodes.flatMap(({ name, podCidr }) =>
    podCidr === undefined ? [] : [{ what: `pods of ${name}`, block: podCidr }],
  );
  const pools = objectsOf(world, cluster, "CiliumLoadBalancerIPPool", "cilium.io").flatMap(({ name, body }) =>
    list(record(body.spec).blocks)
      .map((block) => text(record(block).cidr))
      .filter((block) => block !== "")
      .map((block) => ({ what: `CiliumLoadBalancerIPPool ${name}`, block })),
  );
  const accepts = new Set(routers.flatMap((router) => router.accepts));
  return [...pods, ...pools]
    .filter(({ block }) => ![...accepts].some((prefix) => holds(prefix, block)))
    .map(
      ({ what, block }) => `${block} (${what}) is nothing that the ToRs take from nodes: ${[...accepts].join(", ")}`,
    );
}

function holds(outer: string, inner: string): boolean {
  const [a, b] = [parseBlock(outer), parseBlock(inner)];
  return a !== undefined && b !== undefined && contains(a, b);
}
