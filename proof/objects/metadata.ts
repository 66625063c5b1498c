import { closest } from "../../components/cilium/chart-keys.ts";
import { ciliumKinds } from "../../components/cilium/crd-schemas.ts";
import { record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { gatewayVersions } from "./gateway-shapes.ts";
import { allObjects, flaw, type Placed, shown } from "./objects.ts";

/** Kubernetes apimachinery meta/v1 ObjectMeta. */
const metadataFields = [
  "name",
  "namespace",
  "labels",
  "annotations",
  "generateName",
  "finalizers",
  "ownerReferences",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "selfLink",
  "managedFields",
];

/** Judged by the rules on policies. */
const policies = ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "NetworkPolicy"];

/** The group of each kind that these rules know. */
function groupOf(cilium: string, kind: string): string | undefined {
  if (kind === "Ingress") return "networking.k8s.io";
  if (kind === "Service") return "";
  if (kind in gatewayVersions) return "gateway.networking.k8s.io";
  return ciliumKinds(cilium).some((entry) => entry.kind === kind) ? "cilium.io" : undefined;
}

/** Groups that people write for one another by mistake; other software has kinds of the same names in groups of its own. */
const confused = ["", "networking.k8s.io", "gateway.networking.k8s.io", "cilium.io", "apps"];

const judged = (subject: ObjectsSubject) =>
  allObjects(subject).filter(
    ({ kind, group }) => !policies.includes(kind) && groupOf(subject.cilium, kind) === group && kind !== "",
  );

function groupProblem({ cilium }: ObjectsSubject, placed: Placed): Violation | undefined {
  const group = groupOf(cilium, placed.kind);
  if (group === undefined || group === placed.group || policies.includes(placed.kind)) return undefined;
  if (placed.kind === "Ingress" && placed.group === "extensions") return undefined;
  const near = closest(placed.group, [group], 4) !== undefined;
  if (!confused.includes(placed.group) && !near) return undefined;
  return flaw(
    placed,
    ["apiVersion"],
    `${placed.kind} is not of ${shown(placed.object.apiVersion)}.`,
    `Write apiVersion: ${group === "" ? "v1" : `${group}/${version(cilium, placed.kind)}`}.`,
  );
}

function version(cilium: string, kind: string): string {
  const versions =
    gatewayVersions[kind] ?? ciliumKinds(cilium).flatMap((entry) => (entry.kind === kind ? [entry.version] : []));
  return versions[0] ?? "v1";
}

export const metadataRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1491",
    severity: "error",
    title: "Every object has a name, and metadata that Kubernetes knows.",
    korean: "오브젝트에는 이름이 있어야 하고, metadata의 필드는 쿠버네티스에 있는 것이어야 합니다.",
    reason:
      "The API server refuses an object without a name and drops unknown metadata (Kubernetes meta/v1 ObjectMeta).",
    check: (subject) =>
      judged(subject).flatMap((placed) => {
        const metadata = record(placed.object.metadata);
        if (placed.object.metadata === undefined) return [];
        return [
          ...Object.keys(metadata)
            .filter((name) => !metadataFields.includes(name))
            .map((name) =>
              flaw(
                placed,
                ["metadata", name],
                `There is no metadata field ${name}; the API server drops it.`,
                `Write ${closest(name, metadataFields, 3) ?? "it below labels or annotations"}.`,
              ),
            ),
          ...(metadata.name === undefined && metadata.generateName === undefined
            ? [flaw(placed, ["metadata"], `The ${placed.kind} has no name.`, "Write metadata.name.")]
            : []),
          ...["name", "namespace"]
            .filter((name) => metadata[name] !== undefined && typeof metadata[name] !== "string")
            .map((name) =>
              flaw(
                placed,
                ["metadata", name],
                `${name} is ${shown(metadata[name])}, which is no text.`,
                `Write ${name}: "${shown(metadata[name])}", with quotes.`,
              ),
            ),
        ];
      }),
  },
  {
    code: "GB-1492",
    severity: "error",
    title: "Every kind is written with its own API group.",
    korean: "오브젝트의 apiVersion은 그 종류가 속한 API 그룹이어야 합니다.",
    reason: "The API server refuses a kind in a group that does not have it.",
    check: (subject) => allObjects(subject).flatMap((placed) => groupProblem(subject, placed) ?? []),
  },
];
