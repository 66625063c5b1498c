import { isIP } from "node:net";
import { closest } from "../../components/cilium/chart-keys.ts";
import { SchemaWalker } from "../../components/cilium/schema-walker.ts";
import { record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { ingressAnnotations, otherControllers } from "./ingress-annotations.ts";
import { allObjects, chartValues, flaw, type Placed, records, schemaViolations, text } from "./objects.ts";
import { ingress as ingressShape } from "./shapes.ts";

const classAnnotation = "kubernetes.io/ingress.class";
const oldGroups = ["extensions/v1beta1", "networking.k8s.io/v1beta1"];

const ingresses = (subject: ObjectsSubject) => allObjects(subject).filter(({ kind }) => kind === "Ingress");
const present = (subject: ObjectsSubject) =>
  ingresses(subject).filter(({ object: { apiVersion } }) => apiVersion === "networking.k8s.io/v1");

/** Whether Cilium's controller is the one that reads it. */
const isCiliums = ({ spec, annotations }: Placed) =>
  (spec.ingressClassName ?? annotations[classAnnotation]) === "cilium";

function read({ annotations }: Placed, name: string): string | undefined {
  const alias = ingressAnnotations.find((annotation) => annotation.name === name)?.alias;
  const value = annotations[name] ?? (alias === undefined ? undefined : annotations[alias]);
  return typeof value === "string" ? value : undefined;
}

function explainIngress({ path }: { readonly path: readonly (string | number)[] }) {
  const field = path.at(-1);
  if (field === "serviceName" || field === "servicePort") {
    return {
      message: `${field} is of the old v1beta1 form; v1 drops it.`,
      fix: "Write backend: {service: {name: ..., port: {number: ...}}}.",
    };
  }
  return field === "pathType"
    ? { message: "pathType is missing or wrong.", fix: "Write pathType: Prefix or Exact." }
    : undefined;
}

function ruleProblems(placed: Placed): Violation[] {
  return records(placed.spec.rules).flatMap(({ at, item }) => {
    const host = text(item.host);
    const path = ["spec", "rules", at];
    return [
      ...(host !== "" && (isIP(host) !== 0 || !/^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(host))
        ? [
            flaw(
              placed,
              [...path, "host"],
              `${host} is no host name: no addresses, ports, paths or capitals, and * only as the first label.`,
              "Write a name such as api.example.kr or *.example.kr.",
            ),
          ]
        : []),
      ...records(record(item.http).paths).flatMap((entry) => {
        const { port } = record(record(entry.item.backend).service);
        const value = text(entry.item.path);
        const here = [...path, "http", "paths", entry.at];
        return [
          ...(value !== "" && !value.startsWith("/") && entry.item.pathType !== "ImplementationSpecific"
            ? [flaw(placed, [...here, "path"], `Path ${value} does not start with /.`, `Write /${value}.`)]
            : []),
          ...("service" in record(entry.item.backend) &&
          record(port).number === undefined &&
          record(port).name === undefined
            ? [
                flaw(
                  placed,
                  [...here, "backend", "service"],
                  `Backend ${text(record(record(entry.item.backend).service).name)} has no port.`,
                  "Write port: {number: 80} or port: {name: http}.",
                ),
              ]
            : []),
          ...(record(port).number !== undefined && record(port).name !== undefined
            ? [flaw(placed, [...here, "backend", "service", "port"], "The port has a number and a name.", "Write one.")]
            : []),
        ];
      }),
    ];
  });
}

export const ingressRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1421",
    severity: "error",
    title: "An Ingress has the fields and values that the API server takes.",
    korean: "Ingress의 필드와 값은 API 서버가 받아들이는 것이어야 합니다.",
    reason:
      "v1beta1 left with Kubernetes 1.22; v1 refuses wrong values and drops unknown fields (networking.k8s.io/v1 IngressSpec).",
    check: (subject) => [
      ...ingresses(subject)
        .filter(({ object: { apiVersion } }) => oldGroups.includes(text(apiVersion)))
        .map((placed) =>
          flaw(
            placed,
            ["apiVersion"],
            `${text(placed.object.apiVersion)} left Kubernetes with 1.22.`,
            "Write apiVersion: networking.k8s.io/v1, with pathType and backend.service.",
          ),
        ),
      ...ingresses(subject)
        .filter(({ group, version }) => group === "networking.k8s.io" && version !== "v1" && version !== "v1beta1")
        .map((placed) =>
          flaw(placed, ["apiVersion"], `There is no Ingress of ${placed.version}.`, "Write networking.k8s.io/v1."),
        ),
      ...present(subject).flatMap((placed) => [
        // Else it may be a patch of another object.
        ...(subject.complete && placed.spec.rules === undefined && placed.spec.defaultBackend === undefined
          ? [flaw(placed, ["spec"], "The Ingress has neither rules nor defaultBackend.", "Write rules.")]
          : []),
        ...schemaViolations(placed, new SchemaWalker([]).check(ingressShape, placed.object), explainIngress),
        ...ruleProblems(placed),
        ...(placed.spec.ingressClassName !== undefined && placed.annotations[classAnnotation] !== undefined
          ? [
              flaw(
                placed,
                ["metadata", "annotations", classAnnotation],
                "Both ingressClassName and the class annotation are written; the API server refuses that.",
                `Take ${classAnnotation} out.`,
              ),
            ]
          : []),
      ]),
    ],
  },
  {
    code: "GB-1422",
    severity: "error",
    title: "Annotations of Cilium on an Ingress have names and values that Cilium understands.",
    korean: "Ingress의 Cilium 애너테이션 이름과 값은 Cilium이 이해하는 것이어야 합니다.",
    reason:
      "Unknown names are ignored, unknown values mean the default or break the Service (Documentation/network/servicemesh/ingress.rst, Supported Ingress Annotations).",
    check: (subject) =>
      ingresses(subject).flatMap((placed) =>
        Object.entries(placed.annotations).flatMap(([key, value]): Violation[] => {
          if (!key.startsWith("ingress.cilium.io/") && !key.startsWith("io.cilium.ingress/")) return [];
          const path = ["metadata", "annotations", key];
          const known = ingressAnnotations.find(({ name, alias }) => name === key || alias === key);
          if (known === undefined) {
            const names = ingressAnnotations.map(({ name }) => name);
            const near = closest(key, names, 6);
            const fix = near === undefined ? `There are ${names.join(", ")}.` : `Did you mean ${near}?`;
            return [flaw(placed, path, `Cilium does not read ${key}.`, fix)];
          }
          return typeof value !== "string" || known.valid.test(value)
            ? []
            : [flaw(placed, path, `${key} is "${value}", which Cilium does not understand.`, `Write ${known.write}.`)];
        }),
      ),
  },
  {
    code: "GB-1423",
    severity: "error",
    title: "Annotations of an Ingress go with its load balancer mode and Service type.",
    korean: "Ingress 애너테이션은 로드밸런서 모드와 서비스 타입에 맞아야 합니다.",
    reason:
      "Service settings are read for a dedicated load balancer only, node ports for NodePort only, TLS passthrough for rules with a host and the path / (Documentation/network/servicemesh/ingress.rst).",
    check: (subject) =>
      ingresses(subject).flatMap((placed) => {
        const at = (name: string) => ["metadata", "annotations", name];
        const shared = read(placed, "ingress.cilium.io/loadbalancer-mode") === "shared";
        const nodePort = read(placed, "ingress.cilium.io/service-type") === "NodePort";
        const set = (names: readonly string[]) => names.filter((name) => name in placed.annotations);
        const passthrough = /^(enabled|1|t|true)$/i.test(read(placed, "ingress.cilium.io/tls-passthrough") ?? "");
        return [
          ...(shared
            ? set(dedicatedOnly).map((name) =>
                flaw(
                  placed,
                  at(name),
                  `${name} does nothing: the Ingress uses the shared load balancer.`,
                  "Write ingress.cilium.io/loadbalancer-mode: dedicated, or take it out.",
                ),
              )
            : []),
          ...(nodePort || shared
            ? []
            : set(nodePortOnly).map((name) =>
                flaw(
                  placed,
                  at(name),
                  `${name} does nothing: the Service is of type LoadBalancer.`,
                  "Write ingress.cilium.io/service-type: NodePort, or take it out.",
                ),
              )),
          ...(passthrough
            ? records(placed.spec.rules).flatMap(({ at: index, item }) => {
                const ignored = records(record(item.http).paths).find(
                  (entry) => !["", "/"].includes(text(entry.item.path)),
                );
                const path = ["spec", "rules", index];
                if (text(item.host) === "") {
                  return [flaw(placed, path, "TLS passthrough ignores a rule without a host.", "Write host.")];
                }
                return ignored === undefined
                  ? []
                  : [
                      flaw(
                        placed,
                        [...path, "http", "paths", ignored.at, "path"],
                        `TLS passthrough cannot see the path ${text(ignored.item.path)} and ignores it.`,
                        "Write path: /.",
                      ),
                    ];
              })
            : []),
        ];
      }),
  },
  {
    code: "GB-1424",
    severity: "warning",
    title: "An Ingress of class cilium has no annotations of other controllers.",
    korean: "cilium 클래스의 Ingress에는 다른 컨트롤러의 애너테이션이 없어야 합니다.",
    reason:
      "Cilium reads none of them, so what they ask for does not happen (Documentation/network/servicemesh/ingress.rst).",
    check: (subject) =>
      ingresses(subject)
        .filter(isCiliums)
        .flatMap((placed) =>
          Object.keys(placed.annotations).flatMap((key) => {
            const other = otherControllers.find(([prefix]) => key.startsWith(prefix))?.[1];
            return other === undefined
              ? []
              : [
                  flaw(
                    placed,
                    ["metadata", "annotations", key],
                    `${key} is read by ${other}, not by Cilium.`,
                    "Take it out; what it asks for may be there in Gateway API, or as ingress.cilium.io/...",
                  ),
                ];
          }),
        ),
  },
  {
    code: "GB-1425",
    severity: "warning",
    title: "The class of an Ingress stands in ingressClassName.",
    korean: "Ingress 클래스는 spec.ingressClassName에 적습니다.",
    reason:
      "The annotation is deprecated since Kubernetes 1.18 (kubernetes.io/docs/concepts/services-networking/ingress).",
    check: (subject) =>
      present(subject)
        .filter(
          ({ spec, annotations }) => spec.ingressClassName === undefined && annotations[classAnnotation] === "cilium",
        )
        .map((placed) =>
          flaw(
            placed,
            ["metadata", "annotations", classAnnotation],
            `${classAnnotation} is deprecated.`,
            "Write spec.ingressClassName: cilium.",
          ),
        ),
  },
  {
    code: "GB-1426",
    severity: "error",
    title: "An Ingress of class cilium needs the Ingress controller.",
    korean: "cilium 클래스의 Ingress를 쓰려면 ingressController가 켜져 있어야 합니다.",
    reason:
      "Without ingressController.enabled nothing reads it (Documentation/network/servicemesh/ingress.rst, Prerequisites).",
    check: (subject) => {
      const values = chartValues(subject);
      if (values === undefined || values.on("ingressController.enabled")) return [];
      return ingresses(subject)
        .filter(isCiliums)
        .slice(0, 1)
        .map((placed) =>
          flaw(
            placed,
            ["kind"],
            `Ingress ${placed.name} is read by nothing: ingressController.enabled is false.`,
            "Write ingressController.enabled: true in the Helm values.",
          ),
        );
    },
  },
];

const nodePortOnly = ["ingress.cilium.io/insecure-node-port", "ingress.cilium.io/secure-node-port"];
const dedicatedOnly = [
  ...nodePortOnly,
  "ingress.cilium.io/loadbalancer-class",
  "ingress.cilium.io/service-type",
  "ingress.cilium.io/service-external-traffic-policy",
  "ingress.cilium.io/host-listener-port",
];
