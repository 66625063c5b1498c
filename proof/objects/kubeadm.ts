import { closest } from "../../components/cilium/chart-keys.ts";
import { isRecord } from "../../components/config/untyped.ts";
import type { Rule, Violation } from "../rule.ts";
import { type KubeadmSubject, kubeadmDocuments, valueAt } from "./kubeadm-documents.ts";
import { kubeadmNetworkRules } from "./kubeadm-network.ts";
import { type Fields, kubeadmKinds } from "./kubeadm-shapes.ts";
import { text } from "./objects.ts";

type Path = readonly (string | number)[];

/** Kubernetes minor that the documents are for, e.g. 33 of `v1.33.2` or `stable-1.33`. */
function kubernetesMinor(subject: KubeadmSubject): number | undefined {
  for (const { document } of kubeadmDocuments(subject, "ClusterConfiguration")) {
    const found = /(?:^|v|-)1\.(\d+)/.exec(text(document.kubernetesVersion))?.[1];
    if (found !== undefined) return Number(found);
  }
  return undefined;
}

/** `v1beta3` is deprecated from 1.31 and gone with 1.37; `v1beta2` went with 1.27 (kubeadm's CHANGELOG of these releases). */
function outdated(subject: KubeadmSubject, severity: "error" | "warning"): Violation[] {
  const minor = kubernetesMinor(subject);
  return kubeadmDocuments(subject).flatMap(({ index, version }) => {
    const old = /^v1(?:alpha\d|beta[12])$/.test(version);
    const gone =
      version === "v1beta3" ? minor !== undefined && minor >= 37 : old && (minor === undefined || minor >= 27);
    const deprecated = version === "v1beta3" && !gone && (minor === undefined || minor >= 31);
    if (severity === "error" ? !gone : !deprecated) return [];
    const since =
      version === "v1beta3" ? "is deprecated since Kubernetes 1.31 and gone in 1.37" : "is gone since Kubernetes 1.27";
    return [
      {
        path: [index, "apiVersion"],
        message: `kubeadm.k8s.io/${version} ${since}.`,
        fix: "Write kubeadm.k8s.io/v1beta4; `kubeadm config migrate --old-config FILE` does it, extraArgs become lists of name and value.",
      },
    ];
  });
}

/** Every place that holds extra arguments: component, etcd, kubelet. */
function argumentPlaces(subject: KubeadmSubject) {
  const places: Path[] = [
    ["apiServer", "extraArgs"],
    ["controllerManager", "extraArgs"],
    ["scheduler", "extraArgs"],
    ["etcd", "local", "extraArgs"],
    ["nodeRegistration", "kubeletExtraArgs"],
  ];
  return kubeadmDocuments(subject).flatMap(({ document, index, version }) =>
    places.flatMap((place) => {
      const value = valueAt(document, ...place);
      return value === undefined || value === null
        ? []
        : [{ value, version, path: [index, ...place], name: place.join(".") }];
    }),
  );
}

function unknownFields(value: unknown, fields: Fields, path: Path): { path: Path; field: string; known: string[] }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => unknownFields(item, fields, [...path, index]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([field, inner]) => {
    const shape = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (shape === undefined) return [{ path: [...path, field], field, known: Object.keys(fields) }];
    return shape === true ? [] : unknownFields(inner, shape, [...path, field]);
  });
}

const reference = "kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4";

