import type { PlannedResource, PlannedStack } from "../../proof/recorded.ts";
import { azureExtras } from "./mutation-additions-azure.ts";
import { list, narrowed, record, text, widened } from "./mutation-inputs.ts";
import { type Add, eachResource, elsewhere, everywhere, type Grow, type Mutation, mutation } from "./mutations.ts";

/** Things that were not asked for: copies with wider or other contents, doors left open, ways to elsewhere. */
export function additions(stacks: readonly PlannedStack[]): Mutation[] {
  return eachResource(stacks, (resource, replace) => {
    const add = (what: string, inputs: Record<string, unknown>, type = resource.type) =>
      mutation("addition", resource, what, `and ${what}: ${JSON.stringify(inputs)}`, () => {
        const name = `${resource.name}-added`;
        return replace([resource, { ...resource, type, name, id: `${resource.id}-added`, inputs }]);
      });
    const grow = (what: string, inputs: Record<string, unknown>) =>
      mutation("addition", resource, what, what, () => replace([{ ...resource, inputs }]));
    return extras(resource, stacks, add, grow);
  });
}

function extras(resource: PlannedResource, stacks: readonly PlannedStack[], add: Add, grow: Grow): Mutation[] {
  const { type, inputs, id } = resource;
  const ofType = (wanted: string) =>
    stacks.flatMap(({ resources }) => resources).filter((resource) => resource.type === wanted);
  switch (type) {
    case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
    case "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":
      return [
        add("the same rule again", inputs),
        add("the rule for twice the remote", { ...inputs, cidrIpv4: widened(inputs.cidrIpv4) }),
        add("the rule for everyone", { ...inputs, cidrIpv4: everywhere }),
        add("the rule for another remote", { ...inputs, cidrIpv4: elsewhere }),
        add("the rule for the next port", { ...inputs, ...nextPorts(inputs) }),
        add("the rule for another protocol", { ...inputs, ipProtocol: inputs.ipProtocol === "udp" ? "tcp" : "udp" }),
        add("the rule for every protocol", {
          securityGroupId: inputs.securityGroupId,
          ipProtocol: "-1",
          cidrIpv4: inputs.cidrIpv4,
        }),
      ];
    case "aws:ec2/securityGroup:SecurityGroup":
      return [
        add(
          "a rule that lets everyone in",
          { securityGroupId: id, ipProtocol: "-1", cidrIpv4: everywhere },
          "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        ),
        add(
          "a rule that lets SSH in from everywhere",
          { securityGroupId: id, ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: everywhere },
          "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        ),
        add(
          "a rule that lets everything out",
          { securityGroupId: id, ipProtocol: "-1", cidrIpv4: everywhere },
          "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        ),
        add(
          "a rule for members of the same group",
          { securityGroupId: id, ipProtocol: "-1", referencedSecurityGroupId: id },
          "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        ),
        grow("an inline rule that lets everyone in", {
          ...inputs,
          ingress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: [everywhere] }],
        }),
      ];
    case "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
      return [
        grow("an inline rule that lets everyone in", {
          ...inputs,
          ingress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: [everywhere] }],
        }),
      ];
    case "aws:ec2/routeTable:RouteTable": {
      const [gateway] = ofType("aws:ec2/internetGateway:InternetGateway");
      const [first, second] = ofType("aws:ec2/networkInterface:NetworkInterface");
      const route = (what: string, rest: Record<string, unknown>) =>
        add(what, { routeTableId: id, ...rest }, "aws:ec2/route:Route");
      return [
        route("a default route to the internet gateway", {
          destinationCidrBlock: everywhere,
          gatewayId: gateway?.id ?? "internetgateway-none",
        }),
        route("a route to elsewhere", { destinationCidrBlock: elsewhere, networkInterfaceId: first?.id }),
        route("a route for one address", { destinationCidrBlock: "10.129.0.7/32", networkInterfaceId: second?.id }),
      ];
    }
    case "aws:ec2/route:Route":
      return [
        add("the same route again", inputs),
        add("a narrower route", { ...inputs, destinationCidrBlock: narrowed(inputs.destinationCidrBlock) }),
        add("a wider route", { ...inputs, destinationCidrBlock: widened(inputs.destinationCidrBlock) }),
      ];
    case "aws:ec2/networkInterface:NetworkInterface":
      return [
        grow("another security group", {
          ...inputs,
          securityGroups: [
            ...list(inputs.securityGroups),
            ofType("aws:ec2/securityGroup:SecurityGroup").find(
              (group) => !list(inputs.securityGroups).includes(group.id),
            )?.id,
          ],
        }),
        grow("another address", { ...inputs, privateIps: [...list(inputs.privateIps), "10.10.1.99"] }),
        add("a public address", { networkInterface: id, domain: "vpc" }, "aws:ec2/eip:Eip"),
      ];
    case "aws:lb/targetGroupAttachment:TargetGroupAttachment":
      return [
        add("another port of the target", { ...inputs, port: Number(inputs.port) + 1 }),
        add("a target that is no slot", { ...inputs, targetId: "10.10.0.250" }),
      ];
    case "aws:lb/listener:Listener":
      return [add("a listener on the next port", { ...inputs, port: Number(inputs.port) + 1 })];
    case "aws:ec2transitgateway/routeTable:RouteTable":
      return [
        ...[
          ...ofType("aws:ec2transitgateway/vpcAttachment:VpcAttachment").map((one) => one.id),
          ...vpnAttachments(stacks),
        ]
          .filter(
            (attachment) =>
              !ofType("aws:ec2transitgateway/routeTablePropagation:RouteTablePropagation").some(
                ({ inputs: known }) =>
                  known.transitGatewayRouteTableId === id && known.transitGatewayAttachmentId === attachment,
              ),
          )
          .map((attachment) =>
            add(
              "a propagation",
              { transitGatewayRouteTableId: id, transitGatewayAttachmentId: attachment },
              "aws:ec2transitgateway/routeTablePropagation:RouteTablePropagation",
            ),
          ),
        ...["10.20.0.0/16", "10.129.5.0/24", elsewhere, everywhere].flatMap((destinationCidrBlock) => [
          add(
            "a black hole",
            { transitGatewayRouteTableId: id, destinationCidrBlock, blackhole: true },
            "aws:ec2transitgateway/route:Route",
          ),
          add(
            "a static route to the VPC",
            {
              transitGatewayRouteTableId: id,
              destinationCidrBlock,
              transitGatewayAttachmentId: ofType("aws:ec2transitgateway/vpcAttachment:VpcAttachment")[0]?.id,
            },
            "aws:ec2transitgateway/route:Route",
          ),
        ]),
      ];
    case "aws:ec2transitgateway/route:Route":
      return [
        add("a wider route", { ...inputs, destinationCidrBlock: widened(inputs.destinationCidrBlock) }),
        add("a narrower route", { ...inputs, destinationCidrBlock: narrowed(inputs.destinationCidrBlock) }),
      ];
    case "kubernetes:cilium.io/v2:CiliumBGPClusterConfig":
      return bgpClusterExtras(inputs, add, grow);
    case "kubernetes:cilium.io/v2:CiliumBGPAdvertisement": {
      const spec = record(inputs.spec);
      const advertisements = list(spec.advertisements);
      const more = (what: string, advertisement: unknown) =>
        grow(what, { ...inputs, spec: { ...spec, advertisements: [...advertisements, advertisement] } });
      return [
        more("every Service's address", {
          advertisementType: "Service",
          service: { addresses: ["LoadBalancerIP"] },
          selector: { matchExpressions: [{ key: "nothing", operator: "DoesNotExist" }] },
        }),
        more("cluster addresses", {
          advertisementType: "Service",
          service: { addresses: ["ClusterIP"] },
          selector: { matchLabels: { "gyeongbu.io/announce": "true" } },
        }),
        more("a whole pool", { advertisementType: "CiliumPodIPPool" }),
      ];
    }
    case "kubernetes:cilium.io/v2:CiliumLoadBalancerIPPool": {
      const spec = record(inputs.spec);
      return [
        grow("a block of addresses", {
          ...inputs,
          spec: { ...spec, blocks: [...list(spec.blocks), { cidr: elsewhere }] },
        }),
        add("another pool", {
          ...inputs,
          metadata: { name: "added" },
          spec: { ...spec, blocks: [{ cidr: elsewhere }] },
        }),
      ];
    }
    default:
      return azureExtras(resource, stacks, add, grow);
  }
}

