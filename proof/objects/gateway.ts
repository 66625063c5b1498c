import { closest } from "../../components/cilium/chart-keys.ts";
import { SchemaWalker } from "../../components/cilium/schema-walker.ts";
import { ciliumMinor } from "../../components/cilium/versions.ts";
import { gatewayListenerRules } from "./gateway-listeners.ts";
import { ciliumController, gatewayGroup, isCiliumGateway } from "./gateway-objects.ts";
import { gatewayRouteRules } from "./gateway-routes.ts";
import { gatewayShapes, gatewayVersions } from "./gateway-shapes.ts";
import { ingressRules } from "./ingress.ts";
import { allObjects, chartValues, flaw, knownOnly, minorOf, objectsOf, schemaViolations, text } from "./objects.ts";

/**
 * Kinds and versions that depend on the bundle, by the Cilium minors whose bundle has them and whose operator reads them (cilium
 * `operator/pkg/gateway-api/cell.go` of v1.18.11, v1.19.5 and 1.20).
 */
const onlyV1 = "Write apiVersion: gateway.networking.k8s.io/v1; the standard channel serves no other.";
const byMinor: readonly { kind: string; versions?: readonly string[]; first?: number; last?: number; fix: string }[] = [
  { kind: "TLSRoute", versions: ["v1"], first: 20, fix: "Write apiVersion: gateway.networking.k8s.io/v1alpha2." },
  { kind: "TLSRoute", versions: ["v1alpha3"], first: 20, fix: "Write apiVersion: gateway.networking.k8s.io/v1alpha2." },
  {
    kind: "TLSRoute",
    versions: ["v1alpha2", "v1alpha3"],
    last: 19,
    fix: onlyV1,
  },
  { kind: "TCPRoute", first: 20, fix: "Use Cilium 1.20, or a Service of type LoadBalancer." },
  { kind: "UDPRoute", first: 20, fix: "Use Cilium 1.20, or a Service of type LoadBalancer." },
  {
    kind: "TCPRoute",
    versions: ["v1alpha2"],
    last: 19,
    fix: onlyV1,
  },
  {
    kind: "UDPRoute",
    versions: ["v1alpha2"],
    last: 19,
    fix: onlyV1,
  },
  { kind: "ListenerSet", first: 20, fix: "Use Cilium 1.20, or write the listeners into the Gateway." },
  { kind: "BackendTLSPolicy", first: 20, fix: "Use Cilium 1.20." },
  {
    kind: "BackendTLSPolicy",
    versions: ["v1alpha3"],
    last: 19,
    fix: onlyV1,
  },
];

