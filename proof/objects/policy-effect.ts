import { isRecord, list } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import {
  asText,
  type Direction,
  type Entry,
  entriesOf,
  entriesOfPart,
  isCiliumPolicy,
  isNetworkPolicy,
  matching,
  mayOverlap,
  metadataOf,
  type Part,
  partsOf,
  peersOf,
  record,
  texts,
  violation,
} from "./policy-view.ts";

const directions = ["ingress", "egress"] as const;
const lists = ["ingress", "ingressDeny", "egress", "egressDeny"];

function entryCount(part: Part, direction: Direction): number {
  return list(part.body[direction]).length + list(part.body[`${direction}Deny`]).length;
}

/** What `enableDefaultDeny` says about a direction. */
function defaultDeny(part: Part, direction: Direction): unknown {
  return record(part.body.enableDefaultDeny)?.[direction];
}

/** Whether two parts can apply to one pod, or one node. Unknown namespaces may be any. */
export function mayMeet(one: Part, other: Part): boolean {
  const field = (part: Part) => (part.body.nodeSelector === undefined ? "endpointSelector" : "nodeSelector");
  if (field(one) !== field(other)) return false;
  const apart = one.namespace !== undefined && other.namespace !== undefined && one.namespace !== other.namespace;
  return !apart && mayOverlap(one.body[field(one)], other.body[field(other)]);
}

function emptyDirections(part: Part): Violation[] {
  const [first] = lists.filter((field) => Array.isArray(part.body[field]));
  if (lists.every((field) => list(part.body[field]).length === 0)) {
    // A value of a wrong type is another rule's business.
    if (lists.some((field) => part.body[field] !== undefined && !Array.isArray(part.body[field]))) return [];
    const empty = lists.filter((field) => Array.isArray(part.body[field])).map((field) => `\`${field}: []\``);
    const what =
      empty.length > 0
        ? `${empty.join(" and ")} ${empty.length === 1 ? "denies" : "deny"} nothing: an empty list is the same as none`
        : `The policy has neither ingress nor egress`;
    return [
      violation(
        first === undefined ? part.path : [...part.path, first],
        `${what}, so Cilium refuses the policy and every packet still passes.`,
        "To deny by default write a list with one empty entry: ingress: [{}] and egress: [{}].",
      ),
    ];
  }
  return directions
    .filter((direction) => {
      const value = part.body[direction];
      return Array.isArray(value) && entryCount(part, direction) === 0 && defaultDeny(part, direction) !== false;
    })
    .map((direction) =>
      violation(
        [...part.path, direction],
        `\`${direction}: []\` denies nothing: the policy does not apply to ${direction} at all.`,
        `To deny all ${direction} write ${direction}: [{}]; otherwise delete the line.`,
      ),
    );
}

function idleDefaultDeny(part: Part): Violation[] {
  return directions
    .filter((direction) => defaultDeny(part, direction) === true && entryCount(part, direction) === 0)
    .map((direction) =>
      violation(
        [...part.path, "enableDefaultDeny", direction],
        `enableDefaultDeny.${direction}: true denies nothing, since the policy has no entry in ${direction}.`,
        `Write ${direction}: [{}] beside it.`,
      ),
    );
}

/** `ingress: [{}]` in a policy whose name says that it allows. */
function misnamed(part: Part): Violation[] {
  if (!/allow.*(all|any)|(all|any).*allow/i.test(part.name)) return [];
  return directions
    .filter((direction) => {
      const [only, ...rest] = list(part.body[direction]);
      return (
        isRecord(only) && Object.keys(only).length === 0 && rest.length === 0 && defaultDeny(part, direction) !== false
      );
    })
    .filter((direction) => !/deny/i.test(part.name) || new RegExp(`allow.*${direction}`, "i").test(part.name))
    .map((direction) => {
      const peers = direction === "ingress" ? "fromEntities" : "toEntities";
      return violation(
        [...part.path, direction],
        `${part.name} denies all ${direction}: in a Cilium policy an empty entry allows nobody (in Kubernetes' NetworkPolicy: everybody).`,
        `Write ${direction}: [{${peers}: [all]}].`,
      );
    });
}

/** `ingress: [{}]` in a NetworkPolicy whose name says that it denies. */
function misnamedKubernetes(subject: ObjectsSubject): Violation[] {
  return matching(subject, isNetworkPolicy).flatMap(({ index, object }) => {
    const { name } = metadataOf(object);
    if (!/deny/i.test(name) || /allow/i.test(name)) return [];
    return directions
      .filter((direction) =>
        list(record(object.spec)?.[direction]).some((rule) => isRecord(rule) && Object.keys(rule).length === 0),
      )
      .map((direction) =>
        violation(
          [index, "spec", direction],
          `${name} allows all ${direction}: in Kubernetes' NetworkPolicy an empty rule means everybody (in a Cilium policy: nobody).`,
          `Delete ${direction}, and list ${direction === "ingress" ? "Ingress" : "Egress"} in policyTypes.`,
        ),
      );
  });
}

/** Whether a judged NetworkPolicy or another part allows something in a direction to pods that this part may select. */
function allowedElsewhere(subject: ObjectsSubject, part: Part, direction: Direction): boolean {
  const cilium = entriesOf(subject).some(
    (entry) => entry.direction === direction && !entry.deny && mayMeet(part, entry.part),
  );
  const kubernetes = matching(subject, isNetworkPolicy).some(({ object }) => {
    const { namespace } = metadataOf(object);
    const spec = record(object.spec) ?? {};
    const apart = namespace !== undefined && part.namespace !== undefined && namespace !== part.namespace;
    return !apart && mayOverlap(spec.podSelector, part.body.endpointSelector) && list(spec[direction]).length > 0;
  });
  return cilium || kubernetes;
}

