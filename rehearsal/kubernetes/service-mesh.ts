import { gatewayGroup, gatewayNeeds } from "../../components/cilium/service-mesh/gateway-api.ts";
import type { JsonObject, World } from "../world.ts";
import { announces } from "./bgp.ts";
import { type Cluster, list, objectsOf, record, type StoredObject, text, texts } from "./cluster.ts";
import type { InstalledCilium } from "./installed.ts";
import { customScope } from "./kinds.ts";
import { externalAddress, factsOf, meshService, type ServiceFacts } from "./load-balancers.ts";

/** Kinds of Gateway API that this Cilium's operator wants and the cluster has no definition for. */
export function missingGatewayKinds(world: World, cluster: string, ciliumVersion: string): string[] {
  return gatewayNeeds(ciliumVersion)
    .required.filter(({ kind, version }) => {
      const type = { group: gatewayGroup, apiVersion: `${gatewayGroup}/${version}`, kind };
      return customScope(world, cluster, type) === undefined;
    })
    .map(({ kind }) => kind);
}

/** What Helm says of a GatewayClass that it is told to make where nobody has defined the kind; `auto` leaves it out in silence. */
export function classProblem(world: World, cluster: string, { values, version }: InstalledCilium): string | undefined {
  const wanted = values.on("gatewayAPI.enabled") && values.text("gatewayAPI.gatewayClass.create") === "true";
  if (!wanted || !missingGatewayKinds(world, cluster, version).includes("GatewayClass")) return undefined;
  return (
    'unable to build kubernetes objects from release manifest: resource mapping not found for name: "cilium" namespace: "" from "": ' +
    'no matches for kind "GatewayClass" in version "gateway.networking.k8s.io/v1"\nensure CRDs are installed first'
  );
}

/** A front of the service mesh and the Service that the operator makes for it, where it makes one. */
interface Front {
  readonly what: string;
  readonly service: ServiceFacts | undefined;
}

/** What would stay silent, since nothing is wrong with any object by itself: controllers that are off, Services without an address. */
export function serviceMeshProblems(world: World, cluster: Cluster, cilium: InstalledCilium): string[] {
  const of = (kind: string) => objectsOf(world, cluster.name, kind, gatewayGroup);
  const classes = of("GatewayClass").filter(({ body }) => controllerOf(body) === ciliumController);
  const names = ["cilium", ...classes.map(({ name }) => name)];
  const gateways = of("Gateway").filter(({ body }) => names.includes(text(record(body.spec).gatewayClassName)));
  const ingresses = objectsOf(world, cluster.name, "Ingress", "networking.k8s.io").filter(
    ({ body }) => text(record(body.spec).ingressClassName) === "cilium",
  );
  return [
    ...gateways.flatMap(({ name }) => controllerProblem(name, cilium)),
    ...routeProblems(of("HTTPRoute"), of("Gateway")),
    ...(ingresses.length > 0 && !cilium.values.on("ingressController.enabled")
      ? [`Ingress ${ingresses[0]?.name ?? ""} is read by nobody: ingressController.enabled is not true`]
      : []),
    ...frontProblems(world, cluster, cilium, [
      ...gateways.map((gateway) => gatewayFront(gateway, cilium)),
      ...ingresses.map((ingress) => ingressFront(ingress, cilium)),
    ]),
    ...envoyProblems(world, cluster, cilium),
  ];
}

const ciliumController = "io.cilium/gateway-controller";
const controllerOf = (body: JsonObject) => text(record(body.spec).controllerName);

function controllerProblem(gateway: string, { gatewayApi, values }: InstalledCilium): string[] {
  if (!values.on("gatewayAPI.enabled")) return [`Gateway ${gateway} is read by nobody: gatewayAPI.enabled is not true`];
  return gatewayApi.missing.length === 0
    ? []
    : [
        `Gateway ${gateway} is read by nobody: when the release was installed the definitions of ${gatewayApi.missing.join(", ")} were missing, and the operator looks for them once, when it starts`,
      ];
}

