import type { SiteSpec } from "../../components/config/schema.ts";
import type { ServiceMeshSpec } from "../../components/config/service-mesh.ts";
import { contains } from "../../components/network/cidr.ts";
import { ports } from "../../components/network/ports.ts";
import { heldPorts } from "../objects/held-ports.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";
import { onServiceMesh, repeated } from "./service-mesh-subject.ts";

/** Something of the service mesh that takes connections from outside, and where it is written. */
interface Front {
  readonly path: readonly (string | number)[];
  readonly what: string;
}

const isCloud = ({ platform }: SiteSpec) => platform === "aws" || platform === "azure";

/** Everything that gets a Service of type LoadBalancer from the operator. */
function balanced({ gatewayApi, ingress }: ServiceMeshSpec) {
  return [
    ...(gatewayApi?.expose === "load-balancer" ? gatewayApi.gateways : []).map(({ address, name }, index) => ({
      path: ["gatewayApi", "gateways", index],
      what: `Gateway ${name}`,
      address,
    })),
    ...(ingress?.ingresses ?? []).flatMap(({ address, mode, name }, index) =>
      mode === "dedicated" ? [{ path: ["ingress", "ingresses", index], what: `Ingress ${name}`, address }] : [],
    ),
  ];
}

/** Ports that Envoy or kube-proxy's replacement opens on every node. */
function onNodes({ gatewayApi, ingress }: ServiceMeshSpec): (Front & { readonly port: number })[] {
  const shared = ingress?.shared;
  return [
    ...(gatewayApi?.expose === "host-network" ? gatewayApi.gateways : []).flatMap(({ listeners, name }, gateway) =>
      // Listeners of one Gateway share a port by host names.
      [...new Map(listeners.map(({ port }, index) => [port, index]))].map(([port, index]) => ({
        path: ["gatewayApi", "gateways", gateway, "listeners", index, "port"],
        what: `Gateway ${name}`,
        port,
      })),
    ),
    ...(shared?.expose === "host-network"
      ? [{ path: ["ingress", "shared", "port"], what: "The shared Ingress", port: shared.port }]
      : []),
    ...(shared?.expose === "node-port"
      ? (["http", "https"] as const).map((key) => ({
          path: ["ingress", "shared", key],
          what: "The shared Ingress",
          port: shared[key],
        }))
      : []),
  ];
}

/** Ports of a node that somebody holds, by who it is. */
const taken: Readonly<Record<number, string>> = {
  ...heldPorts,
  [ports.api.frontend]: "the node's proxy to the API",
  [ports.api.backend]: "the API server",
  [ports.mesh.backend]: "the mesh's NodePort",
  [ports.kubelet]: "kubelet",
  ...Object.fromEntries(ports.etcd.map((port) => [port, "etcd"])),
  // kubernetes.io/docs/reference/networking/ports-and-protocols
  10256: "kube-proxy's health check",
  10257: "the controller manager",
  10259: "the scheduler",
};

function addressProblems(spec: ServiceMeshSpec, site: SiteSpec): Violation[] {
  const fronts = balanced(spec);
  if (isCloud(site)) {
    return fronts.map(({ path, what }) => ({
      path,
      message: `${what} gets a Service of type LoadBalancer, and in a cluster of ours on ${site.platform} nobody gives it an address.`,
      fix: "Write gatewayApi.expose: host-network, or a shared Ingress, and balance to the nodes' ports by a load balancer of your own.",
    }));
  }
  const own = site.platform === "on-prem" && site.meshAddress ? [{ address: site.meshAddress, what: "the mesh" }] : [];
  return fronts.flatMap(({ address, path, what }, index) => {
    if (address === undefined) return [];
    const here = [...path, "address"];
    const outside = site.platform === "on-prem" && !contains(site.loadBalancers, address);
    const before = [...own, ...fronts.slice(0, index)].find((front) => front.address === address);
    return [
      ...(outside && site.platform === "on-prem"
        ? [
            {
              path: here,
              message: `${address} is not in loadBalancers ${site.loadBalancers}, so ${what} gets none.`,
              fix: "Write an address of that block.",
            },
          ]
        : []),
      ...(before
        ? [{ path: here, message: `${address} is that of ${before.what} already.`, fix: "Write another address." }]
        : []),
    ];
  });
}

