import { closest } from "../../components/cilium/chart-keys.ts";
import { ciliumKinds } from "../../components/cilium/crd-schemas.ts";
import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Violation } from "../rule.ts";
import { blockRange, overlapping } from "./address-range.ts";
import { egressAndRedirectRules } from "./egress-and-redirect.ts";
import { ipsecSecretRules } from "./ipsec-secret.ts";
import { metadataRules } from "./metadata.ts";
import {
  allObjects,
  chartValues,
  definitionProblems,
  firstOfEachName,
  flaw,
  knownOnly,
  minorOf,
  objectsOf,
  type Placed,
  schemaViolations,
  text,
  words,
} from "./objects.ts";
import { selectorProblems, selectorsIn } from "./selector.ts";
import { described, pastOf, served } from "./served-kinds.ts";

/** Judged by rules of their own, schema included. */
const elsewhere = [
  "CiliumNetworkPolicy",
  "CiliumClusterwideNetworkPolicy",
  "CiliumBGPClusterConfig",
  "CiliumBGPPeerConfig",
  "CiliumBGPAdvertisement",
  "CiliumBGPNodeConfig",
  "CiliumBGPNodeConfigOverride",
  "CiliumLoadBalancerIPPool",
  "CiliumL2AnnouncementPolicy",
  "CiliumEnvoyConfig",
  "CiliumClusterwideEnvoyConfig",
];
const policyKinds = ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"];

/** Kinds of the same group that other software registers: Tetragon's. */
const foreign = ["TracingPolicy", "TracingPolicyNamespaced", "PodInfo"];

/** Fields by the first minor that has them (1.18.11, 1.19.5 and 1.20.2 compared). */
const newGatewayFields = ["httpOptions", "telemetry"];

const ours = (subject: ObjectsSubject) =>
  allObjects(subject).filter(
    ({ group, kind }) => group === "cilium.io" && !foreign.includes(kind) && !policyKinds.includes(kind),
  );

function unserved({ cilium }: ObjectsSubject, placed: Placed): Violation | undefined {
  if (served(cilium, placed)) return undefined;
  const gone = pastOf(placed);
  if (gone !== undefined) {
    return flaw(
      placed,
      ["apiVersion"],
      `${placed.kind} of cilium.io/${placed.version} left Cilium with 1.${gone.gone}; ${cilium} does not know it.`,
      `Write ${gone.instead}.`,
    );
  }
  const kinds = ciliumKinds(cilium);
  const versions = kinds.filter(({ kind }) => kind === placed.kind).map(({ version }) => `cilium.io/${version}`);
  if (versions.length > 0) {
    return flaw(
      placed,
      ["apiVersion"],
      `Cilium ${cilium} serves ${placed.kind} as ${words(versions)}, not as cilium.io/${placed.version}.`,
      `Write apiVersion: ${versions[0] ?? ""}.`,
    );
  }
  const near = closest(
    placed.kind,
    kinds.map(({ kind }) => kind),
    5,
  );
  return flaw(
    placed,
    ["kind"],
    `Cilium ${cilium} has no kind ${placed.kind}.`,
    near === undefined ? "Take it out." : `Write kind: ${near}.`,
  );
}

/** Parts of a CiliumGatewayClassConfig that came with 1.20. */
function tooNew({ cilium }: ObjectsSubject, placed: Placed): Violation[] {
  if (placed.kind !== "CiliumGatewayClassConfig" || minorOf(cilium) >= 20) return [];
  return newGatewayFields
    .filter((field) => field in placed.spec)
    .map((field) =>
      flaw(placed, ["spec", field], `${field} came with 1.20; ${cilium} drops it.`, "Take it out, or use Cilium 1.20."),
    );
}

