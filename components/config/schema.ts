import { z } from "zod";
import { Cidr, Ipv4 } from "../network/cidr.ts";
import { azureMachines, ec2Machines } from "../nodes/machines.ts";
import { PoliciesSpec } from "./policies.ts";
import { SegmentationSpec } from "./segmentation.ts";
import { ServiceMeshSpec } from "./service-mesh.ts";

/**
 * The shape of a stack file. Facts that join two fields or two files are rules (`proof/rules/`), not schema, so that all of
 * them are reported with a code. Defaults live here and nowhere else.
 */

/** Cilium's own limit: `cluster.name` is at most 32 characters of this alphabet (chart `templates/validate.yaml`). */
const SiteName = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/,
    "1 to 32 of a-z, 0-9 and -, starting and ending with a letter or digit",
  )
  .refine((name) => name !== "default", { error: 'Cilium reserves "default". Write the place, e.g. prod-seoul.' });

const Version = z.string().regex(/^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}$/, "write an exact version such as 1.36.4");
const HostKey = z.string().regex(/^ssh-ed25519 [A-Za-z0-9+/=]+$/, "write the host's public key: `ssh-ed25519 AAAA...`");
const DnsName = z
  .string()
  .regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]{2,}$/, "write a DNS name such as bank.example");
const Asn = z.int().min(1).max(4_294_967_294);
const Port = z.int().min(1).max(65_535);

function keysOf<T extends Record<string, unknown>>(table: T): [keyof T & string, ...(keyof T & string)[]] {
  const [first, ...rest] = Object.keys(table);
  if (first === undefined) throw new RangeError("an empty table has no keys");
  return [first, ...rest];
}
const Ec2Machine = z.enum(keysOf(ec2Machines));
const AzureMachine = z.enum(keysOf(azureMachines));

const network = z.strictObject({
  /** Nodes, load balancers and bastion: the VPC, the VNet, the IDC's node network. */
  nodes: Cidr,
  /** One /24 per slot, so a /16 holds 256 slots. */
  pods: Cidr,
  services: Cidr,
});

const KubernetesSpec = z.strictObject({
  version: Version,
  /** The API is `api.<site>.<domain>`; nodes find it in /etc/hosts, so no resolver is needed at boot. */
  domain: DnsName.default("gyeongbu.internal"),
  /** containerd release installed on every node; 2.3 is the LTS line (to 2028-04, endoflife.date/containerd). */
  containerdVersion: Version.default("2.3.2"),
  /** apt repositories; replace by a mirror where nodes have no way out. */
  packages: z
    .strictObject({
      kubernetes: z.url().default("https://pkgs.k8s.io/core:/stable:"),
      containerd: z.url().default("https://download.docker.com/linux/ubuntu"),
    })
    .prefault({}),
  /** Where kubeadm's images come from. */
  imageRegistry: z.string().default("registry.k8s.io"),
  /** Days of API audit logs kept on each control plane before the shipper's copy is the only one. */
  auditLogDays: z.int().min(7).max(365).default(30),
});

