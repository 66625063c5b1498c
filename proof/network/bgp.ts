import type { z } from "zod";
import { bgpSecret } from "../../components/cilium/bgp.ts";
import { rackLabel } from "../../components/cilium/labels.ts";
import type { OnPremSiteSpec } from "../../components/config/schema.ts";
import { type Cidr, contains, type Ipv4, single } from "../../components/network/cidr.ts";
import { planSlots } from "../../components/network/plan.ts";
import { type LabelledVip, type Vip, vipsOf } from "./bgp-services.ts";
import {
  Advertisement,
  ClusterConfig,
  objects,
  PeerConfig,
  Pool,
  type Read,
  Secret,
  type Selector,
  selects,
} from "./bgp-shapes.ts";
import { type Flaw, type Origin, originOf, type StackResource } from "./model.ts";
import { registrationIn } from "./registration.ts";

/** A node of the cluster as the steps over SSH register it. */
export interface RegisteredNode {
  readonly name: string;
  readonly address: Ipv4;
  readonly rack: string;
  /** Absent where its registration gives it none. */
  readonly podCidr: Cidr | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** One prefix that a ToR learns from a node. */
export interface Announcement {
  readonly prefix: Cidr;
  /** Address of the node that says so. */
  readonly node: Ipv4;
  /** Address of the ToR that hears it. */
  readonly tor: Ipv4;
  /** The object that configures the session. */
  readonly origin: Origin;
}

/** Everything that BGP does at an on-prem site. */
export interface BgpState {
  readonly nodes: readonly RegisteredNode[];
  readonly vips: readonly Vip[];
  readonly announcements: readonly Announcement[];
  readonly flaws: readonly Flaw[];
}

/**
 * What the nodes of a site tell its ToRs. A ToR takes a session as the stack file describes it: from its own rack, with the site's ASNs
 * and password; whatever else an object says leaves the session down, and Cilium says so nowhere but in its log.
 *
 * @param resources  Of the site's own stack.
 */
export function bgpState(site: OnPremSiteSpec, resources: readonly StackResource[]): BgpState {
  const flaws: Flaw[] = [];
  const nodes = registeredNodes(site, resources, flaws);
  const of = <T>(kind: string, shape: z.ZodType<T>) =>
    objects(resources, `kubernetes:cilium.io/v2:${kind}`, shape, flaws);
  const configs = of("CiliumBGPClusterConfig", ClusterConfig);
  const peerConfigs = of("CiliumBGPPeerConfig", PeerConfig);
  const advertisements = of("CiliumBGPAdvertisement", Advertisement);
  const vips = vipsOf(resources, of("CiliumLoadBalancerIPPool", Pool), flaws);
  checkNames([configs, peerConfigs, advertisements], flaws);
  const announcements = nodes.flatMap((node) => {
    const selected = configs.filter(
      ({ value }) => !value.spec.nodeSelector || selects(value.spec.nodeSelector, node.labels),
    );
    const [config, other] = selected;
    if (config === undefined) return [];
    if (other) {
      const message = `selects node ${node.name}, as ${config.value.metadata.name} does; Cilium then configures neither`;
      flaws.push({ origin: other.origin, message });
      return [];
    }
    return sessionsOf(site, node, config, peerConfigs, resources, flaws).flatMap(({ tor, families }) => {
      const adverts = advertisements.filter(({ value }) =>
        families.some((family) => selects(family, value.metadata.labels)),
      );
      return adverts
        .flatMap(({ value }) => prefixesOf(node, value.spec.advertisements, vips))
        .map((prefix): Announcement => ({ prefix, node: node.address, tor, origin: config.origin }));
    });
  });
  for (const { origin, value } of configs) {
    const { nodeSelector } = value.spec;
    // A rack may stand empty; its configuration waits for nodes.
    const empty = site.racks.some(({ name }) => nodeSelector && selects(nodeSelector, { [rackLabel]: name }));
    if (nodeSelector && !empty && !nodes.some(({ labels }) => selects(nodeSelector, labels)))
      flaws.push({ origin, message: `nodeSelector ${JSON.stringify(nodeSelector.matchLabels)} fits no node` });
  }
  return { nodes, vips: vips.map(({ vip }) => vip), announcements, flaws };
}

function checkNames(
  kinds: readonly (readonly Read<{ readonly metadata: { readonly name: string } }>[])[],
  flaws: Flaw[],
) {
  for (const list of kinds) {
    for (const [index, { origin, value }] of list.entries()) {
      const { name } = value.metadata;
      if (list.slice(0, index).some((other) => other.value.metadata.name === name))
        flaws.push({ origin, message: `metadata.name ${name} is taken by another object of its kind` });
    }
  }
}

interface Session {
  /** Address of the ToR. */
  readonly tor: Ipv4;
  /** Which advertisements its families ask for. */
  readonly families: readonly Selector[];
}

function sessionsOf(
  site: OnPremSiteSpec,
  node: RegisteredNode,
  { origin, value }: Read<z.infer<typeof ClusterConfig>>,
  peerConfigs: readonly Read<z.infer<typeof PeerConfig>>[],
  resources: readonly StackResource[],
  flaws: Flaw[],
): Session[] {
  const rack = site.racks.find(({ name }) => name === node.rack);
  const first = flaws.every((flaw) => flaw.origin.resource !== origin.resource);
  const flaw = (message: string) => {
    // One object speaks for all nodes of a rack; once is enough.
    if (first || !flaws.some((known) => known.message === message)) flaws.push({ origin, message });
  };
  return value.spec.bgpInstances.flatMap(({ name, localASN, peers }) =>
    peers.flatMap((peer): Session[] => {
      const tor = rack?.tors.find(({ address }) => address === peer.peerAddress);
      if (peers.filter(({ peerAddress }) => peerAddress === peer.peerAddress).length > 1)
        flaw(`${peer.peerAddress} is the address of two peers of ${name}`);
      if (tor === undefined) {
        flaw(`peer ${peer.name} of ${name} is ${peer.peerAddress}, which is no ToR of rack ${node.rack}`);
        return [];
      }
      if (localASN !== site.bgp.nodeAsn) {
        flaw(`localASN ${localASN} is not ${site.bgp.nodeAsn}, which the ToRs expect`);
        return [];
      }
      if (peer.peerASN !== site.bgp.torAsn) {
        flaw(`peerASN ${peer.peerASN} of peer ${peer.name} is not the ToRs' ${site.bgp.torAsn}`);
        return [];
      }
      const config = peerConfigs.find((one) => one.value.metadata.name === peer.peerConfigRef?.name);
      if (config === undefined) {
        flaw(`peerConfigRef ${peer.peerConfigRef?.name ?? "(none)"} of peer ${peer.name} is no CiliumBGPPeerConfig`);
        return [];
      }
      if (!agrees(site, config, resources, flaws)) return [];
      const families = config.value.spec.families.filter(({ afi, safi }) => afi === "ipv4" && safi === "unicast");
      return [{ tor: tor.address, families: families.flatMap(({ advertisements }) => advertisements ?? []) }];
    }),
  );
}

/** Whether a ToR that is set up as the stack file says would take the session. */
function agrees(
  { bgp, racks }: OnPremSiteSpec,
  { origin, value }: Read<z.infer<typeof PeerConfig>>,
  resources: readonly StackResource[],
  flaws: Flaw[],
): boolean {
  const problems: string[] = [];
  const { authSecretRef, ebgpMultihop = 1, gracefulRestart, timers } = value.spec;
  const adjacent = racks.every(({ subnet, tors }) => tors.every(({ address }) => contains(subnet, address)));
  const is = (field: string, found: unknown, wanted: unknown) => {
    if (found !== wanted) problems.push(`${field} is ${String(found)}, and the stack file says ${String(wanted)}`);
  };
  is("timers.connectRetryTimeSeconds", timers.connectRetryTimeSeconds, bgp.connectRetrySeconds);
  is("timers.holdTimeSeconds", timers.holdTimeSeconds, bgp.holdSeconds);
  is("timers.keepAliveTimeSeconds", timers.keepAliveTimeSeconds, bgp.keepAliveSeconds);
  is("gracefulRestart.enabled", gracefulRestart?.enabled, true);
  is("gracefulRestart.restartTimeSeconds", gracefulRestart?.restartTimeSeconds, bgp.restartSeconds);
  if (ebgpMultihop !== (adjacent ? 1 : 2))
    problems.push(`ebgpMultihop is ${ebgpMultihop}, and the ToRs are ${adjacent ? "on the same wire" : "a hop away"}`);
  if (bgp.md5 && !hasPassword(resources, authSecretRef))
    problems.push(
      `authSecretRef ${authSecretRef ?? "(none)"} is no Secret of kube-system with the key ${bgpSecret.key}; the ToRs want a password`,
    );
  if (!bgp.md5 && authSecretRef !== undefined)
    problems.push(`authSecretRef ${authSecretRef} is set, and the ToRs have no password`);
  for (const message of problems) {
    if (!flaws.some((flaw) => flaw.origin.resource === origin.resource && flaw.message === message))
      flaws.push({ origin, message });
  }
  return problems.length === 0;
}

function hasPassword(resources: readonly StackResource[], name: string | undefined): boolean {
  return resources.some(({ type, inputs }) => {
    if (type !== "kubernetes:core/v1:Secret") return false;
    const secret = Secret.safeParse(inputs);
    return secret.success && secret.data.metadata.name === name && (secret.data.stringData[bgpSecret.key] ?? "") !== "";
  });
}

function prefixesOf(
  node: RegisteredNode,
  advertisements: z.infer<typeof Advertisement>["spec"]["advertisements"],
  vips: readonly LabelledVip[],
): Cidr[] {
  return advertisements.flatMap(({ advertisementType, selector, service }) => {
    if (advertisementType === "PodCIDR") return node.podCidr ? [node.podCidr] : [];
    // Without a selector no Service is announced (cilium issue 33076).
    if (advertisementType !== "Service" || !selector || !service?.addresses.includes("LoadBalancerIP")) return [];
    return vips.filter(({ labels }) => selects(selector, labels)).map(({ vip }) => single(vip.address));
  });
}

/** Nodes with the labels and pod blocks that the steps over SSH give them. */
function registeredNodes(site: OnPremSiteSpec, resources: readonly StackResource[], flaws: Flaw[]): RegisteredNode[] {
  const steps = new Map(
    resources.filter(({ type }) => type === "command:remote:Command").map((step) => [step.name, step]),
  );
  return planSlots(site).map(({ name, address, zone, podCidr }) => {
    const step = steps.get(`${name}-register`);
    const { podCidr: patched, labels } = registrationIn(step?.inputs);
    const origin: Origin = step ? originOf(step) : { stack: site.name, resource: name, type: "node" };
    if (patched !== podCidr)
      flaws.push({
        origin,
        message: `node ${name} is given pod block ${patched ?? "(none)"}, and its slot's is ${podCidr}`,
      });
    return { name, address, rack: zone, podCidr: patched, labels };
  });
}
