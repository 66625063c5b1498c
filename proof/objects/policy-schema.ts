import { closest } from "../../components/cilium/chart-keys.ts";
import { locateProblems } from "../../components/cilium/crd-schemas.ts";
import type { SchemaProblem } from "../../components/cilium/schema-walker.ts";
import { isRecord } from "../../components/config/untyped.ts";
import type { KubernetesObject, ObjectsSubject, Rule, Violation } from "../rule.ts";
import { hintFor } from "./policy-hints.ts";
import { asText, at, isCiliumPolicy, isNetworkPolicy, matching, record, shown, violation } from "./policy-view.ts";

const kinds = ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "NetworkPolicy"];
const crd = "CRD pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml of each minor";

function placeOf(path: SchemaProblem["path"]): string {
  return path.map((step) => (typeof step === "number" ? "#" : step)).join(".");
}

function problemsOf(subject: ObjectsSubject): { index: number; object: KubernetesObject; problem: SchemaProblem }[] {
  return matching(subject, isCiliumPolicy)
    .filter(({ object }) => object.apiVersion === "cilium.io/v2")
    .flatMap(({ index, object }) =>
      locateProblems(subject.cilium, object)
        // Cilium writes the status; what kubectl printed of it may be of any version.
        .filter(({ path }) => path[0] !== "status")
        .map((problem) => ({ index, object, problem })),
    );
}

/** Problems that another one already says. */
function repeated({ path, problem }: SchemaProblem, object: KubernetesObject): boolean {
  const place = placeOf(path);
  return (
    // GB-1204 tells more about policies without entries.
    /^(wants at least one of ingress|spec or specs must)/.test(problem) ||
    // GB-1201 has named the field that left them empty.
    (place.endsWith(".rules") &&
      Object.keys(record(at(object, path)) ?? {}).some((name) => name !== "http" && name !== "dns")) ||
    /\.(from|to)Requires\.#$/.test(place)
  );
}

const entities = "all, world, cluster, host, remote-node, kube-apiserver, ingress, health, init, unmanaged, none".split(
  ", ",
);

