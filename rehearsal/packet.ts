/** A packet on its way through the stand-in clouds. */
export interface Packet {
  /** Private address of the machine that sends it (of a load balancer, for a reply), or the id of the VPN connection or gateway it comes in by. */
  readonly from: string;
  /** Its source address: the sender's own unless a pod or somebody beyond a VPN sends. */
  readonly source?: string;
  /** Its destination address: a machine's, a pod's, a load balancer's, or one beyond the VPN. */
  readonly to: string;
  readonly protocol: "tcp" | "udp" | "icmp" | "esp";
  /** Destination port; leave it out for ICMP and ESP. */
  readonly port?: number;
  /** Type and code of an ICMP packet; an echo request when left out. */
  readonly icmp?: readonly [type: number, code: number];
  /** Answers a packet that arrived, so firewalls, which are all stateful, let it through and only routes matter. */
  readonly reply?: true;
}

/** How a packet's way through one cloud ends. */
export type Passage =
  /** `at` is the private address of the interface that has it now, which for a pod's packet is its node's; empty when nobody can tell. */
  | { readonly end: "arrived"; readonly at: string }
  /** The first thing that stops it, as a sentence that names it; `at` is the private address of the interface that did, if it was one. */
  | { readonly end: "stopped"; readonly by: string; readonly at?: string }
  /** It leaves to the Internet, sent there by `by`, a route. */
  | { readonly end: "internet"; readonly by: string }
  /** It leaves by a VPN: ids of the AWS connections, or of the Azure gateway, that may carry it. */
  | { readonly end: "vpn"; readonly by: readonly string[] };

export function arrived(at: string): Passage {
  return { end: "arrived", at };
}

export function stopped(by: string, at?: string): Passage {
  return { end: "stopped", by, ...(at === undefined ? {} : { at }) };
}

/** The prefixes that come in over a VPN; `undefined` when the other end is not in the world and may announce anything. */
export type Announced = (connection: string) => readonly string[] | undefined;

/** Source address of a packet. */
export function sourceOf({ from, source }: Packet): string {
  return source ?? from;
}

/** `tcp 22`, `icmp 3/4`, `esp`. */
export function kindOf({ protocol, port, icmp }: Packet): string {
  const detail = port === undefined ? icmp?.join("/") : String(port);
  return detail === undefined ? protocol : `${protocol} ${detail}`;
}
