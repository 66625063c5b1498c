import type { Cidr, Ipv4 } from "../../components/network/cidr.ts";
import type { Protocol } from "../../components/network/ports.ts";
import type { PlannedResource, PlannedStack } from "../recorded.ts";

/**
 * The network that recorded resources would be, in terms that no cloud owns: tables that forward, interfaces that send and receive, filters
 * that let through, front ends that hand on. Each platform has a reader that turns its resources into a `NetworkPart`; the walk knows
 * nothing of platforms.
 */
export interface NetworkModel {
  readonly networks: ReadonlyMap<string, Network>;
  readonly routers: ReadonlyMap<string, Router>;
  readonly ports: ReadonlyMap<string, Port>;
  readonly filters: ReadonlyMap<string, Filter>;
  readonly frontEnds: readonly FrontEnd[];
  readonly nats: ReadonlyMap<string, Nat>;
  readonly entries: readonly Entry[];
  readonly tunnels: readonly Tunnel[];
  readonly flaws: readonly Flaw[];
}

/** What a reader finds. Ids are unique over all parts: use the recorded resource's id, with a suffix where one resource makes several. */
export interface NetworkPart {
  readonly networks: readonly Network[];
  readonly routers: readonly Router[];
  readonly ports: readonly Port[];
  readonly filters: readonly Filter[];
  readonly frontEnds: readonly FrontEnd[];
  readonly nats: readonly Nat[];
  readonly entries: readonly Entry[];
  readonly tunnelEnds: readonly TunnelEnd[];
  readonly flaws: readonly Flaw[];
}

/** A recorded resource and the stack that would register it. Readers take those of all stacks of the plan at once. */
export interface StackResource extends PlannedResource {
  /** Name of the stack file. */
  readonly stack: string;
  /** Name of the stack's site; absent in stacks of another kind. */
  readonly site?: string;
}

/** What a counterexample names: the resource that a part of the model comes from. */
export interface Origin {
  readonly stack: string;
  /** Logical name; together with the type it is unique in the stack. */
  readonly resource: string;
  readonly type: string;
  /** A part of the resource, e.g. the name of a rule in an NSG. */
  readonly part?: string;
}

/** Something that would not come up, or that the proof cannot read: always a counterexample. */
export interface Flaw {
  readonly origin: Origin;
  /** A sentence that names the field and the value. */
  readonly message: string;
}

/** A VPC, a VNet, the fabric of an IDC: where interfaces find each other by address. */
export interface Network {
  readonly id: string;
  /** E.g. `VPC prod-seoul`. */
  readonly label: string;
  readonly origin: Origin;
  /** Its address space; interfaces outside of it are flaws. */
  readonly blocks: readonly Cidr[];
  /** Whether packets from the Internet come in to the public addresses of its interfaces. */
  readonly internet: boolean;
  /** Largest packet between two of its interfaces, bytes. */
  readonly mtu: number;
}

/**
 * A table that forwards by longest prefix; of equally long ones the highest `preference` wins, and where that is equal too, each carries
 * some packets, so all of them must arrive. One router per subnet (not per table: the same table may mean another gateway elsewhere), one
 * per Transit Gateway table, one per VPN gateway, one per ToR.
 */
export interface Router {
  readonly id: string;
  /** E.g. `route table prod-seoul-node-a`. */
  readonly label: string;
  readonly origin: Origin;
  /** Network in which `local` finds interfaces; absent in gateways that stand in none. */
  readonly network?: string;
  readonly routes: readonly Route[];
}

export interface Route {
  readonly prefix: Cidr;
  readonly next: Next;
  /** Of equal prefixes the higher one wins: Azure's own < learned by BGP < written; propagated < static. */
  readonly preference: number;
  /** The route's resource; that of the subnet, network or tunnel for routes that come by themselves. */
  readonly origin: Origin;
  /** True for routes that nobody wrote (a network's own block, learned ones): they may be idle. */
  readonly implied: boolean;
}

