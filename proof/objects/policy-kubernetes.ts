import { closest } from "../../components/cilium/chart-keys.ts";
import { type SchemaProblem, SchemaWalker } from "../../components/cilium/schema-walker.ts";
import { isRecord, list } from "../../components/config/untyped.ts";
import type { KubernetesObject, ObjectsSubject, Rule, Violation } from "../rule.ts";
import { networkPolicy } from "./policy-kubernetes-schema.ts";
import {
  asText,
  isNetworkPolicy,
  matching,
  type Path,
  record,
  records,
  shown,
  texts,
  violation,
} from "./policy-view.ts";

interface Judged {
  readonly index: number;
  readonly object: KubernetesObject;
  readonly spec: Readonly<Record<string, unknown>>;
}

function policies(subject: ObjectsSubject): Judged[] {
  return matching(subject, isNetworkPolicy).map((found) => ({ ...found, spec: record(found.object.spec) ?? {} }));
}

function rulesOf({
  index,
  spec,
}: Judged): { readonly path: Path; readonly body: Readonly<Record<string, unknown>>; readonly peers: string }[] {
  return (["ingress", "egress"] as const).flatMap((direction) =>
    records(spec[direction], [index, "spec", direction]).map((rule) => ({
      ...rule,
      peers: direction === "ingress" ? "from" : "to",
    })),
  );
}

/** Go decodes null as if the key were missing. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => (child === null ? [] : [[key, withoutNulls(child)]])),
  );
}

function problems(subject: ObjectsSubject): { index: number; object: KubernetesObject; problem: SchemaProblem }[] {
  return matching(subject, isNetworkPolicy).flatMap(({ index, object }) =>
    new SchemaWalker([]).check(networkPolicy, withoutNulls(object)).map((problem) => ({ index, object, problem })),
  );
}

/** What is lost with a field that does not exist. */
function unknownField(path: SchemaProblem["path"], known: readonly string[]): { message: string; fix: string } {
  const field = asText(path.at(-1));
  const place = path.map((step) => (typeof step === "number" ? "#" : step)).join(".");
  const cilium: Readonly<Record<string, string>> = {
    fromEndpoints: "from: [{podSelector: {...}}]",
    toEndpoints: "to: [{podSelector: {...}}]",
    fromCIDR: "from: [{ipBlock: {cidr: ...}}]",
    toCIDR: "to: [{ipBlock: {cidr: ...}}]",
    toPorts: "ports: [{port: 443, protocol: TCP}]",
    endpointSelector: "podSelector",
    from: "to, or move the rule to ingress",
    to: "from, or move the rule to egress",
  };
  const meant = cilium[field] ?? closest(field, known);
  const loss = /\.(from|to)\.#\.[^.]+$/.test(place)
    ? ", and the peer is refused or means more than it should"
    : /\.(ingress|egress)\.#\.[^.]+$/.test(place)
      ? ", and the rule is open to everyone or on every port"
      : place === "spec.endpointSelector"
        ? ", and the policy selects every pod of the namespace"
        : "";
  return {
    message: `\`${field}\` is not a field of a NetworkPolicy here: Kubernetes drops it${loss}.`,
    fix:
      meant === undefined
        ? `Known here: ${known.join(", ")}. What only Cilium has needs kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2.`
        : `Write ${meant}.`,
  };
}

function portProblems(path: Path, { port, endPort }: Readonly<Record<string, unknown>>): Violation[] {
  const refused = "so Kubernetes refuses the policy";
  const found: Violation[] = [];
  if (typeof port === "number" && (port < 1 || port > 65_535)) {
    found.push(
      violation(
        [...path, "port"],
        `${port} is no port, ${refused}.`,
        "Write a number from 1 to 65535, or leave port out for every port.",
      ),
    );
  }
  if (typeof port === "string") {
    const digits = /^\d+$/.test(port);
    if (digits)
      found.push(
        violation(
          [...path, "port"],
          `port: "${port}" is the name of a port, and a name has a letter, ${refused}.`,
          `Write it without quotes: port: ${port}.`,
        ),
      );
    else if (port.length > 15 || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(port)) {
      found.push(
        violation(
          [...path, "port"],
          `"${port}" is no port's name, ${refused}.`,
          "Write at most 15 small letters, digits and single dashes.",
        ),
      );
    }
  }
  if (typeof endPort !== "number") return found;
  if (typeof port !== "number") {
    found.push(
      violation(
        [...path, "endPort"],
        `endPort needs a number as port, ${refused}.`,
        "Write the first port of the range as a number.",
      ),
    );
  } else if (endPort < port) {
    found.push(
      violation(
        [...path, "endPort"],
        `The range ends at ${endPort}, before it starts at ${port}, ${refused}.`,
        "Swap the two.",
      ),
    );
  } else if (endPort > 65_535) {
    found.push(violation([...path, "endPort"], `${endPort} is no port, ${refused}.`, "Write at most 65535."));
  }
  return found;
}

