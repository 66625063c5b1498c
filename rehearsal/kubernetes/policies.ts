import type { JsonObject, World } from "../world.ts";
import { type Cluster, list, objectsOf, record, text } from "./cluster.ts";

/** Policies that the API server takes and the agents refuse (`pkg/policy/api/rule_validation.go`); such a policy denies nothing. */
export function policyProblems(world: World, cluster: Cluster): string[] {
  const kinds = ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"];
  return kinds.flatMap((kind) =>
    objectsOf(world, cluster.name, kind, "cilium.io").flatMap(({ name, body }) =>
      [body.spec, ...list(body.specs)]
        .filter((rule) => rule !== undefined)
        .flatMap((rule) => ruleProblems(record(rule)))
        .map((problem) => `${kind} ${name} is refused by the agents: ${problem}`),
    ),
  );
}

function ruleProblems(rule: JsonObject): string[] {
  const directions = ["ingress", "ingressDeny", "egress", "egressDeny"];
  const sections = directions.flatMap((direction) => list(rule[direction]).map(record));
  if (sections.length === 0)
    return ["it has no ingress, ingressDeny, egress or egressDeny rule; write `ingress: [{}]` to deny everything else"];
  return sections.flatMap((section) => {
    const peers = [
      "fromEndpoints",
      "fromCIDR",
      "fromCIDRSet",
      "fromEntities",
      "toEndpoints",
      "toCIDR",
      "toCIDRSet",
      "toEntities",
      "toServices",
      "toFQDNs",
    ].filter((field) => section[field] !== undefined);
    const combined = peers.length > 1 ? [`it combines ${peers.join(" and ")} in one rule; write one rule each`] : [];
    const ports = list(section.toPorts).flatMap((entry) =>
      list(record(entry).ports).map((port) => text(record(port).port)),
    );
    const wrong = ports.filter((port) => /^\d+$/.test(port) && Number(port) > 65_535);
    return [...combined, ...wrong.map((port) => `port ${port} is above 65535`)];
  });
}
