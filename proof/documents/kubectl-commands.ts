import { closest } from "../../components/cilium/chart-keys.ts";
import { ciliumKinds } from "../../components/cilium/crd-schemas.ts";
import { isRecord } from "../../components/config/untyped.ts";
import type { Rule } from "../rule.ts";
import { type CommandsSubject, eachCall } from "./each-call.ts";
import { flagValues, type ToolCall } from "./tools.ts";
import { parseYaml } from "./yaml-text.ts";

const verbs = [
  "get",
  "describe",
  "delete",
  "edit",
  "patch",
  "annotate",
  "label",
  "wait",
  "rollout",
  "logs",
  "set",
  "scale",
  "exec",
];
const flagsWithValue =
  /^(?:-[nlofpc]|--(?:namespace|selector|output|filename|context|kubeconfig|container|field-selector|type|patch|cluster|user|tail))$/;

/** Resources that a kubectl call names: `get pods,svc` and `ds/cilium` alike; `kind` in lower case, as written. */
function resources({ args }: ToolCall): { kind: string; name: string | undefined }[] {
  const verb = args.findIndex((arg, index) => verbs.includes(arg) && !flagsWithValue.test(args[index - 1] ?? ""));
  if (verb === -1) return [];
  const end = args.indexOf("--");
  const words = args
    .slice(verb + 1, end === -1 ? undefined : end)
    .filter((arg, index, all) => !arg.startsWith("-") && !flagsWithValue.test(all[index - 1] ?? ""));
  const [first = "", ...rest] = args[verb] === "rollout" || args[verb] === "set" ? words.slice(1) : words;
  if (first.includes("/")) {
    return [first, ...rest].flatMap((word) => {
      const [kind = "", name] = word.split("/");
      return name === undefined ? [] : [{ kind: kind.toLowerCase(), name }];
    });
  }
  return first.split(",").map((kind) => ({ kind: kind.toLowerCase().split(".")[0] ?? "", name: rest[0] }));
}

/** Names by which the API server knows Cilium's kinds: singular, plural; kinds of releases before 1.20 as well. */
function kindNames(cilium: string): string[] {
  const kinds = ciliumKinds(cilium).map(({ kind }) => kind.toLowerCase());
  const older = [
    "ciliumbgppeeringpolicy",
    "ciliumexternalworkload",
    "ciliumnodeconfig",
    "ciliumendpointslice",
    "ciliumvteppolicy",
  ];
  return [...new Set([...kinds, ...older])]
    .flatMap((kind) => [kind, plural(kind)])
    .concat("ciliumnp", "ciliumid", "ciliumn");
}

function plural(kind: string): string {
  if (kind.endsWith("y")) return `${kind.slice(0, -1)}ies`;
  return kind.endsWith("s") ? `${kind}es` : `${kind}s`;
}

/** What guides look for and no Cilium ever made. */
const phantoms: readonly { kind: RegExp; name: RegExp; message: string; fix: string }[] = [
  {
    kind: /^deploy/,
    name: /^cilium-ingress$/,
    message: "There is no Deployment cilium-ingress.",
    fix: "Ingress runs in the DaemonSet cilium-envoy and is steered by the Deployment cilium-operator; restart those.",
  },
  {
    kind: /^deploy/,
    name: /^cilium-gateway/,
    message: "There is no Deployment cilium-gateway.",
    fix: "Gateways run in the DaemonSet cilium-envoy and are steered by the Deployment cilium-operator; restart those.",
  },
  {
    kind: /^secret/,
    name: /^cilium-wireguard/,
    message: "There is no Secret for WireGuard keys: each node makes its own and keeps it in a file.",
    fix: "Read the public key from the CiliumNode's annotation network.cilium.io/wg-pub-key.",
  },
];

/** A patch in JSON or YAML on the command line. */
function patchOf(call: ToolCall): unknown {
  const text =
    flagValues(call, "-p", "--patch")[0] ??
    call.args
      .find((arg) => arg.startsWith("-p"))
      ?.slice(2)
      .replace(/^=/, "");
  return text === undefined ? undefined : parseYaml(text).documents[0]?.value;
}

const policyKinds = /^(?:cnp|ccnp|ciliumnp|cilium(?:clusterwide)?networkpolic(?:y|ies))$/;
const policyFields =
  "description endpointSelector nodeSelector ingress ingressDeny egress egressDeny enableDefaultDeny labels log".split(
    " ",
  );

