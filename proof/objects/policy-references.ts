import { isRecord } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import {
  asText,
  entriesOf,
  metadataOf,
  type Path,
  portRulesIn,
  record,
  records,
  texts,
  violation,
} from "./policy-view.ts";

function named(subject: ObjectsSubject, kind: string, namespace?: string): string[] {
  return subject.objects
    .filter((object) => object.kind === kind)
    .map(metadataOf)
    .filter((found) => namespace === undefined || found.namespace === namespace)
    .map(({ name }) => name);
}

function missing(path: Path, kind: string, name: string, known: readonly string[]): Violation {
  return violation(
    path,
    `There is no ${kind} ${name}, so the entry matches nothing.`,
    known.length === 0 ? `Add the ${kind}.` : `Known: ${known.join(", ")}.`,
  );
}

/** Namespaces that every cluster with Cilium has. */
const builtIn = ["default", "kube-system", "kube-public", "kube-node-lease", "cilium-secrets"];

/** Namespaces that a peer names by the label for it. */
function namespacesOf(selector: Readonly<Record<string, unknown>>): { readonly path: Path; readonly name: string }[] {
  const key = /^(k8s:|any:)?io\.kubernetes\.pod\.namespace$/;
  const labels = Object.entries(record(selector.matchLabels) ?? {}).filter(([label]) => key.test(label));
  const expressions = records(selector.matchExpressions, ["matchExpressions"]).filter(
    ({ body }) => key.test(asText(body.key)) && body.operator === "In",
  );
  return [
    ...labels.map(([label, name]) => ({ path: ["matchLabels", label], name: asText(name) })),
    ...expressions.flatMap(({ path, body }) => texts(body.values).map((name) => ({ path, name }))),
  ];
}

/** Whether a peer is one of another cluster, whose namespaces are not judged here. */
function elsewhere(selector: Readonly<Record<string, unknown>>, own: unknown): boolean {
  return Object.entries(record(selector.matchLabels) ?? {}).some(
    ([key, cluster]) => /^(k8s:|any:)?io\.cilium\.k8s\.policy\.cluster$/.test(key) && cluster !== own,
  );
}

export const policyReferenceRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1238",
    severity: "error",
    title: "Groups of blocks and listeners that a policy names exist.",
    korean: "정책이 가리키는 CiliumCIDRGroup과 CiliumEnvoyConfig는 실제로 있어야 합니다.",
    reason:
      "A name that leads nowhere selects nothing and says so nowhere (Documentation/network/kubernetes/ciliumcidrgroup.rst).",
    check: (subject) => {
      if (!subject.complete) return [];
      const groups = named(subject, "CiliumCIDRGroup");
      const blocks = entriesOf(subject)
        .flatMap(({ path, body }) =>
          ["fromCIDRSet", "toCIDRSet"].flatMap((field) => records(body[field], [...path, field])),
        )
        .flatMap(({ path, body: { cidrGroupRef: name } }) =>
          typeof name !== "string" || groups.includes(name)
            ? []
            : [missing([...path, "cidrGroupRef"], "CiliumCIDRGroup", name, groups)],
        );
      const listeners = portRulesIn(subject).flatMap(({ entry: { part }, path, body }) => {
        const config = record(record(body.listener)?.envoyConfig);
        if (config === undefined || typeof config.name !== "string") return [];
        const kind =
          part.clusterwide || config.kind === "CiliumClusterwideEnvoyConfig"
            ? "CiliumClusterwideEnvoyConfig"
            : "CiliumEnvoyConfig";
        const known = named(subject, kind, kind === "CiliumEnvoyConfig" ? part.namespace : undefined);
        return known.includes(config.name)
          ? []
          : [missing([...path, "listener", "envoyConfig", "name"], kind, config.name, known)];
      });
      return [...blocks, ...listeners];
    },
  },
  {
    code: "GB-1246",
    severity: "warning",
    title: "Namespaces that a peer names exist.",
    korean: "정책이 가리키는 네임스페이스는 실제로 있어야 합니다.",
    reason: "A peer in a namespace that does not exist matches nothing (Documentation/security/policy/kubernetes.rst).",
    check: (subject) => {
      if (!subject.complete) return [];
      const known = new Set([
        ...builtIn,
        ...named(subject, "Namespace"),
        ...subject.objects.flatMap((object) => metadataOf(object).namespace ?? []),
      ]);
      const own = record(record(subject.values)?.cluster)?.name;
      return entriesOf(subject).flatMap(({ path, body }) =>
        ["fromEndpoints", "toEndpoints"].flatMap((field) =>
          records(body[field], [...path, field]).flatMap((peer) =>
            (isRecord(peer.body) && !elsewhere(peer.body, own) ? namespacesOf(peer.body) : [])
              .filter(({ name }) => !known.has(name))
              .map(({ path: place, name }) =>
                violation(
                  [...peer.path, ...place],
                  `There is no namespace ${name}, so the peer matches nothing.`,
                  `Known: ${[...known].join(", ")}.`,
                ),
              ),
          ),
        ),
      );
    },
  },
];
