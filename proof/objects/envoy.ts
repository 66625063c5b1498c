import { closest } from "../../components/cilium/chart-keys.ts";
import { record } from "../../components/config/untyped.ts";
import type { Violation } from "../rule.ts";
import { envoyClusterRules } from "./envoy-clusters.ts";
import { field, spelling } from "./envoy-fields.ts";
import { envoyFilterRules } from "./envoy-filters.ts";
import {
  envoyConfigs as configs,
  everyPort,
  filterTypes,
  nameOf,
  networkFiltersOf,
  ofType,
  type Resource,
  resourcesOf,
  resourceTypes,
  typedProblems,
} from "./envoy-resources.ts";
import { heldPorts } from "./held-ports.ts";
import {
  chartValues,
  definitionProblems,
  flaw,
  knownOnly,
  type Placed,
  records,
  repeated,
  schemaViolations,
  text,
} from "./objects.ts";

function typeProblem(placed: Placed, { type, path, item }: Resource): Violation | undefined {
  const allowed = Object.values(resourceTypes);
  if (type === "") {
    const misspelt = Object.keys(item).find((key) => /type/i.test(key) && text(item[key]).includes("envoy."));
    return flaw(
      placed,
      path,
      "The resource has no @type, so it is skipped.",
      misspelt === undefined
        ? `Write "@type": ${allowed[0]} or another of the five.`
        : `Write "@type" for ${misspelt}.`,
    );
  }
  if (allowed.some((known) => known === type)) return undefined;
  const near = closest(type, allowed, 30);
  return flaw(
    placed,
    [...path, "@type"],
    `${type} is none of the types that a ${placed.kind} may hold; Cilium drops the whole object.`,
    near === undefined
      ? "Write a Listener, RouteConfiguration, Cluster, ClusterLoadAssignment or Secret."
      : `Write ${near}.`,
  );
}

