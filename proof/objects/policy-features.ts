import { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { isRecord, list } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { blocksOf, holds, parseBlock } from "./policy-peers.ts";
import {
  asText,
  entriesOf,
  isCiliumPolicy,
  isNetworkPolicy,
  matching,
  partsOf,
  portRulesOf,
  record,
  records,
  texts,
  violation,
} from "./policy-view.ts";

/** Helm values as the chart would see them, where they are known. */
function valuesOf({ cilium, values }: ObjectsSubject): EffectiveValues | undefined {
  return values === undefined ? undefined : new EffectiveValues(cilium, values);
}

/** What a policy uses that the Helm values switch off. */
function switchedOff(subject: ObjectsSubject): Violation[] {
  const values = valuesOf(subject);
  if (values === undefined) return [];
  return entriesOf(subject).flatMap((entry) => {
    const found: Violation[] = [];
    const nodes = entry.direction === "ingress" ? "fromNodes" : "toNodes";
    if (list(entry.body[nodes]).length > 0 && !values.on("nodeSelectorLabels")) {
      found.push(
        violation(
          [...entry.path, nodes],
          `${nodes} needs node labels as identities, and nodeSelectorLabels is false, so Cilium refuses the policy.`,
          "Set the Helm value nodeSelectorLabels: true, or write remote-node and host in entities.",
        ),
      );
    }
    const { mode } = record(entry.body.authentication) ?? {};
    if (
      mode === "required" &&
      !(values.on("authentication.enabled") && values.on("authentication.mutual.spire.enabled"))
    ) {
      found.push(
        violation(
          [...entry.path, "authentication"],
          "authentication.mode: required asks for mutual authentication, and no agent has it: the traffic is dropped.",
          "Set authentication.enabled and authentication.mutual.spire.enabled, or delete authentication.",
        ),
      );
    }
    for (const rule of portRulesOf(entry)) {
      const l7 = ["http", "dns", "kafka", "l7"].find((protocol) => list(rule.rules[protocol]).length > 0);
      if (l7 !== undefined && !values.on("l7Proxy")) {
        found.push(
          violation(
            [...rule.path, "rules"],
            `${l7.toUpperCase()} rules need the proxy, and l7Proxy is false, so Cilium refuses the policy.`,
            "Set the Helm value l7Proxy: true.",
          ),
        );
      }
      if (rule.body.listener !== undefined && !values.on("envoyConfig.enabled")) {
        found.push(
          violation(
            [...rule.path, "listener"],
            "A listener comes from a CiliumEnvoyConfig, and envoyConfig.enabled is false.",
            "Set the Helm value envoyConfig.enabled: true.",
          ),
        );
      }
      const extended = records(rule.body.ports, [...rule.path, "ports"]).find(
        ({ body }) => body.port === undefined || /^(VRRP|IGMP|GRE|IPIP|IPV6|ESP|AH)$/.test(asText(body.protocol)),
      );
      const extra = record(values.given("extraConfig")) ?? {};
      if (extended !== undefined && asText(extra["enable-extended-ip-protocols"]) !== "true") {
        found.push(
          violation(
            extended.path,
            `${asText(extended.body.protocol ?? "A port without number")} needs extended IP protocols, and enable-extended-ip-protocols is off.`,
            'Set the Helm value extraConfig: {enable-extended-ip-protocols: "true"}.',
          ),
        );
      }
    }
    return found;
  });
}

/** Clusters that the values name: this one and the members of its mesh; `undefined` where they do not say. */
function knownClusters(values: EffectiveValues): string[] | undefined {
  const own = values.given("cluster.name");
  const members = values.given("clustermesh.config.clusters");
  if (typeof own !== "string" || members === undefined) return undefined;
  const names = isRecord(members)
    ? Object.keys(members)
    : records(members, []).map(({ body: { name } }) => asText(name));
  return [own, ...names];
}

function unknownClusters(subject: ObjectsSubject): Violation[] {
  const values = valuesOf(subject);
  const clusters = values === undefined ? undefined : knownClusters(values);
  if (clusters === undefined) return [];
  return entriesOf(subject).flatMap((entry) =>
    ["fromEndpoints", "toEndpoints"].flatMap((field) =>
      records(entry.body[field], [...entry.path, field]).flatMap(({ path, body }) => {
        const labels = Object.entries(record(body.matchLabels) ?? {}).map(([key, name]) => ({
          path: [...path, "matchLabels", key],
          key,
          names: [asText(name)],
        }));
        const expressions = records(body.matchExpressions, [...path, "matchExpressions"])
          .filter(({ body: { operator } }) => operator === "In")
          .map((expression) => ({
            path: expression.path,
            key: asText(expression.body.key),
            names: texts(expression.body.values),
          }));
        return [...labels, ...expressions]
          .filter(({ key }) => /^(k8s:|any:)?io\.cilium\.k8s\.policy\.cluster$/.test(key))
          .flatMap((asked) =>
            asked.names
              .filter((name) => !clusters.includes(name))
              .map((name) =>
                violation(
                  asked.path,
                  `No member of the mesh is called ${name}, so the peer matches nothing.`,
                  `Members: ${clusters.join(", ")} (cluster.name and clustermesh.config.clusters).`,
                ),
              ),
          );
      }),
    ),
  );
}

export const policyFeatureRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1233",
    severity: "error",
    title: "Policies of nodes need the host firewall.",
    korean: "nodeSelector 정책에는 hostFirewall.enabled가 필요합니다.",
    reason:
      "Without hostFirewall.enabled no host endpoint enforces them: nodes stay open (Documentation/security/host-firewall.rst).",
    check: (subject) => {
      const values = valuesOf(subject);
      return values === undefined || values.on("hostFirewall.enabled")
        ? []
        : partsOf(subject)
            .filter(({ body }) => body.nodeSelector !== undefined)
            .map(({ path, name }) =>
              violation(
                [...path, "nodeSelector"],
                `${name} selects nodes, and hostFirewall.enabled is false: nothing is enforced on them.`,
                "Set the Helm value hostFirewall.enabled: true (not with IPsec).",
              ),
            );
    },
  },
  {
    code: "GB-1234",
    severity: "error",
    title: "What a policy uses is switched on in the Helm values.",
    korean: "정책이 쓰는 기능은 Helm 값에서 켜져 있어야 합니다.",
    reason:
      "Cilium refuses or drops otherwise (pkg/policy/api/rule_validation.go; Documentation/network/servicemesh/mutual-authentication).",
    check: switchedOff,
  },
  {
    code: "GB-1235",
    severity: "error",
    title: "Where there are policies, policyEnforcementMode is not never.",
    korean: "정책이 있으면 policyEnforcementMode를 never로 두지 않습니다.",
    reason: "With never every policy is stored and none is enforced (Documentation/security/policy/intro.rst).",
    check: (subject) =>
      valuesOf(subject)?.at("policyEnforcementMode") !== "never"
        ? []
        : matching(subject, (object) => isCiliumPolicy(object) || isNetworkPolicy(object))
            .slice(0, 1)
            .map(({ index }) =>
              violation(
                [index],
                "policyEnforcementMode is never, so no policy is enforced.",
                "Set the Helm value policyEnforcementMode: default.",
              ),
            ),
  },
  {
    code: "GB-1236",
    severity: "error",
    title: "Clusters that a policy names are members of the mesh.",
    korean: "정책이 가리키는 클러스터는 메시의 구성원이어야 합니다.",
    reason:
      "io.cilium.k8s.policy.cluster holds cluster.name of the member; another name matches nothing (Documentation/network/clustermesh/policy.rst).",
    check: unknownClusters,
  },
  {
    code: "GB-1237",
    severity: "warning",
    title: "Blocks in policies do not lie inside the pods' own range.",
    korean: "정책의 CIDR에 파드 대역을 쓰지 않습니다.",
    reason:
      "Pods have identities, and CIDR rules never match them (Documentation/security/policy/language.rst, CIDR based).",
    check: (subject) => {
      const values = valuesOf(subject);
      const pools = ["ipam.operator.clusterPoolIPv4PodCIDRList", "ipam.operator.clusterPoolIPv6PodCIDRList"]
        .flatMap((path) => texts(values?.given(path)))
        .flatMap((text) => {
          const block = parseBlock(text);
          return block === undefined ? [] : [{ text, ...block }];
        });
      return blocksOf(subject).flatMap((block) =>
        pools
          .filter((pool) => holds(pool, block))
          .map((pool) =>
            violation(
              block.path,
              `${block.text} lies in the pods' range ${pool.text}: a block never matches pods.`,
              "Write fromEndpoints or toEndpoints with the pods' labels.",
            ),
          ),
      );
    },
  },
];