export const kubeadmRules: readonly Rule<KubeadmSubject>[] = [
  {
    code: "GB-1501",
    severity: "error",
    title: "kubeadm's documents have an API version that kubeadm still reads.",
    korean: "kubeadm 문서의 apiVersion은 해당 kubeadm이 읽을 수 있어야 합니다.",
    reason: "kubeadm refuses a removed version before it does anything (kubeadm CHANGELOG 1.27 and 1.37).",
    check: (subject) => outdated(subject, "error"),
  },
  {
    code: "GB-1502",
    severity: "warning",
    title: "kubeadm's documents have the current API version.",
    korean: "kubeadm 문서는 현재 apiVersion(v1beta4)으로 쓰는 것이 좋습니다.",
    reason: `v1beta3 still works before Kubernetes 1.37 and is deprecated from 1.31 (${reference}).`,
    check: (subject) => outdated(subject, "warning"),
  },
  {
    code: "GB-1503",
    severity: "error",
    title: "Extra arguments have the form of their API version.",
    korean: "extraArgs는 API 버전에 맞는 형식이어야 합니다(v1beta4는 name·value 목록, v1beta3는 맵).",
    reason: `v1beta4 made them lists so that a flag may repeat; the other form does not decode (${reference}).`,
    check: (subject) =>
      argumentPlaces(subject).flatMap(({ value, version, path, name }): Violation[] => {
        if (version === "v1beta4" && isRecord(value)) {
          const [first = "name", content = ""] = Object.entries(value)[0] ?? [];
          return [
            {
              path,
              message: `${name} is a map; v1beta4 reads a list.`,
              fix: `Write "- name: ${first}" and below it "value: ${JSON.stringify(String(content))}", one item per flag.`,
            },
          ];
        }
        if (version === "v1beta3" && Array.isArray(value)) {
          return [
            {
              path,
              message: `${name} is a list; v1beta3 reads a map.`,
              fix: "Write kubeadm.k8s.io/v1beta4, or `flag: value` lines.",
            },
          ];
        }
        return [];
      }),
  },
  {
    code: "GB-1504",
    severity: "error",
    title: "Extra arguments are text, and their names have no dashes in front.",
    korean: "extraArgs의 값은 문자열이어야 하고 이름 앞에 대시(--)를 붙이지 않습니다.",
    reason: `kubeadm decodes names and values as strings and puts the dashes there itself (${reference}).`,
    check: (subject) =>
      argumentPlaces(subject).flatMap(({ value, path, name }) =>
        (Array.isArray(value)
          ? value.map((item: unknown, index) => ({
              key: valueAt(item, "name"),
              value: valueAt(item, "value"),
              step: index,
            }))
          : Object.entries(isRecord(value) ? value : {}).map(([key, inner]) => ({ key, value: inner, step: key }))
        ).flatMap(({ key, value: content, step }): Violation[] => {
          const at = [...path, step];
          if (typeof key === "string" && key.startsWith("-")) {
            return [
              { path: at, message: `${name} names "${key}" with dashes.`, fix: `Write "${key.replace(/^-+/, "")}".` },
            ];
          }
          return typeof content === "number" || typeof content === "boolean"
            ? [
                {
                  path: at,
                  message: `${name} gives ${String(key)} the ${typeof content} ${String(content)}; kubeadm reads text only.`,
                  fix: `Quote it: "${String(content)}".`,
                },
              ]
            : [];
        }),
      ),
  },
  {
    code: "GB-1505",
    severity: "error",
    title: "kubeadm's documents have no unknown kinds or fields.",
    korean: "kubeadm 문서에는 알 수 없는 kind나 필드가 없어야 합니다.",
    reason: `kubeadm only warns about an unknown field and goes on without it (${reference}).`,
    check: (subject) =>
      kubeadmDocuments(subject).flatMap(({ document, index, version, kind }): Violation[] => {
        const kinds = kubeadmKinds(version);
        if (!kinds || ["UpgradeConfiguration", "ResetConfiguration", "ClusterStatus"].includes(kind)) return [];
        const fields = kinds[kind];
        if (!fields) {
          const near = closest(kind, Object.keys(kinds), 6);
          return [
            {
              path: [index, "kind"],
              message: `kubeadm.k8s.io/${version} has no kind ${kind}.`,
              fix: near === undefined ? `Write one of ${Object.keys(kinds).join(", ")}.` : `Did you mean ${near}?`,
            },
          ];
        }
        return unknownFields(document, fields, [index]).map(({ path, field, known }) => {
          const near = closest(field, known, Math.max(2, Math.floor(field.length / 3)));
          return {
            path,
            message: `${kind} of ${version} has no field ${path.slice(1).join(".")}; kubeadm would go on without it.`,
            fix: near === undefined ? `Known here: ${known.join(", ")}.` : `Did you mean ${near}?`,
          };
        });
      }),
  },
  {
    code: "GB-1506",
    severity: "error",
    title: "kubernetesVersion is text.",
    korean: "kubernetesVersion은 문자열이어야 합니다.",
    reason: `An unquoted 1.30 is the number 1.3 in YAML, and kubeadm reads a string (${reference}).`,
    check: (subject) =>
      kubeadmDocuments(subject, "ClusterConfiguration").flatMap(({ document, index }) =>
        typeof document.kubernetesVersion === "number"
          ? [
              {
                path: [index, "kubernetesVersion"],
                message: `kubernetesVersion is the number ${document.kubernetesVersion}.`,
                fix: 'Quote it and write the patch, e.g. "v1.36.4".',
              },
            ]
          : [],
      ),
  },
  {
    code: "GB-1507",
    severity: "error",
    title: "etcd is either local or external.",
    korean: "etcd는 local과 external 중 하나만 써야 합니다.",
    reason: `kubeadm's validation refuses both together (${reference}, Etcd).`,
    check: (subject) =>
      kubeadmDocuments(subject, "ClusterConfiguration").flatMap(({ document, index }) =>
        isRecord(valueAt(document, "etcd", "local")) && isRecord(valueAt(document, "etcd", "external"))
          ? [
              {
                path: [index, "etcd"],
                message: "etcd has both local and external.",
                fix: "Keep external.endpoints with their certificates, or local.",
              },
            ]
          : [],
      ),
  },
  {
    code: "GB-1508",
    severity: "error",
    title: "The container runtime's socket is one that kubelet still speaks to.",
    korean: "criSocket은 kubelet이 지원하는 런타임 소켓이어야 합니다.",
    reason: "dockershim left with Kubernetes 1.24 (kubernetes.io/blog/2022/02/17/dockershim-faq).",
    check: (subject) =>
      kubeadmDocuments(subject, "InitConfiguration", "JoinConfiguration").flatMap(({ document, index }) => {
        const socket = valueAt(document, "nodeRegistration", "criSocket");
        return typeof socket === "string" && /dockershim/.test(socket)
          ? [
              {
                path: [index, "nodeRegistration", "criSocket"],
                message: `criSocket is ${socket}, which left with Kubernetes 1.24.`,
                fix: "Write unix:///run/containerd/containerd.sock.",
              },
            ]
          : [];
      }),
  },
  ...kubeadmNetworkRules,
];
