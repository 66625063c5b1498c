import { list, record } from "../../components/config/untyped.ts";
import { entryFix } from "./admission.ts";
import { icmpRules } from "./cilium-icmp.ts";
import { peersOf, requirementsFor } from "./cilium-peers.ts";
import { denyPortRules, portRules } from "./cilium-ports.ts";
import type { Direction, PolicyEntry, PortRule, Selector } from "./entry.ts";
import { ciliumKeyProblem, namespaceKey } from "./labels.ts";
import type { PolicyContext } from "./policy-context.ts";
import { checkSelector, conditionsOf, requirementsOf, selectsInit } from "./selectors.ts";

type Fields = Readonly<Record<string, unknown>>;

const sections = [
  { field: "ingress", direction: "ingress", deny: false },
  { field: "ingressDeny", direction: "ingress", deny: true },
  { field: "egress", direction: "egress", deny: false },
  { field: "egressDeny", direction: "egress", deny: true },
] as const;

/** Entries of a CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy whose schema the API server has checked. */
export function ciliumEntries(object: Fields, context: PolicyContext): PolicyEntry[] {
  const parts = [
    ...(object.spec === undefined ? [] : [{ body: record(object.spec), path: "spec" }]),
    ...list(object.specs).map((body, index) => ({ body: record(body), path: `specs[${index}]` })),
  ];
  // From 1.20 on the CRD itself asks for one of them.
  if (object.spec === undefined && object.specs === undefined)
    context.refusals.add("", "the policy has neither spec nor specs", "Write spec.");
  return parts.flatMap(({ body, path }) => ruleEntries(body, path, context));
}

function ruleEntries(body: Fields, path: string, context: PolicyContext): PolicyEntry[] {
  const { refusals } = context;
  if (sections.every(({ field }) => list(body[field]).length === 0)) {
    refusals.add(path, "the policy has no entry in ingress, ingressDeny, egress or egressDeny", entryFix);
    return [];
  }
  // The API server has seen to it that exactly one of the two is there.
  const node = body.endpointSelector === undefined;
  const field = node ? "nodeSelector" : "endpointSelector";
  checkSelector(body[field], `${path}.${field}`, refusals, (key) => ciliumKeyProblem(key, context.minor));
  checkLabels(body.labels, path, context);
  if (node && context.namespace !== undefined) {
    const fix = "Write a CiliumClusterwideNetworkPolicy, or endpointSelector.";
    refusals.add(`${path}.nodeSelector`, "a namespaced policy selects no nodes", fix);
  }
  const conditions = conditionsOf(body[field], "any");
  const matchesInit = !node && selectsInit(body[field]);
  if (context.namespace !== undefined) conditions.labels.set(`k8s:${namespaceKey}`, context.namespace);
  const subject = { kind: "labels", requirements: requirementsOf(conditions) } as const;
  return sections.flatMap((section) =>
    list(body[section.field]).map((item, index): PolicyEntry => {
      const at = `${path}.${section.field}[${index}]`;
      const { direction, deny } = section;
      const fields = record(item);
      const own = { direction, deny, matchesInit };
      const peers = peersOf(fields, at, own, context);
      const rules = [
        ...(deny ? denyPortRules : portRules)(fields, at, direction, context),
        ...icmpRules(fields, at, context),
      ];
      if (node && !deny) checkHostRules(rules, at, direction, context);
      const mode = deny ? undefined : modeOf(record(fields.authentication).mode);
      return {
        policy: context.policy,
        path: at,
        ...(context.namespace === undefined ? {} : { namespace: context.namespace }),
        direction,
        verdict: deny ? "deny" : "allow",
        node,
        subject,
        ...reach(peers, rules),
        ...requirementsFor(fields, at, own, context),
        defaultDeny: record(body.enableDefaultDeny)[direction] !== false,
        ...(mode === undefined ? {} : { authentication: mode }),
      };
    }),
  );
}

/** An entry that names neither peers nor ports is about nobody, and so is one whose every list of ports is empty. */
function reach(peers: readonly Selector[] | "none", rules: readonly PortRule[]): Pick<PolicyEntry, "peers" | "ports"> {
  const ports = rules.filter((rule) => rule.ports.length > 0);
  const nobody = peers === "none" || (rules.length === 0 ? peers.length === 0 : ports.length === 0);
  return { peers: nobody ? "none" : peers, ports };
}

function checkHostRules(
  rules: readonly PortRule[],
  path: string,
  direction: Direction,
  { refusals }: PolicyContext,
): void {
  const refused = rules.some(
    ({ l7 }) => (l7?.http ?? l7?.kafka) !== undefined || (direction === "ingress" && l7?.dns !== undefined),
  );
  if (refused) refusals.add(`${path}.toPorts`, "a policy for nodes has no L7 rules here", "Delete rules.");
}

/** Labels of the rule itself, which only people read. */
function checkLabels(labels: unknown, path: string, { refusals }: PolicyContext): void {
  for (const [index, label] of list(labels).entries()) {
    if (record(label).key !== "") continue;
    refusals.add(`${path}.labels[${index}].key`, "the label has no key", "Write a key, or delete the label.");
  }
}

function modeOf(value: unknown): PolicyEntry["authentication"] {
  return value === "disabled" || value === "required" || value === "test-always-fail" ? value : undefined;
}