const ChartSource = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("repository"), url: z.url().default("https://helm.cilium.io/") }),
  z.strictObject({ kind: z.literal("oci"), url: z.string().regex(/^oci:\/\//, "write oci://registry/path/cilium") }),
  z.strictObject({ kind: z.literal("file"), path: z.string().min(1) }),
]);

const CiliumSpec = z.strictObject({
  version: Version.default("1.20.2"),
  /** The pod supernet of the whole mesh and nothing else; what lies outside is masqueraded to the node's address. */
  nativeRoutingCidr: Cidr,
  /** Bytes. Explicit, since auto-detection takes 9001 on AWS and a VPN leg carries 1400; cloud routers drop, they do not fragment. */
  mtu: z.int().min(1280).max(9001),
  encryption: z.enum(["wireguard", "ipsec", "none"]).default("wireguard"),
  routing: z.enum(["native", "vxlan", "geneve"]).default("native"),
  chart: ChartSource.prefault({ kind: "repository" }),
  images: z
    .strictObject({
      /** Replaces `quay.io`, e.g. `registry.bank.example/quay`. The chart's digests stay valid in a true mirror. */
      registry: z.string().min(1).optional(),
      /** Overrides of the chart's digests, by image name (`cilium`, `operator-generic`, `hubble-relay`, ...). */
      digests: z
        .record(z.string(), z.string().regex(/^sha256:[0-9a-f]{64}$/, "write sha256: and 64 hex digits"))
        .default({}),
    })
    .prefault({}),
  hubble: z
    .strictObject({
      relayReplicas: z.int().min(1).max(9).default(2),
      ui: z.boolean().default(true),
      /** Directory on a real disk: the chart's default /var/run is a tmpfs and forgets at reboot. */
      exportDirectory: z
        .string()
        .regex(/^\/var\/log\//, "a directory under /var/log")
        .default("/var/log/cilium/hubble"),
      /** MB per export file and files kept per node. */
      exportFileMaxMb: z.int().min(10).max(10_000).default(100),
      exportFileBackups: z.int().min(1).max(1000).default(20),
    })
    .prefault({}),
  /** Helm values merged last, over ours. Keys the chart does not know are refused. */
  values: z.record(z.string(), z.unknown()).default({}),
});

const MeshSpec = z.strictObject({
  /** Stack names of the other members; their stack files lie in the same folder. */
  peers: z.array(SiteName).min(1),
  /**
   * Seconds after which an unreachable peer's backends are dropped, on top of 60-150 s of detection (measured). Needs Cilium 1.19.
   */
  cacheTtlSeconds: z.int().min(0).max(3600).default(60),
  policyDefaultLocalCluster: z.boolean().default(true),
  maxConnectedClusters: z.union([z.literal(255), z.literal(511)]).default(255),
  apiserverReplicas: z.int().min(1).max(5).default(2),
  /** A global service with `affinity: local`, to see the mesh work. */
  demoService: z.boolean().default(false),
});

/**
 * What the bank has promised about a site. A promise that the settings cannot keep is refused, with the numbers that say why
 * (`proof/rules/promises.ts`).
 */
const PromisesSpec = z.strictObject({
  /** From the loss of this whole cluster until no peer sends its services another connection. */
  serviceFailoverSeconds: z.int().min(1).max(3600).optional(),
  /** From the loss of this site until its users are served again, by whichever site. */
  rtoMinutes: z.int().min(1).max(10_080).optional(),
  /** How much of the cluster's own state (etcd) may be lost. */
  rpoMinutes: z.int().min(0).max(10_080).optional(),
});

const Bastion = { kind: z.literal("bastion"), adminCidrs: z.array(Cidr).min(1) };
const JumpHost = z.strictObject({
  kind: z.literal("jump-host"),
  address: Ipv4,
  port: Port.default(22),
  user: z.string().min(1),
  hostKey: HostKey,
});
/** A proxy through which the machine that runs `pulumi up` reaches the internal API endpoint, e.g. `socks5://127.0.0.1:1080`. */
const apiProxy = z
  .string()
  .regex(/^(socks5|https?):\/\/[^/]+$/, "write socks5://127.0.0.1:1080")
  .optional();

const pool = {
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/, "a-z, 0-9 and -"),
  role: z.enum(["control-plane", "worker"]),
  /** Index of the pool's first slot. Slots of a pool are consecutive; leave room to grow before the next pool. */
  firstSlot: z.int().min(0).max(255),
  labels: z.record(z.string(), z.string()).default({}),
};
/** GiB. etcd's disk exists on control planes only. */
const disks = { rootGiB: z.int().min(30).max(2048).default(100), etcdGiB: z.int().min(8).max(256).default(32) };
const count = z.int().min(1).max(200);

const AwsPool = z.strictObject({
  ...pool,
  ...disks,
  count,
  instanceType: Ec2Machine,
  /** A literal id: an alias that moves would replace every node at once. */
  imageId: z.string().regex(/^ami-[0-9a-f]{8,17}$/, "write a literal image id, ami- and hex digits"),
});
const AzurePool = z.strictObject({
  ...pool,
  ...disks,
  count,
  vmSize: AzureMachine,
  image: z.strictObject({
    publisher: z.string().min(1),
    offer: z.string().min(1),
    sku: z.string().min(1),
    version: z.string().regex(/^\d+\.\d+\.\d+$/, "write an exact image version; latest would move"),
  }),
});
/** It becomes a node label and part of Kubernetes names. */
const RackName = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/, "a-z, 0-9 and -");
const Host = z.strictObject({ address: Ipv4, rack: RackName, hostKey: HostKey });
const OnPremPool = z.strictObject({
  ...pool,
  hosts: z.array(Host).min(1),
  /** Block device that becomes etcd's disk; control planes only. */
  etcdDevice: z
    .string()
    .regex(/^\/dev\//, "write a device path such as /dev/disk/by-id/...")
    .optional(),
});

const common = {
  name: SiteName,
  /** Cilium cluster id; unique in the mesh and never changed. */
  id: z.int().min(1).max(255),
  network,
  kubernetes: KubernetesSpec,
  cilium: CiliumSpec,
  mesh: MeshSpec.optional(),
  promises: PromisesSpec.optional(),
  policies: PoliciesSpec.optional(),
  /** Zones of the segmentation report, and what must hold between them. */
  segmentation: SegmentationSpec.optional(),
  serviceMesh: ServiceMeshSpec.optional(),
  apiProxy,
};
/** A way out for nodes: a NAT gateway per zone, or none where mirrors are reachable inside. */
const egress = z.enum(["nat", "none"]).default("none");

const AwsSite = z.strictObject({
  ...common,
  platform: z.literal("aws"),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "write an AWS region such as ap-northeast-2"),
  /** Letters of the availability zones in use; order fixes the subnets, so only append. */
  zones: z
    .array(z.string().regex(/^[a-f]$/, "one letter, a to f"))
    .min(1)
    .max(4),
  egress,
  access: z.discriminatedUnion("kind", [
    z.strictObject({ ...Bastion, instanceType: Ec2Machine, imageId: AwsPool.shape.imageId }),
    JumpHost,
  ]),
  nodePools: z.array(AwsPool).min(1),
});