function bgpClusterExtras(inputs: Readonly<Record<string, unknown>>, add: Add, grow: Grow): Mutation[] {
  const spec = record(inputs.spec);
  const instances = list(spec.bgpInstances).map(record);
  const [first] = instances;
  const peers = list(first?.peers).map(record);
  const withPeers = (more: Record<string, unknown>) => ({
    ...inputs,
    spec: { ...spec, bgpInstances: instances.map((one) => ({ ...one, peers: [...list(one.peers), more] })) },
  });
  return [
    grow("a peer that is no ToR", withPeers({ ...peers[0], name: "added", peerAddress: "198.51.100.7" })),
    grow("a peer twice", withPeers({ ...peers[0], name: "added" })),
    grow("another instance", {
      ...inputs,
      spec: { ...spec, bgpInstances: [...instances, { ...first, name: "added", localASN: 64_999 }] },
    }),
    add("the same configuration again", { ...inputs, metadata: { name: "added" } }),
    add("a configuration for all nodes", {
      ...inputs,
      metadata: { name: "added" },
      spec: { ...spec, nodeSelector: undefined },
    }),
  ];
}

/** Ids by which VPN connections are attached, as associations and propagations name them. */
function vpnAttachments(stacks: readonly PlannedStack[]): string[] {
  const named = stacks
    .flatMap(({ resources }) => resources)
    .filter(({ type }) => type.startsWith("aws:ec2transitgateway/routeTableAssociation:"))
    .map(({ inputs }) => text(inputs.transitGatewayAttachmentId));
  return [...new Set(named)].filter((id) => !id.startsWith("vpcattachment-"));
}

function nextPorts({ fromPort, toPort }: Readonly<Record<string, unknown>>) {
  return typeof fromPort === "number" && typeof toPort === "number" && fromPort > 0
    ? { fromPort: toPort + 1, toPort: toPort + 1 }
    : { ipProtocol: "tcp", fromPort: 1, toPort: 1 };
}