export const serviceMeshFrontRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-2156",
    severity: "error",
    title: "Whatever gets a Service of type LoadBalancer gets an address of its own.",
    korean:
      "LoadBalancer 서비스를 받는 Gateway와 전용 Ingress에는 주소를 줄 곳이 있어야 하고, 주소는 겹치지 않아야 합니다.",
    reason:
      "The operator makes the Service; its address comes from an address pool or a cloud controller, of which ours on AWS and Azure have none (Documentation/network/lb-ipam.rst).",
    check: onServiceMesh(addressProblems),
  },
  {
    code: "GB-2157",
    severity: "error",
    title: "No release waits for the shared Ingress's address.",
    korean: "공유 Ingress의 LoadBalancer 주소를 기다리는 Helm 릴리스는 끝나지 않습니다.",
    reason:
      "The chart makes that Service. Helm waits for its address, and the pool can only be made once the release is through (helm/helm pkg/kube/ready.go).",
    check: onServiceMesh(({ ingress }, site) =>
      ingress?.shared.expose === "load-balancer" && site.platform !== "existing"
        ? [
            {
              path: ["ingress", "shared", "expose"],
              message: "Nothing gives the shared Ingress's Service an address while the release is installed.",
              fix: isCloud(site)
                ? "Write expose: node-port and balance to the nodes yourself."
                : "Write mode: dedicated at the Ingress, use a Gateway, or write expose: node-port behind a load balancer of the data centre.",
            },
          ]
        : [],
    ),
  },
  {
    code: "GB-2158",
    severity: "error",
    title: "A dedicated Ingress has a Service of its own.",
    korean: "host-network 모드에서는 전용(dedicated) Ingress를 쓸 수 없습니다.",
    reason:
      "On the host network the controller makes no Service of type LoadBalancer for any Ingress (Documentation/network/servicemesh/ingress.rst, Host network mode).",
    check: onServiceMesh(({ ingress }) =>
      ingress?.shared.expose === "host-network"
        ? ingress.ingresses.flatMap(({ mode, name }, index) =>
            mode === "dedicated"
              ? [
                  {
                    path: ["ingress", "ingresses", index, "mode"],
                    message: `Ingress ${name} gets no address: the controller listens on the host network.`,
                    fix: "Write mode: shared, or shared.expose: node-port.",
                  },
                ]
              : [],
          )
        : [],
    ),
  },
  {
    code: "GB-2159",
    severity: "error",
    title: "Ports on nodes are free, and Envoy may open them.",
    korean: "노드에 여는 포트는 비어 있어야 하고 1024 이상이어야 합니다.",
    reason:
      "The listener fails where another process holds the port, or below 1024 without NET_BIND_SERVICE (Documentation/network/servicemesh/gateway-api/host-network-mode.rst).",
    check: onServiceMesh((spec) => {
      const fronts = onNodes(spec);
      const again = repeated(fronts, ({ port }) => String(port));
      return fronts.flatMap(({ path, port, what }, index) => {
        const holder = taken[port] ?? (again.includes(index) ? "another front of this file" : undefined);
        const message =
          port < 1024
            ? `${what} is to listen on port ${port} of every node, which Envoy may not.`
            : holder === undefined
              ? undefined
              : `${what} is to listen on port ${port} of every node, which ${holder} holds.`;
        return message === undefined ? [] : [{ path, message, fix: "Write another port from 1024 on." }];
      });
    }),
  },
  {
    code: "GB-2165",
    severity: "warning",
    title: "Fronts on nodes are reachable from outside.",
    korean: "클라우드 사이트의 방화벽은 이 포트를 밖에 열지 않습니다. 노드와 파드에서만 접속됩니다.",
    reason:
      "Firewalls on clouds follow the port table, which opens no port of the service mesh (components/network/ports.ts).",
    check: onServiceMesh((spec, site) =>
      isCloud(site)
        ? onNodes(spec)
            .slice(0, 1)
            .map(({ path, port, what }) => ({
              path,
              message: `${what} listens on port ${port} of every node, and the firewall of this site opens it to nobody else.`,
              fix: "Accept this while only pods and nodes call it.",
            }))
        : [],
    ),
  },
];