/** Whether a deny entry means nearly everybody, so that what it leaves is not missed. */
function broad(entry: Entry): boolean {
  const wide = ["all", "world", "cluster", "cluster-mesh"];
  const peers = peersOf(entry);
  const entities = [...texts(entry.body.fromEntities), ...texts(entry.body.toEntities)];
  const blocks = [...texts(entry.body.fromCIDR), ...texts(entry.body.toCIDR)];
  const selectors = [...list(entry.body.fromEndpoints), ...list(entry.body.toEndpoints)];
  return (
    peers.length === 0 ||
    entities.some((entity) => wide.includes(entity)) ||
    blocks.some((block) => block.endsWith("/0")) ||
    selectors.some((selector) => isRecord(selector) && Object.keys(selector).length === 0)
  );
}

function onlyDenies(subject: ObjectsSubject, part: Part): Violation[] {
  return directions
    .filter(
      (direction) =>
        list(part.body[`${direction}Deny`]).length > 0 &&
        defaultDeny(part, direction) === undefined &&
        !entriesOfPart(part).some((entry) => entry.direction === direction && broad(entry)) &&
        !allowedElsewhere(subject, part, direction),
    )
    .map((direction) =>
      violation(
        [...part.path, `${direction}Deny`],
        `${direction}Deny also turns on default deny: without an ${direction} entry that allows, the pods lose all ${direction}, not only what is listed.`,
        `Write enableDefaultDeny: {${direction}: false}, or an entry ${direction}: [{${direction === "ingress" ? "fromEntities" : "toEntities"}: [all]}].`,
      ),
    );
}

export const policyEffectRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1204",
    severity: "error",
    title: "A direction that a Cilium policy writes has at least one entry.",
    korean: "Cilium 정책에 ingress나 egress를 쓰면 항목이 하나 이상 있어야 합니다(빈 목록은 아무것도 막지 않음).",
    reason:
      "An empty list means that the policy does not apply to that direction; with all of them empty Cilium refuses the policy, and nothing is denied (cilium/cilium#35558, pkg/policy/api/rule_validation.go).",
    check: (subject) => [
      ...partsOf(subject).flatMap(emptyDirections),
      ...matching(subject, isCiliumPolicy)
        .filter(({ object }) => object.spec === undefined && list(object.specs).length === 0)
        .map(({ index, object }) =>
          violation(
            [index],
            `The ${asText(object.kind)} has neither spec nor specs, so it is refused and denies nothing.`,
            "Write spec with endpointSelector and ingress or egress (check the indentation).",
          ),
        ),
    ],
  },
  {
    code: "GB-1205",
    severity: "warning",
    title: "enableDefaultDeny stands beside an entry of the same direction.",
    korean: "enableDefaultDeny를 true로 쓰려면 같은 방향의 항목이 있어야 합니다.",
    reason: "It is an attribute of the entries: without one nothing carries it (pkg/policy/utils/parserules.go).",
    check: (subject) =>
      partsOf(subject)
        .filter((part) => directions.some((direction) => entryCount(part, direction) > 0))
        .flatMap(idleDefaultDeny),
  },
  {
    code: "GB-1206",
    severity: "warning",
    title: "A policy that is called allow-all allows, and one that is called deny denies.",
    korean: "이름이 allow-all인 정책은 허용하고, deny인 정책은 거부해야 합니다.",
    reason:
      "An entry without peers and ports selects nobody and turns on default deny (examples/policies/l3/egress-default-deny); in Kubernetes' NetworkPolicy the same text allows everybody.",
    check: (subject) => [...partsOf(subject).flatMap(misnamed), ...misnamedKubernetes(subject)],
  },
  {
    code: "GB-1207",
    severity: "warning",
    title: "A policy that only denies leaves the rest as it was.",
    korean: "거부만 하는 정책은 나머지 트래픽까지 막지 않도록 씁니다.",
    reason:
      "ingressDeny and egressDeny put the pods into default deny like any other entry, unless enableDefaultDeny says otherwise (Documentation/security/policy/language.rst, Deny Policies).",
    check: (subject) => partsOf(subject).flatMap((part) => onlyDenies(subject, part)),
  },
  {
    code: "GB-1208",
    severity: "error",
    title: "Annotations of a policy are ones that Cilium reads.",
    korean: "정책의 어노테이션은 Cilium이 읽는 것만 씁니다.",
    reason:
      "Of policy.cilium.io/ Cilium reads name on a policy and no-track-port on a pod; there are no priorities up to 1.20 (pkg/annotation/k8s.go).",
    check: (subject) =>
      matching(subject, (object) => isCiliumPolicy(object) || isNetworkPolicy(object)).flatMap(({ index, object }) =>
        Object.entries(record(record(object.metadata)?.annotations) ?? {})
          .filter(([key]) => key.startsWith("policy.cilium.io/") && key !== "policy.cilium.io/name")
          .map(([key, value]) =>
            violation(
              [index, "metadata", "annotations", key],
              `Cilium does not read the annotation ${key}: "${asText(value)}" changes nothing.`,
              /priority|order/.test(key)
                ? "Delete it; policies have no order. What must win is written as ingressDeny or egressDeny."
                : "Delete it.",
            ),
          ),
      ),
  },
];