function ignoredDirections({ index, spec }: Judged): Violation[] {
  const types = texts(spec.policyTypes);
  if (types.length === 0) {
    return Array.isArray(spec.egress) && spec.egress.length === 0
      ? [
          violation(
            [index, "spec", "egress"],
            "`egress: []` without policyTypes denies nothing: the policy applies to ingress only.",
            "Write policyTypes: [Ingress, Egress], or only [Egress].",
          ),
        ]
      : [];
  }
  return (["Ingress", "Egress"] as const)
    .filter((type) => !types.includes(type) && Array.isArray(spec[type.toLowerCase()]))
    .map((type) => {
      const field = type.toLowerCase();
      const rules = list(spec[field]).length;
      const message =
        rules > 0
          ? `policyTypes lists only ${types.join(", ")}, so the ${rules} ${field} ${rules === 1 ? "rule does" : "rules do"} not count for Kubernetes (Cilium applies them, and denies the rest).`
          : `\`${field}: []\` denies nothing, since policyTypes lists only ${types.join(", ")}.`;
      return violation(
        [index, "spec", rules > 0 ? "policyTypes" : field],
        message,
        `Write policyTypes: [Ingress, Egress], or delete ${field}.`,
      );
    });
}

export const networkPolicyRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1240",
    severity: "error",
    title: "Every field of a NetworkPolicy exists.",
    korean: "NetworkPolicy에는 실제로 있는 필드만 씁니다.",
    reason:
      "Kubernetes drops unknown fields unless the client asks for strict validation; a peer that vanishes opens the rule (networking.k8s.io/v1).",
    check: (subject) =>
      problems(subject).flatMap(({ index, problem: { path, known } }) => {
        if (known === undefined) return [];
        const { message, fix } = unknownField(path, known);
        return [violation([index, ...path], message, fix)];
      }),
  },
  {
    code: "GB-1241",
    severity: "error",
    title: "Every value of a NetworkPolicy has the type and form that Kubernetes asks for.",
    korean: "NetworkPolicy의 값은 Kubernetes가 요구하는 타입과 형식이어야 합니다.",
    reason: "The API server refuses the whole object otherwise (networking.k8s.io/v1, ValidateNetworkPolicy).",
    check: (subject) =>
      problems(subject)
        .filter(({ problem }) => problem.known === undefined)
        .map(({ index, problem: { path, problem } }) => {
          const field = path.join(".");
          const value = /got (.*)$/.exec(problem)?.[1] ?? "";
          const fix = problem.startsWith("wants array")
            ? value.startsWith("{")
              ? "Write it as a list: put `- ` before the first key."
              : `Write [${shown(value.replaceAll('"', ""))}].`
            : /policyTypes/.test(field)
              ? "Write Ingress and Egress, with capitals."
              : /protocol/.test(field)
                ? "Write TCP, UDP or SCTP, in capitals."
                : /cidr|except/.test(field)
                  ? "Write ADDRESS/LENGTH, e.g. 192.0.2.0/24 or 192.0.2.1/32."
                  : `Write a value that Kubernetes takes: ${problem}.`;
          return violation([index, ...path], `${field}: ${problem}, so Kubernetes refuses the policy.`, fix);
        }),
  },
  {
    code: "GB-1242",
    severity: "error",
    title: "A peer of a NetworkPolicy is a block, or pods and namespaces, and never empty.",
    korean: "NetworkPolicy의 peer는 ipBlock 하나이거나 selector이고, 비어 있으면 안 됩니다.",
    reason: "The API server refuses the object (ValidateNetworkPolicyPeer).",
    check: (subject) =>
      policies(subject).flatMap((policy) =>
        rulesOf(policy).flatMap((rule) =>
          records(rule.body[rule.peers], [...rule.path, rule.peers]).flatMap(({ path, body }) => {
            const selectors = ["podSelector", "namespaceSelector"].filter((field) => isRecord(body[field]));
            if (body.ipBlock !== undefined && selectors.length > 0) {
              return [
                violation(
                  path,
                  `ipBlock and ${selectors.join(" and ")} stand in one peer, so Kubernetes refuses the policy.`,
                  "Put `- ` before each: two peers.",
                ),
              ];
            }
            return body.ipBlock === undefined && selectors.length === 0
              ? [
                  violation(
                    path,
                    `An element of ${rule.peers} names no peer, so Kubernetes refuses the policy.`,
                    `Write podSelector, namespaceSelector or ipBlock; for everyone delete ${rule.peers}.`,
                  ),
                ]
              : [];
          }),
        ),
      ),
  },
  {
    code: "GB-1243",
    severity: "error",
    title: "Ports of a NetworkPolicy are numbers from 1 to 65535 or names.",
    korean: "NetworkPolicy의 포트는 1~65535의 숫자이거나 이름입니다.",
    reason: "The API server refuses the object (ValidateNetworkPolicyPort); a number in quotes is a name.",
    check: (subject) =>
      policies(subject).flatMap((policy) =>
        rulesOf(policy).flatMap((rule) =>
          records(rule.body.ports, [...rule.path, "ports"]).flatMap(({ path, body }) => portProblems(path, body)),
        ),
      ),
  },
  {
    code: "GB-1244",
    severity: "error",
    title: "policyTypes lists the directions that the policy has.",
    korean: "policyTypes에는 정책이 가진 방향을 모두 적습니다.",
    reason:
      "Where policyTypes is written, only the directions in it count; where it is not, egress counts only if it has a rule (networking.k8s.io/v1).",
    check: (subject) => policies(subject).flatMap(ignoredDirections),
  },
];
