import { closest } from "../../components/cilium/chart-keys.ts";
import { SchemaWalker } from "../../components/cilium/schema-walker.ts";
import type { ObjectsSubject, Violation } from "../rule.ts";
import {
  allObjects,
  chartValues,
  flaw,
  knownOnly,
  objectsOf,
  type Placed,
  records,
  repeated,
  schemaViolations,
  shown,
  text,
  words,
} from "./objects.ts";
import { serviceAddressRules } from "./service-addresses.ts";
import { annotationOf as read, serviceAnnotations, servicePrefixes, writtenByCilium } from "./service-annotations.ts";
import { service as serviceShape } from "./shapes.ts";

/** Judged by the rules on policies. */
const policies = ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "NetworkPolicy"];

const services = (subject: ObjectsSubject) => objectsOf(subject, "", ["Service"]);

const isGlobal = (placed: Placed) => read(placed, "service.cilium.io/global")?.toLowerCase() === "true";

function annotationValue(placed: Placed, key: string, value: string): Violation | undefined {
  const known = serviceAnnotations.find(({ name, alias }) => name === key || alias === key);
  if (known?.values === undefined) return undefined;
  const compared = known.exact ? value : value.toLowerCase();
  return known.values.includes(compared)
    ? undefined
    : flaw(
        placed,
        ["metadata", "annotations", key],
        `${key} is "${value}", which Cilium does not know.`,
        `Write ${words(known.values.filter((allowed) => allowed !== "").map((allowed) => `"${allowed}"`))}.`,
      );
}

