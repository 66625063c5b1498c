/**
 * What a network policy comes to once Cilium has accepted it: entries, each of which lets or forbids something for the endpoints it is about.
 * The shape follows Cilium's own (`pkg/policy/types/policyentry.go`, 1.20), so that whoever knows one can check the other.
 */

/** `k8s:app=web` as its parts. `any` as a source matches every source; it occurs in selectors only. */
export interface Label {
  readonly source: string;
  readonly key: string;
  readonly value: string;
}

export type Direction = "ingress" | "egress";

/** One condition on an identity's labels. The key carries its source: `k8s.app`, `any.app`, `reserved.host`. */
export interface Requirement {
  readonly source: string;
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  /** Empty for `Exists` and `DoesNotExist`. */
  readonly values: readonly string[];
}

/** Whom an entry names. Several selectors of one entry are alternatives. */
export type Selector =
  /** All requirements hold; none selects everyone. */
  | { readonly kind: "labels"; readonly requirements: readonly Requirement[] }
  /** Addresses outside of the cluster that lie in the block and in none of the exceptions. */
  | { readonly kind: "cidr"; readonly block: string; readonly except: readonly string[] }
  /** Addresses that a CiliumCIDRGroup of this name lists, less the exceptions. */
  | { readonly kind: "cidr-group"; readonly name: string; readonly except: readonly string[] }
  /** The same for every group whose labels match. */
  | { readonly kind: "cidr-groups"; readonly requirements: readonly Requirement[]; readonly except: readonly string[] }
  /** Addresses that were looked up by a name. `pattern` is as in `matchPattern`; a `matchName` is a pattern without wildcards. */
  | { readonly kind: "fqdn"; readonly name?: string; readonly pattern?: string };

/** Cilium's names; `ANY` is TCP, UDP and SCTP. */
export type L4Protocol =
  | "TCP"
  | "UDP"
  | "SCTP"
  | "ICMP"
  | "ICMPV6"
  | "VRRP"
  | "IGMP"
  | "GRE"
  | "IPIP"
  | "IPV6"
  | "ESP"
  | "AH"
  | "ANY";

/** A port, a range of ports, a named port; for ICMP the type. */
export interface PortProtocol {
  readonly protocol: L4Protocol;
  /** 0 is every port; text is a named port, in lower case. */
  readonly port: number | string;
  /** Last port of a range. */
  readonly endPort?: number;
}

/** Literal and pattern parts of one HTTP rule, as written; `method`, `path` and `host` are anchored extended regular expressions. */
export interface HttpRule {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  /** `Name: value`, or a name that must only be there. */
  readonly headers: readonly string[];
  readonly headerMatches: readonly {
    readonly name: string;
    readonly value?: string;
    /** The value comes from a Secret, which nobody looks up here: it equals nothing. */
    readonly secret?: true;
    /** What Envoy does where the header differs; without it the request is denied. */
    readonly mismatch?: "LOG" | "ADD" | "DELETE" | "REPLACE";
  }[];
}

/** What a proxy looks at, on the ports of one `toPorts` item. */
export interface L7Rules {
  readonly http?: readonly HttpRule[];
  readonly dns?: readonly { readonly name?: string; readonly pattern?: string }[];
  /** Cilium 1.18 and 1.19 only. */
  readonly kafka?: readonly unknown[];
  /** TLS interception, server names or a listener of one's own: it passes a proxy, whatever that decides. */
  readonly proxied?: true;
  /** Which of these it is; two different ones for one peer and port cannot be merged. TLS contexts as a text that tells them apart. */
  readonly listener?: {
    readonly name: string;
    readonly priority?: number;
    /** It asks for a CiliumEnvoyConfig by kind, which a subject without a namespace has none of: its policy cannot be computed. */
    readonly namespaced?: true;
  };
  readonly terminatingTls?: string;
  readonly originatingTls?: string;
  readonly serverNames?: readonly string[];
}

export interface PortRule {
  readonly ports: readonly PortProtocol[];
  readonly l7?: L7Rules;
}

/** One element of `ingress`, `ingressDeny`, `egress` or `egressDeny` of an accepted policy. */
export interface PolicyEntry {
  /** `CiliumNetworkPolicy payments/api`, shown to people. */
  readonly policy: string;
  /** Where in it: `spec.ingress[0]`. */
  readonly path: string;
  /** Namespace of a namespaced policy; such an entry is about pods of it only. */
  readonly namespace?: string;
  readonly direction: Direction;
  readonly verdict: "allow" | "deny";
  /** Its subject is the node itself, by `nodeSelector`. */
  readonly node: boolean;
  readonly subject: Extract<Selector, { kind: "labels" }>;
  /** Whom it is about at the other end; an empty list is everyone, `none` is nobody. */
  readonly peers: readonly Selector[] | "none";
  /** An empty list is every port and protocol. */
  readonly ports: readonly PortRule[];
  /**
   * Cilium 1.18 only, `fromRequires` and `toRequires`: conditions on whomever `fromEndpoints` or `toEndpoints` name, in every entry of the
   * same subject, direction and verdict.
   */
  readonly requires?: readonly Requirement[];
  /** Its peers stand in `fromEndpoints` or `toEndpoints`, which `requires` of any entry restricts. Cilium 1.18 only. */
  readonly restricted?: true;
  /** Whether what no entry allows is denied for its subjects, in this direction. */
  readonly defaultDeny: boolean;
  readonly authentication?: "disabled" | "required" | "test-always-fail";
}

/** What is not written in a policy and yet decides. */
export interface EngineOptions {
  /** Name of the cluster whose agents decide; `default` where nobody named it. */
  readonly cluster: string;
  readonly enablePolicy: "default" | "always" | "never";
  /** A peer selector that names no cluster means the local one (Cilium 1.19's default). */
  readonly policyDefaultLocalCluster: boolean;
  /** Whether policies with a `nodeSelector` act. */
  readonly hostFirewall: boolean;
  /** Exact or minor version of Cilium: `1.20.2`, `1.18`. */
  readonly version: string;
}
