import { isRecord } from "../../components/config/untyped.ts";
import type { Rule, ValuesSubject, Violation } from "../rule.ts";

type Values = Readonly<Record<string, unknown>>;

/**
 * Ordinary sets of values that a part may belong to. They differ in what other settings ask for, so a finding that stays in all of them
 * does not come from what the part leaves out.
 */
const settings: readonly Values[] = [
  {},
  {
    kubeProxyReplacement: true,
    k8sServiceHost: "api.example.com",
    k8sServicePort: 6443,
    cluster: { name: "seoul", id: 1 },
    ipam: { mode: "cluster-pool", operator: { clusterPoolIPv4PodCIDRList: ["10.128.0.0/16"] } },
    routingMode: "native",
    ipv4NativeRoutingCIDR: "10.128.0.0/16",
    autoDirectNodeRoutes: true,
    bpf: { masquerade: true },
    l7Proxy: true,
    envoy: { enabled: true },
    envoyConfig: { enabled: true },
    bgpControlPlane: { enabled: true },
    encryption: { enabled: true, type: "wireguard" },
    hubble: { enabled: true, relay: { enabled: true }, ui: { enabled: true }, metrics: { enabled: ["dns", "drop"] } },
    prometheus: { enabled: true, serviceMonitor: { trustCRDsExist: true } },
    operator: { replicas: 2, prometheus: { enabled: true } },
  },
  {
    kubeProxyReplacement: true,
    k8sServiceHost: "api.example.com",
    k8sServicePort: 6443,
    ipam: { mode: "kubernetes" },
    routingMode: "tunnel",
    tunnelProtocol: "geneve",
    bpf: { masquerade: true },
    hubble: { enabled: true, relay: { enabled: true } },
  },
];

/**
 * Rules for values that are only a part: an excerpt in a guide, or `--set` on top of a file. What a rule misses may stand in the rest, so
 * only violations that hold in every setting count.
 */
export function onPart(rules: readonly Rule<ValuesSubject>[]): Rule<ValuesSubject>[] {
  return rules.map((rule) => ({
    ...rule,
    check: (subject) => {
      const found = rule.check(subject);
      if (found.length === 0) return found;
      const elsewhere = settings.map((rest) => {
        const values = merge(rest, subject.values);
        return new Set(rule.check({ ...subject, values }).map(key));
      });
      return found.filter((violation) => elsewhere.every((keys) => keys.has(key(violation))));
    },
  }));
}

/** Messages may quote other settings, so only the place counts. */
function key({ path }: Violation): string {
  return JSON.stringify(path.map(String));
}

function merge(under: Values, over: Values): Values {
  const merged: Record<string, unknown> = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const below = merged[name];
    merged[name] = isRecord(below) && isRecord(value) ? merge(below, value) : value;
  }
  return merged;
}