export type Next =
  /** The interface of the router's network that holds the destination. */
  | { readonly kind: "local" }
  /** This interface, whatever the destination; it must `forward`. */
  | { readonly kind: "port"; readonly port: string }
  /** Another table; `mtu` if the way there carries less than the network, bytes. */
  | { readonly kind: "router"; readonly router: string; readonly label: string; readonly mtu?: number }
  | { readonly kind: "nat"; readonly nat: string }
  /** An internet gateway: only for sources with a public address. */
  | { readonly kind: "internet" }
  | { readonly kind: "drop"; readonly reason: string };

/** A network interface, of a machine or of a load balancer. */
export interface Port {
  readonly id: string;
  /** Logical name of the resource, e.g. `prod-seoul-app-0`. */
  readonly label: string;
  readonly origin: Origin;
  readonly site: string;
  readonly kind: "machine" | "load-balancer";
  readonly network: string;
  /** Router of its subnet. */
  readonly router: string;
  readonly address: Ipv4;
  /** Whether it may send and receive packets that are not from or for its own address (source/dest check off, IP forwarding on). */
  readonly forwards: boolean;
  /** Every one of them must let a packet through; none: everything passes. */
  readonly filters: readonly string[];
  /** Whether the Internet knows it by an address of its own. */
  readonly public: boolean;
  /** Availability zone, empty where there are none. */
  readonly zone: string;
}

/** A stateful firewall: rules by ascending `priority`, the first that matches decides; what none matches is dropped. */
export interface Filter {
  readonly id: string;
  /** E.g. `security groups prod-seoul-worker`, `NSG dr-busan-worker`. */
  readonly label: string;
  readonly rules: readonly FilterRule[];
}

export interface FilterRule {
  readonly origin: Origin;
  readonly direction: "ingress" | "egress";
  readonly action: "allow" | "deny";
  /** All equal in security groups. */
  readonly priority: number;
  readonly protocol: Protocol;
  /** First and last destination port, each pair; for ICMP type and code (-1: every one) as in `PortRow`. Empty: all. */
  readonly ranges: readonly (readonly [number, number])[];
  /** `0.0.0.0/0` for any. */
  readonly sources: readonly Cidr[];
  readonly destinations: readonly Cidr[];
  /** True for rules that a cloud adds by itself (Azure's 65000 and up): they may be idle. */
  readonly implied: boolean;
}

/** What a load balancer does with a packet that reaches its interface on this port. */
export interface FrontEnd {
  /** E.g. `load balancer prod-seoul-api:8443`. */
  readonly label: string;
  readonly origin: Origin;
  /** Its interface: one on Azure, one per zone on AWS. */
  readonly port: string;
  readonly protocol: "tcp" | "udp";
  readonly number: number;
  readonly targets: readonly Target[];
  /**
   * Whose address targets see: the balancer's own (it then sends as a machine does: its filters out, its subnet's router), or the
   * client's (then the packet only changes its destination, and the answer goes straight back).
   */
  readonly source: "own" | "client";
}

export interface Target {
  readonly origin: Origin;
  readonly address: Ipv4;
  readonly number: number;
}

/** A NAT gateway: takes packets of its network, sends them to the Internet as its own. */
export interface Nat {
  readonly id: string;
  readonly label: string;
  readonly origin: Origin;
  /** Router of the subnet it stands in; absent where it needs none (Azure). */
  readonly router?: string;
  /** Its own network, where answers go back to. */
  readonly network: string;
  /** Whether it has a public address. */
  readonly public: boolean;
}

/** Where packets of other sites come into a site: the Transit Gateway's subnets, the GatewaySubnet, the border of an IDC. */
export interface Entry {
  readonly site: string;
  /** Each may be the one a packet meets. */
  readonly router: string;
}

