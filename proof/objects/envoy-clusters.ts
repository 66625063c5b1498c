import { closest } from "../../components/cilium/chart-keys.ts";
import type { ObjectsSubject, Rule } from "../rule.ts";
import { field } from "./envoy-fields.ts";
import { clusterReferences, envoyConfigs as configs, nameOf, ofType, resourceTypes } from "./envoy-resources.ts";
import { flaw, records, text } from "./objects.ts";

/** Where traffic is sent. */
export const envoyClusterRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1435",
    severity: "error",
    title: "Every cluster that traffic is sent to is defined.",
    korean: "라우트가 가리키는 클러스터는 resources에 정의되어 있어야 합니다.",
    reason:
      "A name without a slash is looked up in the same object; Envoy refuses a listener, or answers 503, for a cluster that it does not have (cilium pkg/policy/api/utils.go, ResourceQualifiedName).",
    check: (subject) =>
      configs(subject).flatMap((placed) => {
        const names = ofType(placed, resourceTypes.cluster).map(nameOf);
        return clusterReferences(placed)
          .filter(({ name }) => !name.includes("/") && !names.includes(name))
          .map(({ name, path }) => {
            const near = closest(name, names, 3);
            const namespace = placed.namespace ?? "default";
            return flaw(
              placed,
              path,
              `There is no Cluster ${name} in the resources.`,
              near === undefined
                ? `For Service ${name} write ${namespace}/${name}, add a Cluster of that name with type: EDS, and list the Service in backendServices.`
                : `Did you mean ${near}?`,
            );
          });
      }),
  },
  {
    code: "GB-1436",
    severity: "warning",
    title: "Clusters of Services are defined and their Services listed.",
    korean: "서비스용 클러스터는 정의되어 있어야 하고 그 서비스가 services나 backendServices에 있어야 합니다.",
    reason:
      "Cilium hands Envoy the backends of the Services that some CiliumEnvoyConfig lists, under namespace/name (cilium pkg/k8s/apis/cilium.io/v2/cec_types.go).",
    check: (subject) => {
      const all = configs(subject);
      const clusters = all.flatMap((placed) => ofType(placed, resourceTypes.cluster).map(nameOf));
      const qualified = all.flatMap((placed) =>
        ofType(placed, resourceTypes.cluster).map(
          (resource) => `${placed.namespace ?? ""}/${placed.name}/${nameOf(resource)}`,
        ),
      );
      const services = all.flatMap((placed) =>
        ["services", "backendServices"].flatMap((list) =>
          records(placed.spec[list]).map(
            ({ item }) => `${text(item.namespace) || (placed.namespace ?? "default")}/${text(item.name)}`,
          ),
        ),
      );
      return all.flatMap((placed) => [
        ...clusterReferences(placed)
          .filter(({ name }) => name.includes("/") && !name.startsWith("/"))
          .filter(({ name }) => !clusters.includes(name) && !qualified.includes(name))
          .map(({ name, path }) =>
            flaw(
              placed,
              path,
              `No Cluster ${name} is defined here.`,
              `Add a Cluster ${name} with type: EDS to the resources.`,
            ),
          ),
        ...ofType(placed, resourceTypes.cluster)
          .filter(({ item }) => item.type === "EDS" && text(field(item, "load_assignment")) === "")
          .flatMap((resource) => {
            const { item, path } = resource;
            const name = text(field(field(item, "eds_cluster_config"), "service_name")) || nameOf(resource);
            const assigned = ofType(placed, resourceTypes.endpoint).map(nameOf);
            const service = name.split(":")[0] ?? "";
            if (assigned.includes(name) || services.includes(service) || name === "") return [];
            const here = `${placed.namespace ?? "default"}/${name}`;
            return [
              flaw(
                placed,
                [...path, "name"],
                name.includes("/")
                  ? `No CiliumEnvoyConfig here lists Service ${service}, so Cluster ${name} has no endpoints.`
                  : `Cluster ${name} is of type EDS, but its name is no namespace/name of a Service, so it has no endpoints.`,
                name.includes("/")
                  ? `Write it in backendServices: [{namespace: ${service.split("/")[0] ?? ""}, name: ${service.split("/")[1] ?? ""}}].`
                  : `Write name: ${here}, the same in the routes, and list the Service in backendServices.`,
              ),
            ];
          }),
      ]);
    },
  },
];
