import { Listener } from "@pulumi/aws/lb/listener.js";
import { LoadBalancer } from "@pulumi/aws/lb/loadBalancer.js";
import { TargetGroup } from "@pulumi/aws/lb/targetGroup.js";
import { TargetGroupAttachment } from "@pulumi/aws/lb/targetGroupAttachment.js";
import * as pulumi from "@pulumi/pulumi";
import type { AwsSiteSpec } from "../config/schema.ts";
import type { AwsFirewall } from "./aws-firewall.ts";
import type { AwsNetwork } from "./aws-network.ts";
import type { Ipv4 } from "./cidr.ts";
import { apiEndpoint, meshEndpoint, planSlots } from "./plan.ts";
import { type FirewallGroup, ports } from "./ports.ts";

export interface AwsLoadBalancersArgs {
  site: AwsSiteSpec;
  network: AwsNetwork;
  firewall: AwsFirewall;
}

/** One front door: fixed addresses in front, slots behind. */
interface FrontDoor {
  readonly noun: "api" | "mesh";
  readonly group: FirewallGroup;
  /** One per zone, in the order of the site's zones. */
  readonly addresses: readonly Ipv4[];
  readonly port: number;
  readonly targetPort: number;
  readonly targets: readonly { readonly name: string; readonly address: Ipv4 }[];
}

/** Names of load balancers and target groups hold 32 characters; Pulumi's suffix takes 8 and our noun up to 5. */
const siteNameRoom = 32 - 8 - 5;

/**
 * Internal network load balancers with fixed addresses: the Kubernetes API's and, in a mesh, the clustermesh-apiserver's.
 *
 * Targets are the slots' addresses, not machine ids: replacing a machine changes no target, and nothing here waits for machines.
 */
export class AwsLoadBalancers extends pulumi.ComponentResource {
  constructor(name: string, { site, network, firewall }: AwsLoadBalancersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gyeongbu:index:AwsLoadBalancers", name, {}, opts);
    const own = { parent: this };
    for (const door of frontDoors(site)) {
      const doorName = `${name.slice(0, siteNameRoom)}-${door.noun}`;
      const tags = { Name: `${site.name}-${door.noun}`, "gyeongbu:site": site.name };
      const balancer = new LoadBalancer(
        doorName,
        {
          loadBalancerType: "network",
          internal: true,
          securityGroups: [firewall.groupId(door.group)],
          subnetMappings: network.zones.map(({ nodeSubnetId }, index) => ({
            subnetId: nodeSubnetId,
            privateIpv4Address: addressOf(door, index),
          })),
          // Otherwise a zone whose targets are all down answers nothing while its address is still dialled.
          enableCrossZoneLoadBalancing: true,
          tags,
        },
        // The addresses are fixed, so a second one cannot stand beside the first.
        { ...own, protect: true, deleteBeforeReplace: true },
      );
      const group = new TargetGroup(
        doorName,
        {
          vpcId: network.vpcId,
          protocol: "TCP",
          port: door.targetPort,
          targetType: "ip",
          // A target that reaches itself through the balancer would otherwise see its own address as the client's and time out.
          preserveClientIp: "false",
          // TCP: the API server answers no anonymous request. Two failed checks 10 s apart take a target out.
          healthCheck: {
            protocol: "TCP",
            port: "traffic-port",
            interval: 10,
            healthyThreshold: 2,
            unhealthyThreshold: 2,
          },
          tags,
        },
        own,
      );
      new Listener(
        doorName,
        {
          loadBalancerArn: balancer.arn,
          protocol: "TCP",
          port: door.port,
          defaultActions: [{ type: "forward", targetGroupArn: group.arn }],
          tags,
        },
        own,
      );
      for (const target of door.targets) {
        new TargetGroupAttachment(
          `${target.name}-${door.noun}`,
          { targetGroupArn: group.arn, targetId: target.address, port: door.targetPort },
          own,
        );
      }
    }
    this.registerOutputs({});
  }
}

function frontDoors(site: AwsSiteSpec): FrontDoor[] {
  const slots = planSlots(site);
  const api = apiEndpoint(site);
  const mesh = meshEndpoint(site);
  return [
    {
      noun: "api",
      group: "api-load-balancer",
      addresses: api.addresses,
      port: api.port,
      targetPort: ports.api.backend,
      targets: slots.filter(({ role }) => role === "control-plane"),
    },
    ...(mesh
      ? [
          {
            noun: "mesh" as const,
            group: "mesh-load-balancer" as const,
            addresses: mesh.addresses,
            port: mesh.port,
            targetPort: ports.mesh.backend,
            targets: slots.filter(({ role }) => role === "worker"),
          },
        ]
      : []),
  ];
}

function addressOf({ noun, addresses }: FrontDoor, zone: number): Ipv4 {
  const address = addresses[zone];
  if (!address) throw new RangeError(`the ${noun} load balancer has no address in zone number ${zone}.`);
  return address;
}
