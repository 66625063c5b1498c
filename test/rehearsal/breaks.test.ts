import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { World } from "../../rehearsal/world.ts";
import { changed, pick, valued, WholeWorld, without } from "../support/broken-world.ts";

const natGateway = "natGateway:NatGateway";
const noRoute = (table: string, of: string) => new RegExp(`route table \\S+ \\(${table}\\) has no route for ${of}`);

/** What is broken, how, and the words that name it. */
const breaks: [what: string, breakIt: (world: World) => void, words: RegExp][] = [
  [
    "a node's pod route",
    without("ec2/route:Route", /^prod-seoul-control-2-node-b$/),
    noRoute("prod-seoul-node-b", "10\\.128\\.2\\."),
  ],
  [
    "a pod route from the interconnect",
    without("ec2/route:Route", /^prod-seoul-app-1-transit-c$/),
    noRoute("prod-seoul-transit-c", "10\\.128\\.17\\."),
  ],
  [
    "a route to another machine",
    (world) => {
      const [other] = pick(world, "networkInterface", /^prod-seoul-app-1$/);
      changed("ec2/route:Route", /^prod-seoul-app-0-node/, () => ({ networkInterfaceId: other?.id ?? "" }))(world);
    },
    /a route sends packets for 10\.128\.16\.10 to the machine at 10\.10\.16\.33, and they belong to 10\.10\.0\.32/,
  ],
  [
    "sourceDestCheck left on",
    changed("networkInterface:", /^prod-seoul-app-0$/, () => ({ sourceDestCheck: true })),
    /\(prod-seoul-app-0\) drops packets (for|from) 10\.128\.16\.10: sourceDestCheck is on/,
  ],
  [
    "a route table of no subnet",
    without("routeTableAssociation:", /^prod-seoul-node-a$/),
    /\(prod-seoul-node-a\) has no route table/,
  ],
  [
    "the way to the Internet",
    without("ec2/route:Route", /^prod-seoul-nat-b-default$/),
    noRoute("prod-seoul-node-b", "198\\."),
  ],
  [
    "a NAT gateway in a private subnet",
    (world) => {
      const [subnet] = pick(world, "ec2/subnet:Subnet", /^prod-seoul-node-a$/);
      changed(natGateway, /^prod-seoul-nat-a$/, () => ({ subnetId: subnet?.id ?? "" }))(world);
    },
    /NAT gateway nat-\w+ stands in a subnet without a route to an internet gateway/,
  ],
  [
    "a target of the API's load balancer",
    without("targetGroupAttachment:", /^prod-seoul-control-1-api$/),
    /load balancer 10\.10\.0\.8:8443 does not send to the control plane prod-seoul-control-1/,
  ],
  [
    "the port behind the API's load balancer",
    changed("targetGroupAttachment:", /-api$/, () => ({ port: 8443 })),
    /no control plane's port 6443 is behind the load balancer 10\.10\.0\.8:8443/,
  ],
  [
    "the port of a health check",
    changed("lb/targetGroup:TargetGroup", /api$/, () => ({ healthCheck: { port: "80" } })),
    /load balancer 10\.10\.0\.8:8443 checks 10\.10\.0\.16 at port 80/,
  ],
  [
    "a listener",
    without("lb/listener:Listener", /mesh$/),
    /clustermesh-apiserver at 10\.10\.0\.9:2379, where nothing listens/,
  ],
  [
    "a machine behind the mesh's load balancer",
    changed("targetGroupAttachment:", /^prod-seoul-app-0-mesh$/, () => ({ targetId: "10.10.0.99" })),
    /also sends to 10\.10\.0\.99:32379, where nothing listens/,
  ],
  [
    "IP forwarding",
    changed("network:NetworkInterface", /^dr-busan-app-0$/, () => ({ enableIPForwarding: false })),
    /dr-busan-app-0\w* drops packets (for|from) 10\.129\.16\.10: enableIPForwarding is off/,
  ],
  [
    "a user-defined route",
    without("network:Route", /^dr-busan-app-0-node$/),
    /route table dr-busan-node\w* of subnet node has no route for 10\.129\.16\.10/,
  ],
  [
    "a next hop",
    changed("network:Route", /^dr-busan-app-0-node$/, () => ({ nextHopIpAddress: "10.20.0.99" })),
    /route dr-busan-app-0 of table dr-busan-node\w* leads to 10\.20\.0\.99, which no network interface has/,
  ],
  [
    "the gateway subnet's table",
    changed("network:Subnet", /GatewaySubnet$/, () => ({ routeTable: {} })),
    /subnet GatewaySubnet, which has no route table, has no route for 10\.129/,
  ],
  [
    "what BGP tells the nodes' subnet",
    changed("network:RouteTable", /^dr-busan-node$/, () => ({ disableBgpRoutePropagation: true })),
    /route table dr-busan-node\w* of subnet node has no route for 10\.10\./,
  ],
  [
    "the pods in the virtual network",
    changed("network:VirtualNetwork", /^dr-busan$/, () => ({ addressSpace: { addressPrefixes: ["10.20.0.0/16"] } })),
    /\(interconnect-aws-from-vpc\) has no route for 10\.129\./,
  ],
  [
    "NAT on Azure",
    changed("network:Subnet", /^dr-busan-node$/, () => ({ natGateway: {} })),
    /subnet node has no way out: no NAT gateway/,
  ],
  [
    "a probe",
    changed("network:LoadBalancer", /./, ({ probes }) => ({
      probes: (Array.isArray(probes) ? probes : []).map((probe) => ({ ...Object(probe), port: 6444 })),
    })),
    /load balancer 10\.20\.0\.8:8443 checks 10\.20\.0\.16 at port 6444/,
  ],
  [
    "a rule that denies",
    changed("network:SecurityRule", /^dr-busan-worker$/, ({ name }) =>
      name === "wireguard-in" ? { access: "Deny" } : {},
    ),
    /network security group dr-busan-worker\w* \(wireguard-in\) of dr-busan-app-\w+ denies udp 51871/,
  ],
  [
    "a zone of the attachment",
    changed("vpcAttachment:", /./, ({ subnetIds }) => ({
      subnetIds: Array.isArray(subnetIds) ? subnetIds.slice(0, 2) : [],
    })),
    /\(interconnect-aws\) has no subnet in ap-northeast-2c/,
  ],
  [
    "the pods' route of the transit gateway",
    without("ec2transitgateway/route:Route"),
    /route table dr-busan-node\w* of subnet node has no route for 10\.128\./,
  ],
  [
    "what the VPC tells the tunnels",
    without("routeTablePropagation:", /^interconnect-aws-vpc$/),
    /has no route for 10\.10\./,
  ],
  [
    "what one VPN tells the VPC",
    without("routeTablePropagation:", /instance1$/),
    /\(interconnect-instance1\) propagates nothing to \S+ \(interconnect-aws-from-vpc\)/,
  ],
  [
    "a VPN's association",
    without("routeTableAssociation:", /instance1$/),
    /\(interconnect-instance1\) is associated with no transit gateway route table/,
  ],
  [
    "the VPC's way to the peer's pods",
    without("ec2/route:Route", /^interconnect-aws-node-a-10\.129/),
    noRoute("prod-seoul-node-a", "10\\.129\\."),
  ],
  [
    "a pre-shared key",
    changed("GatewayConnection", /instance0-tunnel2$/, () => ({ sharedKey: "sha256:00" })),
    /tunnel 2 of vpn-\w+ \(\S+\) is down: pre-shared keys differ/,
  ],
  [
    "an ASN",
    changed("LocalNetworkGateway", /instance0-tunnel1$/, () => ({
      bgpSettings: { asn: 64_513, bgpPeeringAddress: "169.254.21.1" },
    })),
    /tunnel 1 of vpn-\w+ \(\S+\) is down: ASN of AWS: 64512 on AWS, 64513 on Azure/,
  ],
  [
    "a BGP address",
    changed("LocalNetworkGateway", /instance1-tunnel1$/, () => ({
      bgpSettings: { asn: 64_512, bgpPeeringAddress: "169.254.21.6" },
    })),
    /is down: BGP address of AWS \(first host of the tunnel's \/30\): 169\.254\.21\.5 on AWS, 169\.254\.21\.6 on Azure/,
  ],
  [
    "a proposal",
    changed("GatewayConnection", /instance0-tunnel1$/, () => ({
      ipsecPolicies: [
        {
          dhGroup: "DHGroup14",
          ikeEncryption: "GCMAES256",
          ikeIntegrity: "SHA384",
          ipsecEncryption: "GCMAES256",
          ipsecIntegrity: "GCMAES256",
          pfsGroup: "ECP384",
        },
      ],
    })),
    /is down: IKE group: 20 on AWS, DHGroup14 on Azure/,
  ],
  [
    "a tunnel",
    without("GatewayConnection", /instance1-tunnel2$/),
    /tunnel 2 of vpn-\w+ \(\S+\) is down: no connection of interconnect-azure leads to it/,
  ],
  [
    "a pod block",
    changed("node", /^$/, ({ name, ...rest }) => (name === "prod-seoul-app-1" ? { ...rest, podCIDR: "" } : {})),
    /node prod-seoul-app-1 has no spec\.podCIDR/,
  ],
  [
    "the agents' port of the API",
    valued("prod-seoul", "k8sServicePort", 6443),
    /the agents look for the API server at \S+:6443, and \S+ serves port 8443/,
  ],
  [
    "the native routing range",
    valued("prod-seoul", "ipv4NativeRoutingCIDR", "10.128.0.0/16"),
    /ipv4NativeRoutingCIDR 10\.128\.0\.0\/16 does not hold 10\.129\.\d+\.0\/24 of dr-busan/,
  ],
  [
    "a peer's address",
    valued("prod-seoul", "clustermesh.config.clusters", [{ name: "dr-busan", port: 2379, ips: ["10.20.0.10"] }]),
    /looks for dr-busan's clustermesh-apiserver at 10\.20\.0\.10:2379/,
  ],
  [
    "a peer",
    valued("dr-busan", "clustermesh.config.clusters", []),
    /its stack file names the peer prod-seoul, which its Cilium does not list/,
  ],
  ["the CA", valued("dr-busan", "tls.ca.cert", "sha256:00"), /different CAs in tls\.ca\.cert/],
  [
    "the cluster's name",
    valued("dr-busan", "cluster.name", "busan"),
    /lists dr-busan, and no cluster of the world bears that cluster\.name/,
  ],
  ["equal cluster ids", valued("dr-busan", "cluster.id", 1), /have the same cluster\.id 1/],
  [
    "the NodePort",
    valued("prod-seoul", "clustermesh.apiserver.service.nodePort", 32_380),
    /no node of prod-seoul with its NodePort 32380 is behind that load balancer/,
  ],
  ["encryption of one side", valued("dr-busan", "encryption.enabled", false), /differ in encryption\.enabled/],
  [
    "the key of IPsec",
    (world) => {
      for (const cluster of ["prod-seoul", "dr-busan"]) valued(cluster, "encryption.type", "ipsec")(world);
    },
    /kube-system has no Secret cilium-ipsec-keys/,
  ],
  ["the MTU of one side", valued("prod-seoul", "MTU", 9001), /differ in MTU \(9001, 1400\)/],
  [
    "traffic over all tunnels",
    changed("transitGateway:TransitGateway", /./, () => ({ vpnEcmpSupport: "disable" })),
    /vpnEcmpSupport disable, so one tunnel carries everything/,
  ],
  [
    "BGP on AWS",
    changed("vpnConnection:", /instance0$/, () => ({ staticRoutesOnly: true })),
    /is down: BGP: off on AWS \(staticRoutesOnly\)/,
  ],
  [
    "name resolution",
    changed("ec2/vpc:Vpc", /./, () => ({ enableDnsSupport: false })),
    /vpc-\w+ \(prod-seoul\) has enableDnsSupport off/,
  ],
  [
    "the demo on one side",
    (world) => {
      for (const { provider, id } of pick(world, "core/v1:Service", /demo/).filter(({ place }) => place === "dr-busan"))
        world.remove(provider, id);
    },
    /Service gyeongbu-demo\/hello is global in prod-seoul and no global Service of dr-busan/,
  ],
  [
    "an annotation's name",
    changed("core/v1:Service", /demo/, ({ body }) => ({
      body: { ...Object(body), metadata: { annotations: { "service.cilium.io/globl": "true" } } },
    })),
    /has the annotation service\.cilium\.io\/globl, which Cilium does not know/,
  ],
  [
    "a secret in user data",
    changed("machine", /prod-seoul-app-0$/, ({ userData }) => ({
      userData: `${JSON.stringify(userData)}\n# ${"ab".repeat(32)}`,
    })),
    /prod-seoul-app-0: its user data holds 1 keys of 32 bytes/,
  ],
];

let whole: WholeWorld;
beforeAll(async () => {
  whole = await WholeWorld.build();
}, 60_000);
afterAll(() => whole.remove());

describe("the whole world", () => {
  it("carries what it should", () => {
    expect(whole.problemsAfter(() => undefined)).toEqual([]);
  });

  it.each(breaks)("without %s is refused, by name", (_, breakIt, words) => {
    const problems = whole.problemsAfter(breakIt);
    expect(problems.filter((problem) => words.test(problem))).not.toEqual([]);
  });
});