export const gatewayRules = knownOnly([
  {
    code: "GB-1401",
    severity: "error",
    title: "Gateway API objects have fields and values of Gateway API.",
    korean: "Gateway API 오브젝트의 필드와 값은 Gateway API에 있는 것이어야 합니다.",
    reason:
      "The API server refuses wrong values and silently drops unknown fields (kubernetes-sigs/gateway-api config/crd, 1.2 to 1.6).",
    check: (subject) =>
      allObjects(subject)
        .filter(({ group }) => group === gatewayGroup)
        .flatMap((placed) => {
          const shape = gatewayShapes[placed.kind];
          return shape === undefined ? [] : schemaViolations(placed, new SchemaWalker([]).check(shape, placed.object));
        }),
  },
  {
    code: "GB-1402",
    severity: "error",
    title: "Gateway API objects have a kind and version that exist.",
    korean: "Gateway API 오브젝트의 종류와 버전은 실제로 있는 것이어야 합니다.",
    reason:
      "The bundles that Cilium works with serve no others: v1alpha2 of HTTPRoute left with 1.0, of GRPCRoute with 1.2 (kubernetes-sigs/gateway-api config/crd).",
    check: (subject) =>
      allObjects(subject)
        .filter(({ group }) => group === gatewayGroup)
        .flatMap((placed) => {
          const versions = gatewayVersions[placed.kind];
          if (versions === undefined) {
            const near = closest(placed.kind, Object.keys(gatewayVersions), 3);
            return near === undefined
              ? []
              : [flaw(placed, ["kind"], `Gateway API has no kind ${placed.kind}.`, `Write kind: ${near}.`)];
          }
          return versions.includes(placed.version)
            ? []
            : [
                flaw(
                  placed,
                  ["apiVersion"],
                  `No bundle from 1.2 on serves ${placed.kind} as ${placed.version}.`,
                  `Write apiVersion: ${gatewayGroup}/${versions[0] ?? "v1"}.`,
                ),
              ];
        }),
  },
  {
    code: "GB-1403",
    severity: "warning",
    title: "Gateway API objects are of the bundle that this Cilium works with.",
    korean: "Gateway API 오브젝트는 해당 Cilium이 쓰는 번들의 종류와 버전이어야 합니다.",
    reason:
      "Each minor reads certain kinds and versions and leaves others alone (Documentation/network/servicemesh/gateway-api/installation.rst; operator/pkg/gateway-api/cell.go).",
    check: (subject) => {
      const minor = minorOf(subject.cilium);
      const bundle = ciliumMinor(subject.cilium).gatewayApi;
      return allObjects(subject)
        .filter(({ group }) => group === gatewayGroup)
        .flatMap((placed) => {
          const misfit = byMinor.find(
            ({ kind, versions, first, last }) =>
              kind === placed.kind &&
              (versions === undefined || versions.includes(placed.version)) &&
              (minor < (first ?? 0) || minor > (last ?? Number.POSITIVE_INFINITY)),
          );
          return misfit === undefined
            ? []
            : [
                flaw(
                  placed,
                  ["apiVersion"],
                  `${placed.kind} ${placed.version} is not what Cilium ${subject.cilium} works with, whose bundle is ${bundle}.`,
                  misfit.fix,
                ),
              ];
        });
    },
  },
  {
    code: "GB-1404",
    severity: "error",
    title: "A GatewayClass for Cilium names Cilium's controller.",
    korean: "Cilium용 GatewayClass의 controllerName은 io.cilium/gateway-controller여야 합니다.",
    reason:
      "Cilium takes only classes of its controller, and the chart's class is named cilium (templates/cilium-gateway-api-class.yaml).",
    check: (subject) =>
      objectsOf(subject, gatewayGroup, ["GatewayClass"])
        .filter(({ name, spec }) => {
          const controller = text(spec.controllerName);
          return (
            controller !== ciliumController && controller !== "" && (name === "cilium" || controller.includes("cilium"))
          );
        })
        .map((placed) =>
          flaw(
            placed,
            ["spec", "controllerName"],
            `GatewayClass ${placed.name} has controllerName ${text(placed.spec.controllerName)}.`,
            `Write controllerName: ${ciliumController}${placed.name === "cilium" ? ", or another name" : ""}.`,
          ),
        ),
  },
  {
    code: "GB-1405",
    severity: "warning",
    title: "The GatewayClass cilium is left to the chart.",
    korean: "GatewayClass cilium은 차트가 만들게 둡니다.",
    reason:
      "The chart makes it as soon as the definitions are there (gatewayAPI.gatewayClass.create: auto); Helm then stops at an object that it does not own (templates/cilium-gateway-api-class.yaml).",
    check: (subject) => {
      const values = chartValues(subject);
      const left =
        values !== undefined &&
        (!values.on("gatewayAPI.enabled") || values.text("gatewayAPI.gatewayClass.create") === "false");
      return left
        ? []
        : objectsOf(subject, gatewayGroup, ["GatewayClass"])
            .filter(
              ({ name, spec, labels }) =>
                name === "cilium" &&
                spec.controllerName === ciliumController &&
                labels["app.kubernetes.io/managed-by"] !== "Helm" &&
                (values !== undefined || Object.keys(spec).length === 1),
            )
            .map((placed) =>
              flaw(
                placed,
                ["metadata", "name"],
                "The chart makes the GatewayClass cilium itself, unless gatewayAPI.gatewayClass.create is false.",
                'Take it out, or write gatewayAPI.gatewayClass.create: "false" in the Helm values.',
              ),
            );
    },
  },
  {
    code: "GB-1406",
    severity: "error",
    title: "Gateways of class cilium need Gateway API support.",
    korean: "cilium 클래스의 Gateway를 쓰려면 gatewayAPI가 켜져 있어야 합니다.",
    reason:
      "Without gatewayAPI.enabled nothing reads them (Documentation/network/servicemesh/gateway-api/installation.rst).",
    check: (subject) => {
      const values = chartValues(subject);
      if (values === undefined || values.on("gatewayAPI.enabled")) return [];
      return objectsOf(subject, gatewayGroup, ["Gateway"])
        .filter((placed) => isCiliumGateway(subject, placed))
        .slice(0, 1)
        .map((placed) =>
          flaw(
            placed,
            ["kind"],
            `Gateway ${placed.name} is read by nothing: gatewayAPI.enabled is false.`,
            "Write gatewayAPI.enabled: true in the Helm values.",
          ),
        );
    },
  },
  ...gatewayListenerRules,
  ...gatewayRouteRules,
  ...ingressRules,
]);