export const serviceRules = knownOnly([
  {
    code: "GB-1451",
    severity: "error",
    title: "Annotations of Cilium on Services have names that Cilium reads.",
    korean: "서비스의 Cilium 애너테이션 이름은 Cilium이 읽는 이름이어야 합니다.",
    reason: "Others are ignored without a word (cilium pkg/annotation/k8s.go).",
    check: (subject) =>
      services(subject).flatMap((placed) =>
        Object.keys(placed.annotations)
          .filter((key) => servicePrefixes.some((prefix) => key.startsWith(prefix)) && !writtenByCilium.includes(key))
          .filter((key) => !serviceAnnotations.some(({ name, alias }) => name === key || alias === key))
          .flatMap((key) => {
            const names = serviceAnnotations.flatMap(({ name, alias }) =>
              alias === undefined ? [name] : [name, alias],
            );
            const near = closest(key, names, 6);
            // The bare prefix is also used for annotations of people's own.
            if (near === undefined && key.startsWith("io.cilium/")) return [];
            return [
              flaw(
                placed,
                ["metadata", "annotations", key],
                `Cilium does not read ${key} on a Service.`,
                near === undefined ? "Take it out." : `Did you mean ${near}?`,
              ),
            ];
          }),
      ),
  },
  {
    code: "GB-1452",
    severity: "error",
    title: "Annotations of Cilium on Services have values that Cilium understands.",
    korean: "서비스의 Cilium 애너테이션 값은 Cilium이 이해하는 값이어야 합니다.",
    reason:
      'Anything but "true" means false for switches, and unknown words mean the default (cilium pkg/annotation/clustermesh.go).',
    check: (subject) =>
      services(subject).flatMap((placed) =>
        Object.entries(placed.annotations).flatMap(([key, value]) =>
          typeof value === "string" ? (annotationValue(placed, key, value) ?? []) : [],
        ),
      ),
  },
  {
    code: "GB-1453",
    severity: "error",
    title: "Settings of a global Service stand on a global Service.",
    korean: "글로벌 서비스 설정은 service.cilium.io/global이 true인 서비스에만 의미가 있습니다.",
    reason:
      "affinity, shared and EndpointSlice synchronisation are ignored without service.cilium.io/global (cilium pkg/annotation/clustermesh.go).",
    check: (subject) =>
      services(subject)
        .filter((placed) => !isGlobal(placed))
        .flatMap((placed) =>
          Object.keys(placed.annotations)
            .filter((key) =>
              serviceAnnotations.some(({ name, alias, ofGlobal }) => ofGlobal && (name === key || alias === key)),
            )
            // On a Service that is switched off on purpose the rest may wait for it.
            .filter(() => read(placed, "service.cilium.io/global")?.toLowerCase() !== "false")
            .map((key) =>
              flaw(
                placed,
                ["metadata", "annotations", key],
                `${key} does nothing: Service ${placed.name} is not global.`,
                'Write service.cilium.io/global: "true" beside it, or take it out.',
              ),
            ),
        ),
  },
  {
    code: "GB-1454",
    severity: "warning",
    title: "Annotations of Cilium have their present names.",
    korean: "Cilium 애너테이션은 현재 이름을 써야 합니다.",
    reason: "The older names are read as aliases only (cilium pkg/annotation/k8s.go).",
    check: (subject) =>
      services(subject).flatMap((placed) =>
        serviceAnnotations.flatMap(({ name, alias }) =>
          alias !== undefined && alias in placed.annotations
            ? [flaw(placed, ["metadata", "annotations", alias], `${alias} is an old name.`, `Write ${name}.`)]
            : [],
        ),
      ),
  },
  {
    code: "GB-1459",
    severity: "error",
    title: "Services have the fields and values that the API server takes.",
    korean: "서비스의 필드와 값은 API 서버가 받아들이는 것이어야 합니다.",
    reason: "The API server refuses wrong values and drops unknown fields (Kubernetes core/v1 ServiceSpec).",
    check: (subject) =>
      services(subject).flatMap((placed) => {
        const { ports, type, externalTrafficPolicy, clusterIP } = placed.spec;
        const several = records(ports);
        if (placed.version !== "v1") {
          return [flaw(placed, ["apiVersion"], `There is no Service of ${placed.version}.`, "Write apiVersion: v1.")];
        }
        return [
          // Without a selector, too, it is a patch of another object.
          ...(placed.spec.selector !== undefined &&
          several.length === 0 &&
          type !== "ExternalName" &&
          clusterIP !== "None"
            ? [flaw(placed, ["spec"], `Service ${placed.name} has no ports.`, "Write ports: [{port: 80}].")]
            : []),
          ...schemaViolations(placed, new SchemaWalker([]).check(serviceShape, placed.object)),
          ...(several.length > 1
            ? several
                .filter(({ item }) => text(item.name) === "")
                .map(({ at, item }) =>
                  flaw(
                    placed,
                    ["spec", "ports", at],
                    `Port ${shown(item.port)} has no name, which several ports need.`,
                    "Write name.",
                  ),
                )
            : []),
          ...repeated(several, ({ item }) => `${shown(item.port)}/${text(item.protocol) || "TCP"}`).map(
            ({ at, item }) =>
              flaw(
                placed,
                ["spec", "ports", at],
                `Port ${shown(item.port)}/${text(item.protocol) || "TCP"} occurs twice.`,
                "Take one of them out, or write another port.",
              ),
          ),
          ...(text(externalTrafficPolicy) !== "" &&
          [undefined, "ClusterIP", "ExternalName"].includes(text(type) || undefined) &&
          placed.spec.externalIPs === undefined
            ? [
                flaw(
                  placed,
                  ["spec", "externalTrafficPolicy"],
                  `externalTrafficPolicy may not stand on a Service of type ${text(type) || "ClusterIP"}.`,
                  "Take it out, or write type: LoadBalancer or NodePort.",
                ),
              ]
            : []),
        ];
      }),
  },
  {
    code: "GB-1460",
    severity: "error",
    title: "Annotations and labels are text.",
    korean: "애너테이션과 레이블 값은 문자열이어야 합니다.",
    reason: "The API server refuses numbers, true and false there; YAML reads them so unless they are quoted.",
    check: (subject) =>
      allObjects(subject)
        .filter(({ kind }) => !policies.includes(kind))
        .flatMap((placed) =>
          (["annotations", "labels"] as const).flatMap((place) =>
            Object.entries(placed[place])
              .filter(([, value]) => typeof value !== "string")
              .map(([key, value]) =>
                flaw(
                  placed,
                  ["metadata", place, key],
                  `${key} is ${shown(value)}, which is no text.`,
                  `Write ${key}: "${shown(value)}", with quotes.`,
                ),
              ),
          ),
        ),
  },
  {
    code: "GB-1461",
    severity: "error",
    title: "Load balancing annotations have the Helm values they need.",
    korean: "서비스 애너테이션이 필요로 하는 Helm 값이 켜져 있어야 합니다.",
    reason:
      "The algorithm and the forwarding mode per Service are ignored without their switches, and L7 balancing without loadBalancer.l7.backend envoy (Documentation/network/kubernetes/kubeproxy-free.rst, servicemesh/envoy-load-balancing.rst).",
    check: (subject) => {
      const values = chartValues(subject);
      if (values === undefined) return [];
      return services(subject).flatMap((placed) =>
        switches
          .filter(({ name, path, wanted }) => name in placed.annotations && values.text(path) !== wanted)
          .map(({ name, path, wanted }) =>
            flaw(
              placed,
              ["metadata", "annotations", name],
              `${name} does nothing: ${path} is ${values.text(path) || "not set"}.`,
              `Write ${path}: ${wanted} in the Helm values.`,
            ),
          ),
      );
    },
  },
  {
    code: "GB-1462",
    severity: "warning",
    title: "A global Service prefers its own cluster while the backends of a dead one are kept.",
    korean: "죽은 클러스터의 백엔드가 지워지지 않는 동안에는 글로벌 서비스가 자기 클러스터를 우선해야 합니다.",
    reason:
      "Without affinity, requests are spread over all clusters, and those of a cluster that is gone stay in the table for ever without clustermesh.cacheTTL (Documentation/network/clustermesh/affinity.rst; cilium issues 19217, 40504).",
    check: (subject) => {
      const values = chartValues(subject);
      if (values === undefined || !["", "0s", "0"].includes(values.text("clustermesh.cacheTTL"))) return [];
      return services(subject)
        .filter(
          (placed) =>
            isGlobal(placed) && ["none", ""].includes((read(placed, "service.cilium.io/affinity") ?? "").toLowerCase()),
        )
        .map((placed) =>
          flaw(
            placed,
            ["metadata", "annotations"],
            `Service ${placed.name} is global without affinity, and clustermesh.cacheTTL is not set: a share of its requests goes to a cluster that is gone.`,
            'Write service.cilium.io/affinity: "local", or set clustermesh.cacheTTL (Cilium 1.19 and later).',
          ),
        );
    },
  },
  ...serviceAddressRules,
]);

const switches = [{ name: "service.cilium.io/lb-l7", path: "loadBalancer.l7.backend", wanted: "envoy" }];