const AzureSite = z.strictObject({
  ...common,
  platform: z.literal("azure"),
  location: z.string().regex(/^[a-z]+\d?$/, "write an Azure location such as koreasouth"),
  /** Korea South offers 2; three control planes then share one, and losing it loses the quorum. */
  faultDomains: z.int().min(2).max(3).default(2),
  egress,
  access: z.discriminatedUnion("kind", [
    z.strictObject({ ...Bastion, vmSize: AzureMachine, image: AzurePool.shape.image }),
    JumpHost,
  ]),
  nodePools: z.array(AzurePool).min(1),
});

const TopOfRack = z.strictObject({ name: z.string().regex(/^[a-z0-9-]{1,20}$/, "a-z, 0-9 and -"), address: Ipv4 });
const OnPremSite = z.strictObject({
  ...common,
  platform: z.literal("on-prem"),
  /** SSH user with password-less sudo. */
  user: z.string().min(1).default("ubuntu"),
  access: z.discriminatedUnion("kind", [JumpHost, z.strictObject({ kind: z.literal("direct") })]),
  /** A load balancer of the data centre in front of the control planes, for operators; nodes use their local proxy. */
  apiAddress: Ipv4.optional(),
  racks: z.array(z.strictObject({ name: RackName, subnet: Cidr, tors: z.array(TopOfRack).min(1) })).min(1),
  bgp: z.strictObject({
    nodeAsn: Asn,
    torAsn: Asn,
    /** TCP MD5 with the key of the stack's secrets. */
    md5: z.boolean().default(true),
    holdSeconds: z.int().min(3).max(300).default(9),
    keepAliveSeconds: z.int().min(1).max(100).default(3),
    connectRetrySeconds: z.int().min(1).max(120).default(5),
    /** How long a ToR keeps routes of an agent that restarts; a dead node black-holes for as long. */
    restartSeconds: z.int().min(10).max(600).default(60),
  }),
  /** Addresses for Services of type LoadBalancer, announced by BGP; outside nodes, pods and services. */
  loadBalancers: Cidr,
  /** clustermesh-apiserver's address, one of `loadBalancers`; fixed, since peers read it from this file. */
  meshAddress: Ipv4.optional(),
  nodePools: z.array(OnPremPool).min(1),
});

const ExistingSite = z.strictObject({
  ...common,
  platform: z.literal("existing"),
  /** Context of the kubeconfig in the stack's secrets. */
  context: z.string().min(1).optional(),
  /** What agents dial for the API; never a Service address. */
  api: z.strictObject({ host: z.string().min(1), port: Port }),
  kubeProxyReplacement: z.boolean(),
  ipam: z.enum(["kubernetes", "cluster-pool"]),
  /** The mesh endpoint of this cluster, when it is a member. */
  meshAddress: Ipv4.optional(),
  /**
   * Take over the Helm release that runs, changing nothing: `cilium.values` must then be exactly `helm get values`. Remove the key
   * later to move the release to our values, as a normal upgrade.
   */
  adopt: z
    .strictObject({ release: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, "write namespace/release") })
    .optional(),
});