/** One end of one IPsec tunnel of the interconnect, with its BGP speaker. Both ends' readers write them; `tunnels.ts` pairs them. */
export interface TunnelEnd {
  readonly side: "aws" | "azure";
  /** E.g. `VPN connection interconnect-instance0, tunnel 1`. */
  readonly label: string;
  readonly origin: Origin;
  /** BGP address of this end, inside the tunnel (APIPA). */
  readonly address: Ipv4 | undefined;
  /** The other end's, as this end expects it. */
  readonly peerAddress: Ipv4 | undefined;
  readonly asn: number | undefined;
  readonly peerAsn: number | undefined;
  /** Address that the other end is dialled at, as recorded; placeholders of a plan may be equal for several tunnels. */
  readonly dials: string | undefined;
  /** Address that this end is dialled at, as the plan's recorder makes it up. */
  readonly own?: string | undefined;
  /** Pre-shared key, out of its envelope. */
  readonly key: string | undefined;
  /** What it proposes, in words common to both sides: `ikev2`, `aes256-gcm`, `sha384`, `group20`; compared as sets. */
  readonly proposal: readonly string[];
  /** Reasons why this end runs no BGP or does not come up, whatever the other says. */
  readonly problems: readonly string[];
  /** Router that packets out of the tunnel meet. */
  readonly router: string | undefined;
  /** Routers whose prefixes this end announces: on AWS the table associated with the attachment; a network's own blocks on Azure. */
  readonly announces:
    | { readonly kind: "router"; readonly router: string }
    | { readonly kind: "blocks"; readonly blocks: readonly Cidr[] };
  /** Routers that take what the other end announces; `via` another router (the gateway), absent: into the tunnel itself. */
  readonly learners: readonly Learner[];
  /** Prefixes inside of these are not taken: Azure ignores what is equal to its network's blocks or more specific. */
  readonly refuses?: readonly Cidr[];
}

export interface Learner {
  readonly router: string;
  readonly via?: { readonly router: string; readonly label: string };
  readonly preference: number;
  readonly origin: Origin;
}

/** Two ends that found each other. */
export interface Tunnel {
  readonly aws: TunnelEnd;
  readonly azure: TunnelEnd;
  /** Why it does not come up; empty when it does. */
  readonly problems: readonly string[];
}

export const noPart: NetworkPart = {
  networks: [],
  routers: [],
  ports: [],
  filters: [],
  frontEnds: [],
  nats: [],
  entries: [],
  tunnelEnds: [],
  flaws: [],
};

/** `stack prod-seoul: aws:ec2/route:Route prod-seoul-app-0-node-a`. */
export function named({ stack, resource, type, part }: Origin): string {
  return `${type} ${resource}${part === undefined ? "" : `, ${part}`} (stack ${stack})`;
}

export function originOf({ stack, name, type }: StackResource, part?: string): Origin {
  return { stack, resource: name, type, ...(part === undefined ? {} : { part }) };
}

/**
 * What a reader is: pure, and never sure that a field is there. `readAws` (aws.ts, with the Transit Gateway of transit.ts), `readAzure`
 * (azure.ts, with the VPN gateway) and `readOnPrem` (on-prem.ts; its ToRs are in the stack files).
 */
export type Reader = (resources: readonly StackResource[], stacks: readonly PlannedStack[]) => NetworkPart;

/**
 * Id of the router that stands for networks which are not ours (leased lines, an IDC's core, a firm's WAN). `prove.ts` makes it, with a
 * route to the entries of each site whose ways to its peers are not in the plan; a border router may send to it.
 */
export const outsideRouter = "outside";

/** One thing that the plan wants or the resources have, in the same words for both: `route table prod-seoul-node-a: 10.128.0.0/24 -> ...`. */
export interface Line {
  readonly text: string;
  readonly origin?: Origin;
}

/**
 * The exact comparison of a stack's network with what follows from its file: `awsComparison`, `azureComparison`, `onPremComparison` and the
 * same of the interconnect's halves. A line that only one side has is a counterexample, so no change of a resource goes unseen.
 */
export interface Comparison {
  readonly stack: string;
  /** From the stack files, by `firewallRules`, `planSlots` and the like. */
  readonly planned: readonly Line[];
  readonly found: readonly Line[];
}