export const kubectlRules: readonly Rule<CommandsSubject>[] = [
  {
    code: "GB-1741",
    severity: "error",
    title: "kubectl asks for kinds that exist.",
    korean: "kubectl은 존재하는 Cilium 리소스 종류만 조회해야 합니다.",
    reason: "The API server answers an unknown resource type with an error (CRDs of the Cilium version).",
    check: (subject) => {
      const known = kindNames(subject.cilium);
      return eachCall(subject, "kubectl", (call) =>
        resources(call)
          .filter(({ kind }) => /^cilium[a-z0-9]+$/.test(kind) && !known.includes(kind))
          .map(({ kind }) => {
            const near =
              /polic/.test(kind) && !/bgp|egress|l2|redirect/.test(kind)
                ? "ciliumnetworkpolicies (cnp) or ciliumclusterwidenetworkpolicies (ccnp)"
                : closest(kind, known);
            return {
              message: `There is no resource type "${kind}" in Cilium ${subject.cilium}.`,
              fix: near === undefined ? "`kubectl api-resources --api-group=cilium.io` lists them." : `Write ${near}.`,
            };
          }),
      );
    },
  },
  {
    code: "GB-1742",
    severity: "error",
    title: "kubectl asks for objects that Cilium makes.",
    korean: "Cilium이 만들지 않는 Deployment·Secret·레이블을 찾지 않습니다.",
    reason:
      "L7 runs in cilium-envoy, control in cilium-operator (templates of the chart); WireGuard keys are no Secret (pkg/wireguard/agent).",
    check: (subject) =>
      eachCall(subject, "kubectl", (call) => {
        const named = phantoms.filter(({ kind, name }) =>
          resources(call).some((each) => kind.test(each.kind) && name.test(each.name ?? "")),
        );
        const label = flagValues(call, "-l", "--selector").find((each) =>
          /^app\.kubernetes\.io\/name=cilium-(?:ingress|gateway)$/.test(each),
        );
        return [
          ...named.map(({ message, fix }) => ({ message, fix })),
          ...(label === undefined
            ? []
            : [
                {
                  message: `No pod has the label ${label}.`,
                  fix: "Look at the pods with k8s-app=cilium-envoy, and at the logs of cilium-operator.",
                },
              ]),
        ];
      }),
  },
  {
    code: "GB-1746",
    severity: "warning",
    title: "What Helm owns is changed by values.",
    korean: "Helm이 관리하는 오브젝트는 values로 바꿔야 합니다.",
    reason: "The next helm upgrade writes the DaemonSet again from its values (three-way merge of Helm 3).",
    check: (subject) =>
      eachCall(subject, "kubectl", (call) => {
        const changes = call.args.includes("patch") || (call.args.includes("set") && !call.args.includes("get"));
        const owned = resources(call).some(({ kind, name }) => /^(?:ds|daemonsets?)$/.test(kind) && name === "cilium");
        // A node selector is the documented way to keep agents off nodes while migrating.
        const patch = JSON.stringify(patchOf(call) ?? "");
        return changes &&
          owned &&
          /resources|image|args|env/.test(`${patch} ${call.args.join(" ")}`) &&
          !/nodeSelector/.test(patch)
          ? {
              message: "The DaemonSet cilium belongs to the Helm release; the patch is gone with the next upgrade.",
              fix: "Write the chart's values instead: resources, extraArgs, extraEnv, image.",
            }
          : undefined;
      }),
  },
  {
    code: "GB-1747",
    severity: "error",
    title: "Policies get fields and annotations that exist.",
    korean: "정책에는 존재하는 필드와 어노테이션만 써야 합니다.",
    reason:
      "Unknown fields are dropped without a word, and no annotation orders policies: deny beats allow (pkg/policy/api, pkg/annotation).",
    check: (subject) =>
      eachCall(subject, "kubectl", (call) => {
        if (!resources(call).some(({ kind }) => policyKinds.test(kind))) return [];
        const annotation = call.args.find((arg) => arg.startsWith("policy.cilium.io/priority="));
        const patch = call.args.includes("patch") ? patchOf(call) : undefined;
        const spec = isRecord(patch) && isRecord(patch.spec) ? Object.keys(patch.spec) : [];
        return [
          ...(annotation === undefined
            ? []
            : [
                {
                  message: `Cilium reads no annotation ${annotation.split("=")[0]}.`,
                  fix: "Policies have no order; write a deny rule, which beats every allow.",
                },
              ]),
          ...spec
            .filter((field) => !policyFields.includes(field))
            .map((field) => ({
              message: `A policy has no field spec.${field}.`,
              fix: /enforce|audit/i.test(field)
                ? "Write enableDefaultDeny: {ingress: false, egress: false} to watch first, or policyAuditMode for the whole agent."
                : `Known here: ${policyFields.join(", ")}.`,
            })),
        ];
      }),
  },
  {
    code: "GB-1749",
    severity: "warning",
    title: "kube-proxy is removed whole.",
    korean: "kube-proxy를 지울 때는 ConfigMap까지 지워야 합니다.",
    reason:
      "kubeadm upgrade brings it back while its ConfigMap is there (Documentation/network/kubernetes/kubeproxy-free.rst).",
    check: (subject) => {
      const removes = (call: ToolCall, kind: RegExp) =>
        call.args.includes("delete") &&
        resources(call).some((each) => kind.test(each.kind) && each.name === "kube-proxy");
      const whole = subject.calls.some((call) => call.tool === "kubectl" && removes(call, /^(?:cm|configmaps?)$/));
      return whole
        ? []
        : eachCall(subject, "kubectl", (call) =>
            removes(call, /^(?:ds|daemonsets?)$/)
              ? {
                  message: "The DaemonSet goes, but its ConfigMap stays, and so do the iptables rules.",
                  fix: "Also write kubectl -n kube-system delete configmap kube-proxy, and drop the KUBE- chains on each node.",
                }
              : undefined,
          );
    },
  },
  {
    code: "GB-1751",
    severity: "warning",
    title: "An Ingress names its class in its spec.",
    korean: "Ingress 클래스는 spec.ingressClassName에 씁니다.",
    reason: "The annotation kubernetes.io/ingress.class is deprecated since Kubernetes 1.18 (kubernetes.io, Ingress).",
    check: (subject) =>
      eachCall(subject, "kubectl", (call) =>
        call.args.some((arg) => arg.includes("kubernetes.io/ingress.class"))
          ? {
              message: "It sets the annotation kubernetes.io/ingress.class.",
              fix: "Write spec.ingressClassName: cilium.",
            }
          : undefined,
      ),
  },
];