export const ciliumKindRules = knownOnly([
  {
    code: "GB-1471",
    severity: "error",
    title: "Objects of cilium.io have a kind and version that this Cilium serves.",
    korean: "cilium.io 오브젝트의 종류와 버전은 해당 Cilium이 제공하는 것이어야 합니다.",
    reason:
      "The API server refuses what no resource definition describes (cilium pkg/k8s/apis/cilium.io/client/crds, Documentation/operations/upgrade.rst).",
    check: (subject) => ours(subject).flatMap((placed) => unserved(subject, placed) ?? []),
  },
  {
    code: "GB-1472",
    severity: "warning",
    title: "Objects of cilium.io have the version that stays.",
    korean: "cilium.io 오브젝트는 앞으로도 남을 버전을 써야 합니다.",
    reason:
      "The definitions mark the older version as deprecated; a later Cilium refuses it (cilium pkg/k8s/apis/cilium.io/client/crds).",
    check: (subject) =>
      ours(subject).flatMap((placed) => {
        const old = pastOf(placed);
        return old === undefined || old.deprecated > minorOf(subject.cilium) || !served(subject.cilium, placed)
          ? []
          : [
              flaw(
                placed,
                ["apiVersion"],
                `${placed.kind} of cilium.io/${placed.version} is deprecated.`,
                `Write ${old.instead.startsWith("cilium.io/") ? `apiVersion: ${old.instead}` : old.instead}.`,
              ),
            ];
      }),
  },
  {
    code: "GB-1473",
    severity: "error",
    title: "Objects of cilium.io have the fields and values of their resource definition.",
    korean: "cilium.io 오브젝트의 필드와 값은 리소스 정의(CRD)와 맞아야 합니다.",
    reason:
      "The API server refuses wrong values and silently drops unknown fields (cilium pkg/k8s/apis/cilium.io/client/crds).",
    check: (subject) =>
      ours(subject)
        .filter((placed) => !elsewhere.includes(placed.kind))
        .filter((placed) => served(subject.cilium, placed) && described(subject.cilium, placed))
        .flatMap((placed) => [
          ...schemaViolations(placed, definitionProblems(subject, placed)),
          ...tooNew(subject, placed),
        ]),
  },
  {
    code: "GB-1474",
    severity: "error",
    title: "Label selectors are valid.",
    korean: "레이블 selector는 올바른 형식이어야 합니다.",
    reason:
      "The schema admits them, the reader does not: In without values, Exists with values and bad keys make the whole selector, and often the object, void (k8s.io/apimachinery LabelSelectorAsSelector).",
    check: (subject) =>
      ours(subject).flatMap((placed) =>
        selectorsIn(placed.spec, ["spec"])
          .filter(({ path }) => !path.includes("resources"))
          .flatMap(({ path, selector }) =>
            selectorProblems(selector).map((problem) =>
              flaw(placed, [...path, ...problem.path], problem.message, problem.fix),
            ),
          ),
      ),
  },
  {
    code: "GB-1475",
    severity: "error",
    title: "A node's configuration uses the names of the agent's options.",
    korean: "CiliumNodeConfig의 키는 에이전트 옵션 이름이어야 합니다.",
    reason:
      "Its defaults are keys of the ConfigMap cilium-config, such as enable-bpf-masquerade; Helm's names do nothing there (Documentation/configuration/per-node-config.rst).",
    check: (subject) =>
      objectsOf(subject, "cilium.io", ["CiliumNodeConfig"]).flatMap((placed) =>
        Object.keys(record(placed.spec.defaults))
          .filter((key) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(key))
          .map((key) =>
            flaw(
              placed,
              ["spec", "defaults", key],
              `${key} is no option of the agent; they are written in small letters with hyphens.`,
              `Write ${optionName(key)} if that is in the ConfigMap cilium-config.`,
            ),
          ),
      ),
  },
  {
    code: "GB-1476",
    severity: "error",
    title: "Pod pools hold at least one node's block and share no address.",
    korean: "CiliumPodIPPool은 노드 블록 하나 이상을 담아야 하고 서로 겹치면 안 됩니다.",
    reason:
      "A node gets blocks of maskSize from the pool's cidrs; a smaller cidr cannot be divided, and an address in two pools is given out twice (Documentation/network/concepts/ipam/multi-pool.rst).",
    check: (subject) => {
      const blocks = firstOfEachName(objectsOf(subject, "cilium.io", ["CiliumPodIPPool"])).flatMap((placed) =>
        ["ipv4", "ipv6"].flatMap((family) => {
          const { cidrs, maskSize } = record(placed.spec[family]);
          return list(cidrs).flatMap((entry, at) => {
            const cidr = text(entry);
            const range = blockRange(cidr);
            const path = ["spec", family, "cidrs", at];
            return range === undefined ? [] : [{ placed, path, cidr, range, maskSize, family }];
          });
        }),
      );
      return [
        ...blocks.flatMap(({ placed, path, cidr, range, maskSize, family }) => {
          if (range.family !== (family === "ipv4" ? 4 : 6)) {
            return [flaw(placed, path, `${cidr} stands below ${family}.`, "Write it below the other family.")];
          }
          const length = cidr.split("/")[1] ?? "";
          return typeof maskSize === "number" && Number(length) > maskSize
            ? [
                flaw(
                  placed,
                  path,
                  `${cidr} is smaller than a node's block of /${maskSize}.`,
                  `Write maskSize: ${length} or more, or a larger block.`,
                ),
              ]
            : [];
        }),
        ...overlapping(blocks).map(({ item, other }) =>
          flaw(
            item.placed,
            item.path,
            `${item.cidr} shares addresses with ${other.cidr} of pool ${other.placed.name}.`,
            "Write blocks that share no address.",
          ),
        ),
      ];
    },
  },
  {
    code: "GB-1477",
    severity: "error",
    title: "Objects are used with the Helm values that make Cilium read them.",
    korean: "오브젝트를 읽게 하는 Helm 값이 켜져 있어야 합니다.",
    reason: "Without the feature nobody reads the object (Documentation of each feature, Prerequisites).",
    check: (subject) => {
      const values = chartValues(subject);
      if (values === undefined) return [];
      return needs.flatMap(({ kind, value, holds }) =>
        holds(subject, (path) => values.text(path))
          ? []
          : objectsOf(subject, "cilium.io", [kind])
              .slice(0, 1)
              .map((placed) =>
                flaw(
                  placed,
                  ["kind"],
                  `${kind} ${placed.name} does nothing without ${value}.`,
                  `Write ${value} in the Helm values.`,
                ),
              ),
      );
    },
  },
  ...egressAndRedirectRules,
  ...ipsecSecretRules,
  ...metadataRules,
]);

