import type { SiteSpec } from "../../components/config/schema.ts";
import { ports } from "../../components/network/ports.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";

type HostFirewall = NonNullable<NonNullable<SiteSpec["policies"]>["hostFirewall"]>;

/** Asks a rule of sites with a host firewall; its paths are below `policies.hostFirewall`. */
function onHostFirewall(check: (spec: HostFirewall, site: SiteSpec) => Violation[]): Rule<SiteSubject>["check"] {
  return ({ site }) => {
    const spec = site.policies?.hostFirewall;
    if (!spec) return [];
    return check(spec, site).map((found) => ({ ...found, path: ["policies", "hostFirewall", ...found.path] }));
  };
}

/** Whether somebody is let in at this port of nodes by `allow`. */
function lets({ allow }: HostFirewall, port: number): boolean {
  return allow.some(({ ports: texts }) =>
    texts.some((text) => {
      const [range = "", protocol] = text.split("/");
      const [first = 0, last = first] = range.split("-").map(Number);
      return protocol === "TCP" && first <= port && port <= last;
    }),
  );
}

export const hostFirewallRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-2103",
    severity: "error",
    title: "The host firewall goes with the encryption and the routing.",
    korean: "호스트 방화벽은 함께 쓸 수 있는 암호화·라우팅 방식에서만 켭니다.",
    reason:
      "With IPsec the agent does not start (daemon/cmd/daemon.go); with a tunnel, WireGuard and the kube-proxy replacement together nodes lose each other (cilium issue 31209).",
    check: onHostFirewall((_, site) => {
      const { encryption, routing } = site.cilium;
      if (encryption === "ipsec") {
        const fix = "Use encryption: wireguard, or remove hostFirewall.";
        return [{ path: [], message: "The agent refuses to start with a host firewall and IPsec.", fix }];
      }
      const replaces = site.platform !== "existing" || site.kubeProxyReplacement;
      return encryption === "wireguard" && routing !== "native" && replaces
        ? [
            {
              path: [],
              message: `With routing ${routing}, WireGuard and the kube-proxy replacement the host firewall cuts nodes off from each other.`,
              fix: "Use routing: native, or remove hostFirewall.",
            },
          ]
        : [];
    }),
  },
  {
    code: "GB-2104",
    severity: "error",
    title: "The host firewall guards nodes that this stack makes.",
    korean: "호스트 방화벽은 이 스택이 만든 노드에서만 씁니다.",
    reason: "Its rules are the port table, which knows who speaks to nodes of ours and nothing of anybody else's.",
    check: onHostFirewall((_, site) =>
      site.platform === "existing"
        ? [
            {
              path: [],
              message: "Who administers the nodes of an existing cluster is not known here.",
              fix: "Remove hostFirewall.",
            },
          ]
        : [],
    ),
  },
  {
    code: "GB-2105",
    severity: "error",
    title: "An enforced host firewall lets in whoever runs pulumi up.",
    korean: "호스트 방화벽을 강제(enforce)하기 전에 운영자의 접속 경로를 허용해야 합니다.",
    reason:
      "With access direct no row of the port table says where SSH and API calls come from, and the next `up` could not undo it.",
    check: onHostFirewall((spec, site) => {
      if (site.platform !== "on-prem" || site.access.kind !== "direct" || spec.phase !== "enforce") return [];
      const missing = [ports.ssh, ports.api.backend].filter((port) => !lets(spec, port));
      return missing.length === 0
        ? []
        : [
            {
              path: ["allow"],
              message: `Operators connect to nodes directly, and nobody is let in at ${missing.map((port) => `${port}/TCP`).join(" and ")}.`,
              fix: `Add { from: <the operators' block>, ports: [${missing.map((port) => `${port}/TCP`).join(", ")}] }.`,
            },
          ];
    }),
  },
];
