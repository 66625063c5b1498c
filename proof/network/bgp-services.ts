import type { z } from "zod";
import { bgpLoadBalancerClass, fixedAddressAnnotation } from "../../components/cilium/mesh-values.ts";
import { bounds, type Cidr, contains, Ipv4, single } from "../../components/network/cidr.ts";
import { ports as portNumbers } from "../../components/network/ports.ts";
import { objects, type Pool, type Read, Release, Service, selects } from "./bgp-shapes.ts";
import { type Flaw, type Origin, originOf, type StackResource } from "./model.ts";

/** A Service of type LoadBalancer with the address that LB-IPAM gives it. */
export interface Vip {
  readonly address: Ipv4;
  readonly origin: Origin;
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}

export interface LabelledVip {
  readonly vip: Vip;
  readonly labels: Readonly<Record<string, string>>;
}

/** The addresses of Services that LB-IPAM gives and BGP may announce. */
export function vipsOf(
  resources: readonly StackResource[],
  pools: readonly Read<z.infer<typeof Pool>>[],
  flaws: Flaw[],
): LabelledVip[] {
  for (const [index, { origin, value }] of pools.entries()) {
    const earlier = pools.slice(0, index).flatMap((pool) => pool.value.spec.blocks);
    for (const { cidr } of value.spec.blocks) {
      if (earlier.some((other) => contains(other.cidr, cidr) || contains(cidr, other.cidr)))
        flaws.push({ origin, message: `block ${cidr} is part of another pool; Cilium then uses neither` });
    }
  }
  const services = [...objects(resources, "kubernetes:core/v1:Service", Service, flaws), ...chartServices(resources)];
  return services.flatMap(({ origin, value }): LabelledVip[] => {
    const { metadata: meta, spec } = value;
    if (spec.type !== "LoadBalancer") return [];
    const wanted = Ipv4.safeParse(meta.annotations[fixedAddressAnnotation]);
    if (!wanted.success) {
      flaws.push({
        origin,
        message: `has no fixed address: annotation ${fixedAddressAnnotation} is ${meta.annotations[fixedAddressAnnotation] ?? "not there"}`,
      });
      return [];
    }
    const address = wanted.data;
    const gives = pools.some(
      ({ value: { spec: pool } }) =>
        pool.disabled !== true &&
        (!pool.serviceSelector || selects(pool.serviceSelector, meta.labels)) &&
        pool.blocks.some(
          ({ cidr }) => contains(cidr, address) && (pool.allowFirstLastIPs !== "No" || !isEdge(cidr, address)),
        ),
    );
    if (!gives) {
      flaws.push({ origin, message: `asks for ${address}, which no CiliumLoadBalancerIPPool gives` });
      return [];
    }
    if (spec.loadBalancerClass !== bgpLoadBalancerClass) {
      flaws.push({
        origin,
        message: `loadBalancerClass ${spec.loadBalancerClass ?? "(none)"} is not ${bgpLoadBalancerClass}, so BGP does not announce it`,
      });
      return [];
    }
    const ports = spec.ports.map(({ port, protocol }) => ({ port, protocol }));
    return [{ vip: { address, origin, ports }, labels: meta.labels }];
  });
}

/** The Service that Cilium's chart makes by itself where its version leaves no other way. */
function chartServices(resources: readonly StackResource[]): Read<z.infer<typeof Service>>[] {
  return resources.flatMap((resource) => {
    if (resource.type !== "kubernetes:helm.sh/v3:Release") return [];
    const { data } = Release.safeParse(resource.inputs);
    const service = data?.values.clustermesh?.apiserver.service;
    if (!service) return [];
    const value = Service.parse({
      metadata: { name: "clustermesh-apiserver", labels: service.labels, annotations: service.annotations },
      spec: {
        type: service.type,
        loadBalancerClass: service.loadBalancerClass,
        ports: [{ port: portNumbers.mesh.frontend }],
      },
    });
    return [{ origin: originOf(resource, "the Service of clustermesh-apiserver"), value }];
  });
}

function isEdge(block: Cidr, address: Ipv4): boolean {
  const [first, last] = bounds(block);
  const [number] = bounds(single(address));
  return number === first || number === last;
}