/** `enable-bpf-masquerade` of `enableBpfMasquerade` or `enable.bpf_masquerade`. */
function optionName(key: string): string {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll(/[._]/g, "-")
    .toLowerCase();
}

interface Need {
  readonly kind: string;
  readonly value: string;
  readonly holds: (subject: ObjectsSubject, read: (path: string) => string) => boolean;
}

const needs: readonly Need[] = [
  {
    kind: "CiliumEgressGatewayPolicy",
    value: "egressGateway.enabled: true",
    holds: (_, read) => read("egressGateway.enabled") === "true",
  },
  {
    kind: "CiliumEgressGatewayPolicy",
    value: "bpf.masquerade: true",
    holds: (_, read) => read("bpf.masquerade") === "true",
  },
  {
    kind: "CiliumEgressGatewayPolicy",
    value: "kubeProxyReplacement: true",
    holds: (_, read) => read("kubeProxyReplacement") === "true",
  },
  {
    kind: "CiliumLocalRedirectPolicy",
    value: "localRedirectPolicies.enabled: true",
    holds: (_, read) => read("localRedirectPolicy") === "true" || read("localRedirectPolicies.enabled") === "true",
  },
  {
    kind: "CiliumPodIPPool",
    value: "ipam.mode: multi-pool",
    holds: (_, read) => read("ipam.mode") === "multi-pool",
  },
];