/** What to write instead, for slips that are made often: the first whose place and value fit. */
const valueFixes: readonly {
  readonly place: RegExp;
  readonly fix: (value: unknown, problem: string) => string | undefined;
}[] = [
  {
    place: /Selector$/,
    fix: (value) => (value === null ? "Write {} to select everything, or delete the key." : undefined),
  },
  { place: /./, fix: (value) => (value === null ? "Write a value, or delete the key." : undefined) },
  {
    place: /\.port$/,
    fix: (value) =>
      typeof value === "number"
        ? `Write it as text: port: "${value}".`
        : "Write a number from 1 to 65535 in quotes, or the name of a container port.",
  },
  { place: /\.endPort$/, fix: (value) => (typeof value === "string" ? "Write a number without quotes." : undefined) },
  {
    place: /\.protocol$/,
    fix: (value) =>
      /^icmp/i.test(asText(value))
        ? "Write ICMP as icmps: [{fields: [{type: 8, family: IPv4}]}], without toPorts."
        : "Write TCP, UDP, SCTP or ANY, in capitals.",
  },
  {
    place: /Entities\.#$/,
    fix: (value) => {
      const near = closest(asText(value), entities);
      return near === undefined
        ? `Known: ${entities.join(", ")}. Pods are named by labels, in fromEndpoints or toEndpoints.`
        : `Write ${near}.`;
    },
  },
  {
    place: /(CIDR\.#|cidr|except\.#)$/,
    fix: (value) =>
      /^[\d.]+$/.test(asText(value))
        ? `Write ${asText(value)}/32 for one address.`
        : "Write ADDRESS/LENGTH, e.g. 192.0.2.0/24.",
  },
  {
    place: /\.matchName$/,
    fix: (value) =>
      asText(value).includes("*") ? `Write matchPattern: "${asText(value)}"; matchName takes no wildcard.` : undefined,
  },
  { place: /\.match(Name|Pattern)$/, fix: () => "Write a DNS name only: no scheme, port or path." },
  {
    place: /matchLabels\./,
    fix: (value) =>
      typeof value === "string"
        ? "A label's value has at most 63 letters, digits, -, _ and .; for several values use matchExpressions."
        : `Write it as text: "${shown(value)}".`,
  },
  {
    place: /^specs?(\.#)?$/,
    fix: (_, problem) =>
      problem.includes("exactly one of")
        ? "Write either endpointSelector (pods; {} for all of them) or nodeSelector (nodes, in a CiliumClusterwideNetworkPolicy)."
        : undefined,
  },
  {
    place: /Requires$/,
    fix: () =>
      "fromRequires and toRequires left with Cilium 1.19: add the label to every selector of fromEndpoints or toEndpoints.",
  },
  {
    place: /\.rules$/,
    fix: (value) =>
      isRecord(value) ? "Write one L7 protocol per element of toPorts; a second one needs its own element." : undefined,
  },
  { place: /CIDRSet\.#$/, fix: () => "Write exactly one of cidr, cidrGroupRef and cidrGroupSelector in each element." },
  { place: /(toFQDNs|dns)\.#$/, fix: () => "Write exactly one of matchName and matchPattern in each element." },
  {
    place: /./,
    fix: (value, problem) => {
      if (problem.startsWith("wants object"))
        return Array.isArray(value) ? "Write one object, without the dash." : undefined;
      if (!problem.startsWith("wants array")) return undefined;
      return isRecord(value) ? "Write it as a list: put `- ` before the first key." : `Write [${shown(value)}].`;
    },
  },
];

/** What to write instead of a value that a schema does not take. */
export function schemaFix({ path, problem }: SchemaProblem, object: KubernetesObject): string {
  const place = placeOf(path);
  const value = at(object, path);
  for (const { place: where, fix } of valueFixes) {
    const found = where.test(place) ? fix(value, problem) : undefined;
    if (found !== undefined) return found;
  }
  return `Write a value that the CRD takes: ${brief(problem)}.`;
}

/** Without a pattern that is longer than a reader reads. */
function brief(problem: string): string {
  return problem.replace(/ does not match \S{60,}$/, " has not the form that the CRD asks for");
}

function valueViolation(index: number, object: KubernetesObject, problem: SchemaProblem): Violation {
  const field = problem.path.join(".");
  return violation(
    [index, ...problem.path],
    `${field === "" ? asText(object.kind) : field}: ${brief(problem.problem)}, so Kubernetes refuses the policy.`,
    schemaFix(problem, object),
  );
}

/** Fields of ObjectMeta (meta/v1). */
const metaFields = (
  "name generateName namespace labels annotations finalizers ownerReferences uid resourceVersion generation creationTimestamp " +
  "deletionTimestamp deletionGracePeriodSeconds selfLink managedFields"
).split(" ");

/** What is wrong in `metadata`, which no CRD describes. */
function metadataViolations(index: number, object: KubernetesObject): Violation[] {
  const metadata = record(object.metadata) ?? {};
  const unknown = Object.keys(metadata)
    .filter((field) => !metaFields.includes(field))
    .map((field) => {
      const near = closest(field, metaFields);
      return violation(
        [index, "metadata", field],
        `\`${field}\` is not a field of metadata: Kubernetes drops it.`,
        near === undefined ? "Delete it, or move it where it belongs (check the indentation)." : `Write ${near}.`,
      );
    });
  const values = ["labels", "annotations"].flatMap((field) =>
    Object.entries(record(metadata[field]) ?? {})
      .filter(([, value]) => typeof value !== "string")
      .map(([key, value]) =>
        violation(
          [index, "metadata", field, key],
          `metadata.${field}.${key} is ${shown(value)}, and not text, so Kubernetes refuses the policy.`,
          `Write "${shown(value)}" in quotes.`,
        ),
      ),
  );
  const types = Object.entries({ name: "string", namespace: "string", labels: "object", annotations: "object" })
    .filter(
      ([field, type]) => metadata[field] !== undefined && metadata[field] !== null && typeOf(metadata[field]) !== type,
    )
    .map(([field, type]) =>
      violation(
        [index, "metadata", field],
        `metadata.${field} is ${shown(metadata[field])}, and no ${type}, so Kubernetes refuses the policy.`,
        type === "string" ? `Write "${shown(metadata[field])}" in quotes.` : "Write it as KEY: VALUE pairs.",
      ),
    );
  const { name, namespace } = metadata;
  const names = [
    // GB-1202 looks at the names of Cilium's objects.
    ...(isNetworkPolicy(object) && typeof name === "string" && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)
      ? ["name"]
      : []),
    ...(typeof namespace === "string" && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace) ? ["namespace"] : []),
  ].map((field) =>
    violation(
      [index, "metadata", field],
      `metadata.${field}: "${asText(metadata[field])}" is no name that Kubernetes takes.`,
      "Write small letters, digits and dashes.",
    ),
  );
  return [...unknown, ...types, ...names, ...values];
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}

/** A policy has a name: without one there is nothing to create. */
function nameless(object: KubernetesObject): boolean {
  const metadata = record(object.metadata);
  return metadata !== undefined && metadata.name === undefined && metadata.generateName === undefined;
}

function kindViolation(object: KubernetesObject, index: number): Violation[] {
  const { apiVersion, kind } = object;
  const [version, name] = [asText(apiVersion ?? ""), asText(kind ?? "")];
  const ours = version.startsWith("cilium.io/") || version === "cilium.io";
  const wanted = kinds.find((known) => known.toLowerCase() === name.toLowerCase().replace(/ies$/, "y"));
  const near = wanted ?? (ours ? closest(name, kinds.slice(0, 2)) : undefined);
  if (near !== undefined && near !== name) {
    return [violation([index, "kind"], `There is no kind "${name}", so nothing is created.`, `Write kind: ${near}.`)];
  }
  if (/^Cilium(Clusterwide)?NetworkPolicy$/.test(name) && version !== "cilium.io/v2") {
    const message = `${name} is not served as "${version}", so Kubernetes refuses it.`;
    return [violation([index, "apiVersion"], message, "Write apiVersion: cilium.io/v2.")];
  }
  // Calico, Antrea and others have a NetworkPolicy of their own.
  const mistaken =
    /^(|v1|apps\/v1|extensions\/.*|policy\/.*|networking\/.*|(networking\.)?k8s\.io\/.*|networking\.k8s\.io.*|cilium\.io.*)$/;
  if (name === "NetworkPolicy" && version !== "networking.k8s.io/v1" && mistaken.test(version)) {
    const message = `NetworkPolicy is not served as "${version}", so Kubernetes refuses it.`;
    const fix = version.startsWith("cilium.io")
      ? "Write kind: CiliumNetworkPolicy, or apiVersion: networking.k8s.io/v1 for Kubernetes' own policy."
      : "Write apiVersion: networking.k8s.io/v1.";
    return [violation([index, "apiVersion"], message, fix)];
  }
  return [];
}

/** What Kubernetes itself refuses or drops in a Cilium policy. */
export const policySchemaRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1201",
    severity: "error",
    title: "Every field of a Cilium policy exists in this version of Cilium.",
    korean: "Cilium 정책에는 해당 Cilium 버전에 있는 필드만 씁니다.",
    reason: `Kubernetes prunes fields that the CRD does not have, so a restriction that is misspelt vanishes (${crd}).`,
    check: (subject) =>
      problemsOf(subject).flatMap(({ index, object, problem: { path, known } }) => {
        if (known === undefined) return [];
        const field = asText(path.at(-1));
        const parent = record(at(object, path.slice(0, -1))) ?? {};
        const found = { field, value: parent[field], parent, place: placeOf(path.slice(0, -1)), known };
        const { message, fix } = hintFor(found);
        return [violation([index, ...path], message, fix)];
      }),
  },
  {
    code: "GB-1202",
    severity: "error",
    title: "Every value of a Cilium policy has the type and form that its CRD asks for.",
    korean: "Cilium 정책의 값은 CRD가 요구하는 타입과 형식이어야 합니다.",
    reason: `The API server refuses the whole object otherwise (${crd}).`,
    check: (subject) => [
      ...problemsOf(subject)
        .filter(({ object, problem }) => problem.known === undefined && !repeated(problem, object))
        .map(({ index, object, problem }) => valueViolation(index, object, problem)),
      ...matching(subject, isCiliumPolicy)
        .filter(({ object }) => nameless(object))
        .map(({ index, object }) =>
          violation(
            [index, "metadata"],
            `The ${asText(object.kind)} has no name, so Kubernetes refuses it.`,
            "Write metadata.name.",
          ),
        ),
    ],
  },
  {
    code: "GB-1203",
    severity: "error",
    title: "A policy has a kind and an apiVersion that are served, and metadata that Kubernetes knows.",
    korean: "정책의 kind와 apiVersion은 실제로 제공되는 것이어야 하고, metadata에는 Kubernetes가 아는 필드만 씁니다.",
    reason:
      "Policies are served as cilium.io/v2 and networking.k8s.io/v1 only; extensions/v1beta1 left with Kubernetes 1.16.",
    check: (subject) => [
      ...subject.objects.flatMap(kindViolation),
      ...matching(subject, (object) => isCiliumPolicy(object) || isNetworkPolicy(object)).flatMap(({ index, object }) =>
        metadataViolations(index, object),
      ),
    ],
  },
];
