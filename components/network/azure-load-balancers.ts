import { LoadBalancer } from "@pulumi/azure-native/network/loadBalancer.js";
import * as pulumi from "@pulumi/pulumi";
import type { AzureSiteSpec } from "../config/schema.ts";
import type { AzureNetwork } from "./azure-network.ts";
import type { Ipv4 } from "./cidr.ts";
import { apiEndpoint, meshEndpoint, type Slot } from "./plan.ts";
import { ports } from "./ports.ts";

export interface AzureLoadBalancersArgs {
  site: AzureSiteSpec;
  network: AzureNetwork;
}

/** One front door: a fixed address in front, a pool of interfaces behind. */
interface FrontDoor {
  readonly noun: "api" | "mesh";
  readonly address: Ipv4;
  readonly port: number;
  readonly targetPort: number;
}

/**
 * The site's internal load balancer with two fixed addresses: the Kubernetes API's and, in a mesh, the clustermesh-apiserver's.
 *
 * Interfaces join its pools themselves, so a new slot does not touch it. A machine behind it must not dial it: Azure sends such a packet
 * back to the machine that sent it and the connection hangs, which is why control planes reach the API through a proxy of their own.
 */
export class AzureLoadBalancers extends pulumi.ComponentResource {
  readonly #pools: Readonly<Record<Slot["role"], readonly pulumi.Output<string>[]>>;

  constructor(name: string, { site, network }: AzureLoadBalancersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:AzureLoadBalancers", name, {}, opts);
    const doors = frontDoors(site);
    const loadBalancerName = `${name}-internal`;
    // Its rules name its own parts by full id, so its name must be known before it exists.
    const id = pulumi.interpolate`${network.resourceGroupId}/providers/Microsoft.Network/loadBalancers/${loadBalancerName}`;
    const part = (kind: string, { noun }: FrontDoor) => ({ id: pulumi.interpolate`${id}/${kind}/${noun}` });
    const balancer = new LoadBalancer(
      loadBalancerName,
      {
        loadBalancerName,
        resourceGroupName: network.resourceGroupName,
        location: site.location,
        sku: { name: "Standard" },
        frontendIPConfigurations: doors.map(({ noun, address }) => ({
          name: noun,
          privateIPAddress: address,
          privateIPAllocationMethod: "Static",
          subnet: { id: network.nodeSubnetId },
        })),
        backendAddressPools: doors.map(({ noun }) => ({ name: noun })),
        // TCP: the API server answers no anonymous request. Two failed probes 5 s apart, the shortest interval, take a machine out.
        probes: doors.map(({ noun, targetPort }) => ({
          name: noun,
          protocol: "Tcp",
          port: targetPort,
          intervalInSeconds: 5,
          probeThreshold: 2,
        })),
        loadBalancingRules: doors.map((door) => ({
          name: door.noun,
          protocol: "Tcp",
          frontendPort: door.port,
          backendPort: door.targetPort,
          frontendIPConfiguration: part("frontendIPConfigurations", door),
          backendAddressPool: part("backendAddressPools", door),
          probe: part("probes", door),
          enableFloatingIP: false,
          // Minutes, the most there is: watches are long and quiet. A reset tells a client that was cut off.
          idleTimeoutInMinutes: 30,
          enableTcpReset: true,
          disableOutboundSnat: true,
        })),
        tags: { "gyeongbu:site": site.name },
      },
      { parent: this, protect: true },
    );
    // Through the balancer's own id, so that whoever joins a pool waits for it.
    const poolsOf = (noun: FrontDoor["noun"]) =>
      doors.some((door) => door.noun === noun) ? [pulumi.interpolate`${balancer.id}/backendAddressPools/${noun}`] : [];
    this.#pools = { "control-plane": poolsOf("api"), worker: poolsOf("mesh") };
    this.registerOutputs({});
  }

  /** The pools that the interface of a slot of this role joins. */
  poolIds(role: Slot["role"]): readonly pulumi.Output<string>[] {
    return this.#pools[role];
  }
}

function frontDoors(site: AzureSiteSpec): FrontDoor[] {
  const api = apiEndpoint(site);
  const mesh = meshEndpoint(site);
  return [
    ...api.addresses.map((address) => ({
      noun: "api" as const,
      address,
      port: api.port,
      targetPort: ports.api.backend,
    })),
    ...(mesh?.addresses ?? []).map((address) => ({
      noun: "mesh" as const,
      address,
      port: ports.mesh.frontend,
      targetPort: ports.mesh.backend,
    })),
  ];
}