export const SiteSpec = z.discriminatedUnion("platform", [AwsSite, AzureSite, OnPremSite, ExistingSite]);
export type SiteSpec = z.infer<typeof SiteSpec>;
export type AwsSiteSpec = Extract<SiteSpec, { platform: "aws" }>;
export type AzureSiteSpec = Extract<SiteSpec, { platform: "azure" }>;
export type OnPremSiteSpec = Extract<SiteSpec, { platform: "on-prem" }>;
export type ExistingSiteSpec = Extract<SiteSpec, { platform: "existing" }>;
/** Sites whose nodes are ours. */
export type NodeSiteSpec = Exclude<SiteSpec, { platform: "existing" }>;
export type AwsPoolSpec = AwsSiteSpec["nodePools"][number];
export type AzurePoolSpec = AzureSiteSpec["nodePools"][number];
export type OnPremPoolSpec = OnPremSiteSpec["nodePools"][number];

/** One IPsec tunnel's inside /30: AWS takes the first host, Azure the second. */
const TunnelCidr = Cidr.refine((block) => block.endsWith("/30"), { error: "a tunnel is a /30, e.g. 169.254.21.0/30" });

export const InterconnectSpec = z.strictObject({
  /** Pulumi organization of the sites' stacks; `organization` on a backend of your own. */
  organization: z.string().min(1).default("organization"),
  aws: z.strictObject({
    site: SiteName,
    /** Transit Gateway's. 16 bits, since Azure's gateway takes no more. */
    asn: z.int().min(1).max(65_534).default(64_512),
  }),
  azure: z.strictObject({
    site: SiteName,
    asn: z.int().min(1).max(65_534).default(64_520),
    /** Non-AZ sizes can no longer be created; GCM carries about 1.25 Gbit/s per tunnel on VpnGw2AZ. */
    gatewaySku: z.enum(["VpnGw1AZ", "VpnGw2AZ", "VpnGw3AZ", "VpnGw4AZ", "VpnGw5AZ"]).default("VpnGw2AZ"),
  }),
  /** Two tunnels per Azure gateway instance; Azure takes 169.254.21.0 to 169.254.22.255 only. */
  tunnels: z
    .strictObject({ instance0: z.tuple([TunnelCidr, TunnelCidr]), instance1: z.tuple([TunnelCidr, TunnelCidr]) })
    .prefault({
      instance0: ["169.254.21.0/30", "169.254.22.0/30"],
      instance1: ["169.254.21.4/30", "169.254.22.4/30"],
    }),
});
export type InterconnectSpec = z.infer<typeof InterconnectSpec>;

export const EntrySpec = z.strictObject({
  /** Who serves users now. Switching is changing this line and running `pulumi up` on this stack. */
  activeSite: SiteName,
  /** The public hosted zone's id and the name users resolve. */
  zoneId: z.string().regex(/^Z[A-Z0-9]{5,32}$/, "write a hosted zone id such as Z0123456789ABCDEFGHIJ"),
  record: DnsName,
  ttlSeconds: z.int().min(10).max(300).default(30),
  healthCheck: z.strictObject({
    port: Port.default(443),
    path: z.string().startsWith("/"),
    /** Route 53 offers 10 and 30 (docs.aws.amazon.com/Route53 API CreateHealthCheck). */
    intervalSeconds: z.union([z.literal(10), z.literal(30)]).default(10),
    failureThreshold: z.int().min(1).max(10).default(3),
  }),
  /** Public address of each site's ingress, by site name. */
  sites: z.record(SiteName, z.strictObject({ ingressAddress: Ipv4 })),
});
export type EntrySpec = z.infer<typeof EntrySpec>;

/** Calendar day, UTC: `2027-03-31`. Without quotes the engine hands it over as Go prints that midnight. */
const Day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}( 00:00:00 \+0000 UTC|T00:00:00Z)?$/, "write a day such as 2027-03-31")
  .transform((text) => text.slice(0, 10))
  .refine(isDay, { error: "there is no such day; write one such as 2027-03-31" });

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** `gyeongbu:accepted` of any stack file: warnings that somebody has looked at and lives with for a while. */
export const Acceptances = z.array(
  z.strictObject({
    code: z.string().regex(/^GB-\d{3,4}$/, "write a code such as GB-403"),
    /** Read by auditors. */
    reason: z.string().trim().min(10),
    /** The last day on which it is accepted. */
    until: Day,
    /** Only there and below; as the warning shows it, e.g. `gyeongbu:site.nodePools`. */
    path: z.string().min(1).optional(),
  }),
);
export type Acceptance = z.infer<typeof Acceptances>[number];