export const envoyRules = knownOnly([
  {
    code: "GB-1431",
    severity: "error",
    title: "CiliumEnvoyConfigs have the fields and values of their resource definition.",
    korean: "CiliumEnvoyConfig의 필드와 값은 리소스 정의(CRD)와 맞아야 합니다.",
    reason:
      "The API server refuses wrong values and silently drops unknown fields (cilium pkg/k8s/apis/cilium.io/client/crds/v2/ciliumenvoyconfigs.yaml).",
    check: (subject) =>
      configs(subject)
        .filter(({ version }) => version === "v2")
        .flatMap((placed) => schemaViolations(placed, definitionProblems(subject, placed))),
  },
  {
    code: "GB-1432",
    severity: "error",
    title: "Every Envoy resource has one of the five types and a name of its own.",
    korean: "Envoy 리소스마다 다섯 가지 @type 중 하나와 고유한 이름이 있어야 합니다.",
    reason:
      "Another type, a missing or a second name makes Cilium drop the whole object; only the agent's log tells (cilium pkg/ciliumenvoyconfig/cec_resource_parser.go).",
    check: (subject) =>
      configs(subject).flatMap((placed) => {
        const resources = resourcesOf(placed);
        return [
          ...resources.flatMap((resource) => typeProblem(placed, resource) ?? []),
          ...resources
            .filter(
              (resource) =>
                Object.values(resourceTypes).some((type) => type === resource.type) && nameOf(resource) === "",
            )
            .map(({ path, type }) =>
              flaw(
                placed,
                path,
                `The ${type.split(".").at(-1) ?? ""} has no name; Cilium drops the whole object.`,
                type === resourceTypes.endpoint ? "Write cluster_name." : "Write name.",
              ),
            ),
          ...repeated(resources, (resource) =>
            nameOf(resource) === "" ? undefined : `${resource.type} ${nameOf(resource)}`,
          ).map((resource) =>
            flaw(
              placed,
              resource.path,
              `Two resources of type ${resource.type.split(".").at(-1) ?? ""} are named ${nameOf(resource)}.`,
              "Give one of them another name.",
            ),
          ),
        ];
      }),
  },
  {
    code: "GB-1433",
    severity: "error",
    title: "Envoy resources have fields and values that Envoy can read.",
    korean: "Envoy 리소스의 필드와 값은 Envoy가 읽을 수 있는 것이어야 합니다.",
    reason:
      "One unknown field, or one value of another kind, makes Cilium leave out the whole resource; only the agent's log tells (cilium pkg/k8s/apis/cilium.io/v2/cec_types.go, UnmarshalJSON).",
    check: (subject) =>
      configs(subject).flatMap((placed) =>
        resourcesOf(placed).flatMap(({ item, path }) =>
          typedProblems(item, path).map((problem) => flaw(placed, problem.path, problem.message, problem.fix)),
        ),
      ),
  },
  {
    code: "GB-1434",
    severity: "error",
    title: "Listeners keep off the ports that Cilium holds.",
    korean: "리스너는 Cilium이 이미 쓰는 포트를 쓰면 안 됩니다.",
    reason:
      "Envoy cannot bind a port that is taken on the node; without an address Cilium picks a free one (Documentation/operations/system_requirements.rst).",
    check: (subject) =>
      configs(subject).flatMap((placed) =>
        ofType(placed, resourceTypes.listener).flatMap(({ item, path }) =>
          everyPort(item)
            .filter((port) => port in heldPorts)
            .map((port) =>
              flaw(
                placed,
                [...path, "address"],
                `Port ${port} is held by ${heldPorts[port] ?? ""} on every node.`,
                record(placed.spec).services === undefined
                  ? "Write another port."
                  : "Take address out; Cilium picks a port and sends the Service's traffic there.",
              ),
            ),
        ),
      ),
  },
  {
    code: "GB-1437",
    severity: "error",
    title: "Services are of the object's namespace and sent to a listener that is there.",
    korean: "services의 서비스는 같은 네임스페이스에 있고, 실제로 있는 리스너로 보내야 합니다.",
    reason:
      "A CiliumEnvoyConfig redirects Services of its own namespace only, to a listener of its own resources (cilium pkg/k8s/apis/cilium.io/v2/cec_types.go).",
    check: (subject) =>
      configs(subject).flatMap((placed) => {
        const names = ofType(placed, resourceTypes.listener).map(nameOf);
        return records(placed.spec.services).flatMap(({ at, item }) => {
          const path = ["spec", "services", at];
          const [listener, namespace] = [text(item.listener), text(item.namespace)];
          return [
            ...(placed.kind === "CiliumEnvoyConfig" &&
            namespace !== "" &&
            placed.namespace !== undefined &&
            namespace !== placed.namespace
              ? [
                  flaw(
                    placed,
                    [...path, "namespace"],
                    `Service ${text(item.name)} of ${namespace} is looked for in ${placed.namespace}.`,
                    "Write a CiliumEnvoyConfig in the Service's namespace, or a CiliumClusterwideEnvoyConfig.",
                  ),
                ]
              : []),
            ...(names.length === 0 || (listener !== "" && !names.includes(listener.split("/").at(-1) ?? ""))
              ? [
                  flaw(
                    placed,
                    listener === "" ? path : [...path, "listener"],
                    names.length === 0
                      ? `Service ${text(item.name)} is to be sent to a listener, but the resources have none.`
                      : `There is no Listener ${listener}, only ${names.join(", ")}.`,
                    names.length === 0
                      ? "Add a Listener, or list the Service in backendServices."
                      : `Write listener: ${names[0] ?? ""}.`,
                  ),
                ]
              : []),
          ];
        });
      }),
  },
  {
    code: "GB-1438",
    severity: "error",
    title: "The route configuration that a listener asks for is there.",
    korean: "리스너가 찾는 RouteConfiguration이 resources에 있어야 합니다.",
    reason: "Without it the listener never becomes active (Envoy, RDS); names are looked up in the same object.",
    check: (subject) =>
      configs(subject).flatMap((placed) => {
        const names = ofType(placed, resourceTypes.route).map(nameOf);
        return networkFiltersOf(placed)
          .filter(({ type, config }) => type === filterTypes.http && config.rds !== undefined)
          .flatMap(({ config, item, path }) => {
            const wanted = text(field(config.rds, "route_config_name"));
            const here = [...path, spelling(item, "typed_config"), "rds", spelling(config.rds, "route_config_name")];
            return wanted === "" || names.includes(wanted) || wanted.includes("/")
              ? []
              : [
                  flaw(
                    placed,
                    here,
                    `There is no RouteConfiguration ${wanted} in the resources.`,
                    names.length === 0 ? "Add it." : `Write ${closest(wanted, names, 4) ?? names.join(" or ")}.`,
                  ),
                ];
          });
      }),
  },
  {
    code: "GB-1439",
    severity: "error",
    title: "CiliumEnvoyConfigs need Envoy configuration and the L7 proxy.",
    korean: "CiliumEnvoyConfig를 쓰려면 envoyConfig와 l7Proxy가 켜져 있어야 합니다.",
    reason:
      "Agents read them with envoyConfig.enabled, or where the Ingress controller or Gateway API turns it on (templates/cilium-configmap.yaml, enable-envoy-config).",
    check: (subject) => {
      const values = chartValues(subject);
      if (values === undefined) return [];
      const on =
        ["envoyConfig.enabled", "ingressController.enabled", "gatewayAPI.enabled"].some((path) => values.on(path)) ||
        values.text("loadBalancer.l7.backend") === "envoy";
      const missing = [...(on ? [] : ["envoyConfig.enabled"]), ...(values.on("l7Proxy") ? [] : ["l7Proxy"])];
      return missing.length === 0
        ? []
        : configs(subject)
            .slice(0, 1)
            .map((placed) =>
              flaw(
                placed,
                ["kind"],
                `${placed.kind} ${placed.name} is read by nothing: ${missing.join(" and ")} is false.`,
                `Write ${missing.map((path) => `${path}: true`).join(" and ")} in the Helm values.`,
              ),
            );
    },
  },
  ...envoyClusterRules,
  ...envoyFilterRules,
]);