function routeProblems(routes: readonly StoredObject[], gateways: readonly StoredObject[]): string[] {
  return routes.flatMap((route) =>
    list(record(route.body.spec).parentRefs)
      .map(record)
      .filter(
        (parent) =>
          !gateways.some(
            ({ name, namespace }) =>
              name === text(parent.name) && namespace === (text(parent.namespace) || route.namespace),
          ),
      )
      .map((parent) => `HTTPRoute ${route.name} belongs to the Gateway ${text(parent.name)}, which does not exist`),
  );
}

function gatewayFront({ body, name }: StoredObject, { values }: InstalledCilium): Front {
  const spec = record(body.spec);
  const infrastructure = record(spec.infrastructure);
  const wanted = list(spec.addresses).map((address) => text(record(address).value));
  return {
    what: `Gateway ${name}`,
    service: values.on("gatewayAPI.hostNetwork.enabled")
      ? undefined
      : factsOf({
          metadata: {
            labels: texts(infrastructure.labels),
            annotations: {
              ...(wanted.length > 0 ? { "lbipam.cilium.io/ips": wanted.join(",") } : {}),
              ...texts(infrastructure.annotations),
            },
          },
          spec: { type: "LoadBalancer" },
        }),
  };
}

function ingressFront({ body, name }: StoredObject, { values }: InstalledCilium): Front {
  const metadata = record(body.metadata);
  const annotations = texts(metadata.annotations);
  const mode = annotations["ingress.cilium.io/loadbalancer-mode"] ?? values.text("ingressController.loadbalancerMode");
  const balanced =
    mode !== "shared" &&
    !values.on("ingressController.hostNetwork.enabled") &&
    annotations["ingress.cilium.io/service-type"] !== "NodePort";
  const copied = (map: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(map).filter(([key]) => prefixesOf(values).some((prefix) => key.startsWith(prefix))),
    );
  return {
    what: `Ingress ${name}`,
    service: balanced
      ? factsOf({
          metadata: { labels: copied(texts(metadata.labels)), annotations: copied(annotations) },
          spec: { type: "LoadBalancer", loadBalancerClass: annotations["ingress.cilium.io/loadbalancer-class"] ?? "" },
        })
      : undefined,
  };
}

function prefixesOf(values: InstalledCilium["values"]): string[] {
  const given = values.at("ingressController.ingressLBAnnotationPrefixes");
  return Array.isArray(given) ? given.filter((prefix) => typeof prefix === "string") : [];
}

/** Every front has an address, no two ask for the same, and the fabric hears of it. */
function frontProblems(
  world: World,
  cluster: Cluster,
  { values }: InstalledCilium,
  fronts: readonly Front[],
): string[] {
  const mesh = values.on("clustermesh.useAPIServer") ? meshService(world, cluster.name, values) : undefined;
  const all = [...(mesh ? [{ what: "the mesh", service: mesh }] : []), ...fronts];
  return all.flatMap(({ service, what }, index) => {
    if (service === undefined || what === "the mesh") return [];
    if (externalAddress(world, cluster.name, service) === undefined) {
      return [
        `${what} gets a Service of type LoadBalancer and no address: no CiliumLoadBalancerIPPool serves it, and a self-managed cluster has no cloud controller`,
      ];
    }
    const wanted = service.annotations["lbipam.cilium.io/ips"];
    const before = all
      .slice(0, index)
      .find((front) => wanted !== undefined && front.service?.annotations["lbipam.cilium.io/ips"] === wanted);
    const silent = values.on("bgpControlPlane.enabled") && !announces(world, cluster.name, service.labels);
    return [
      ...(before ? [`${what} asks for ${wanted ?? ""}, which ${before.what} has`] : []),
      ...(silent ? [`the address of ${what} is announced by no CiliumBGPAdvertisement`] : []),
    ];
  });
}

function envoyProblems(world: World, cluster: Cluster, { values }: InstalledCilium): string[] {
  const read = ["envoyConfig.enabled", "ingressController.enabled", "gatewayAPI.enabled"].some((path) =>
    values.on(path),
  );
  const [first] = objectsOf(world, cluster.name, "CiliumEnvoyConfig", "cilium.io");
  return read || first === undefined
    ? []
    : [`CiliumEnvoyConfig ${first.name} is read by nobody: envoyConfig.enabled is not true`];
}
