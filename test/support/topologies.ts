import fc from "fast-check";
import { stringify } from "yaml";
import { parseStackFile, type StackFile } from "../../components/config/parse.ts";

/**
 * Valid sets of stack files: 1 to 8 sites on four platforms, alone or in a mesh that is full, a ring, a star or a chain, with the interconnects
 * and the entry that fit. Whatever comes out of here must be accepted.
 */
export interface Topology {
  readonly files: readonly StackFile[];
  /** For a reader of a failed property. */
  readonly text: string;
}

type Tree = Record<string, unknown>;
type Platform = "aws" | "azure" | "on-prem" | "existing";

/** What all members of a mesh share, and where addresses come from. */
interface Frame {
  readonly minor: 18 | 19 | 20;
  readonly mixedMinors: boolean;
  readonly routing: "native" | "vxlan" | "geneve";
  readonly encryption: "wireguard" | "ipsec" | "none";
  readonly layout: "tens" | "carrier" | "halves";
  readonly sharedServices: boolean;
  readonly shape: "alone" | "full" | "ring" | "star" | "chain";
  readonly mtu: number;
  readonly vpnMtu: number;
  readonly maxConnectedClusters: 255 | 511;
  readonly policyDefaultLocalCluster: boolean;
  readonly promises: boolean;
}

const frame: fc.Arbitrary<Frame> = fc.record({
  minor: fc.constantFrom<(18 | 19 | 20)[]>(18, 19, 20, 20),
  mixedMinors: fc.boolean(),
  routing: fc.constantFrom<Frame["routing"][]>("native", "native", "vxlan", "geneve"),
  encryption: fc.constantFrom<Frame["encryption"][]>("wireguard", "ipsec", "none"),
  layout: fc.constantFrom<Frame["layout"][]>("tens", "carrier", "halves"),
  sharedServices: fc.boolean(),
  shape: fc.constantFrom<Frame["shape"][]>("alone", "full", "full", "ring", "star", "chain"),
  mtu: fc.constantFrom(1400, 1450, 1500, 8500, 9001),
  vpnMtu: fc.integer({ min: 1280, max: 1400 }),
  maxConnectedClusters: fc.constantFrom<(255 | 511)[]>(255, 511),
  policyDefaultLocalCluster: fc.boolean(),
  promises: fc.boolean(),
});

/** What a site decides for itself. */
const choices = fc.record({
  platform: fc.constantFrom<Platform[]>("aws", "azure", "on-prem", "existing"),
  controlPlanes: fc.constantFrom(1, 3, 3, 5),
  workers: fc.integer({ min: 2, max: 40 }),
  pools: fc.integer({ min: 1, max: 3 }),
  zones: fc.shuffledSubarray(["a", "b", "c", "d"], { minLength: 1, maxLength: 4 }),
  racks: fc.integer({ min: 1, max: 4 }),
  tors: fc.integer({ min: 1, max: 2 }),
  kubernetes: fc.nat(),
  egress: fc.boolean(),
  jumpHost: fc.boolean(),
  apiAddress: fc.boolean(),
  poolOutside: fc.boolean(),
  replicas: fc.integer({ min: 1, max: 3 }),
  ttl: fc.integer({ min: 0, max: 600 }),
  kubeProxyReplacement: fc.boolean(),
  clusterPool: fc.boolean(),
  chart: fc.constantFrom<Tree[]>(
    { kind: "repository" },
    { kind: "oci", url: "oci://registry.bank.example/charts/cilium" },
    { kind: "file", path: "cilium.tgz" },
  ),
  values: fc.constantFrom<Tree[]>(
    {},
    {},
    { debug: { enabled: true } },
    { operator: { replicas: 2 } },
    { hubble: { ui: { enabled: false } } },
    { bpf: { mapDynamicSizeRatio: 0.01 } },
    { tolerations: [{ operator: "Exists" }] },
  ),
});
type Choices = typeof choices extends fc.Arbitrary<infer T> ? T : never;

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPx3vTiMqNWzPKYZexj2WtBj7LupHxHMOCjQw5HBynWs";
const ubuntu = { publisher: "Canonical", offer: "ubuntu-24_04-lts", sku: "server", version: "24.04.202610140" };
const patches = { 18: "1.18.12", 19: "1.19.7", 20: "1.20.2" } as const;
/** Tested with the Cilium minor, and for sites of ours known to the project. */
const kubernetes = {
  18: ["1.33.12"],
  19: ["1.33.12", "1.34.9", "1.35.8"],
  20: ["1.33.12", "1.34.9", "1.35.8", "1.36.4"],
} as const;

/** Second octets for nodes, one per site; pods and services by the layout. */
function blocks({ layout, sharedServices }: Frame, index: number, octet: number): Tree & { nodes: string } {
  const services = sharedServices ? "172.31.0.0/16" : `172.${16 + index}.0.0/16`;
  switch (layout) {
    case "tens":
      return { nodes: `10.${octet}.0.0/16`, pods: `10.${128 + index}.0.0/16`, services };
    case "carrier":
      return { nodes: `10.${octet}.0.0/16`, pods: `100.${64 + index}.0.0/16`, services: `192.168.${index * 16}.0/20` };
    case "halves":
      return {
        nodes: `10.${octet}.0.0/16`,
        pods: `10.${128 + Math.floor(index / 2)}.${(index % 2) * 128}.0/17`,
        services,
      };
  }
}

const supernet = { tens: "10.128.0.0/13", carrier: "100.64.0.0/12", halves: "10.128.0.0/14" } as const;

/** Pairs of a mesh, by index. */
function edges(shape: Frame["shape"], count: number): [number, number][] {
  const all = Array.from({ length: count }, (_, index) => index);
  const chain = all.slice(1).map((index): [number, number] => [index - 1, index]);
  switch (shape) {
    case "alone":
      return [];
    case "full":
      return all.flatMap((one) => all.slice(one + 1).map((other): [number, number] => [one, other]));
    case "star":
      return all.slice(1).map((index): [number, number] => [0, index]);
    case "chain":
      return chain;
    case "ring":
      return count > 2 ? [...chain, [0, count - 1]] : chain;
  }
}

/** Pools with gaps between them, so that all slots stay below 128. */
function pools(own: Choices, inMesh: boolean): { name: string; role: string; firstSlot: number; count: number }[] {
  const workers = Math.max(inMesh ? 2 : 1, own.workers);
  const perPool = Math.ceil(workers / own.pools);
  return [
    { name: "control", role: "control-plane", firstSlot: 0, count: own.controlPlanes },
    ...Array.from({ length: Math.ceil(workers / perPool) }, (_, index) => ({
      name: `app-${index}`,
      role: "worker",
      firstSlot: 16 + index * 36,
      count: Math.min(perPool, workers - index * perPool, 36),
    })),
  ].filter(({ count }) => count > 0);
}

function platformKeys(own: Choices, octet: number, index: number, inMesh: boolean): Tree {
  const jump = { kind: "jump-host", address: `10.${octet}.251.5`, user: "operator", hostKey };
  const adminCidrs = ["203.0.113.0/24"];
  const nodePools = pools(own, inMesh);
  switch (own.platform) {
    case "aws":
      return {
        region: "ap-northeast-2",
        zones: own.zones,
        egress: own.egress ? "nat" : "none",
        access: own.jumpHost
          ? jump
          : { kind: "bastion", adminCidrs, instanceType: "t3.micro", imageId: "ami-0f1e2d3c4b5a69788" },
        nodePools: nodePools.map((pool) => ({ ...pool, instanceType: "m7i.xlarge", imageId: "ami-0f1e2d3c4b5a69788" })),
      };
    case "azure":
      return {
        location: "koreasouth",
        egress: own.egress ? "nat" : "none",
        access: own.jumpHost ? jump : { kind: "bastion", adminCidrs, vmSize: "Standard_B2s", image: ubuntu },
        nodePools: nodePools.map((pool) => ({ ...pool, vmSize: "Standard_D4s_v5", image: ubuntu })),
      };
    case "on-prem": {
      const loadBalancers = own.poolOutside ? `10.127.${index}.0/24` : `10.${octet}.250.0/24`;
      let next = 0;
      const host = () => {
        const rack = next++ % own.racks;
        return { address: `10.${octet}.${rack + 1}.${10 + next}`, rack: `r${rack}`, hostKey };
      };
      return {
        access: own.jumpHost ? jump : { kind: "direct" },
        ...(own.apiAddress ? { apiAddress: `10.${octet}.251.10` } : {}),
        racks: Array.from({ length: own.racks }, (_, rack) => ({
          name: `r${rack}`,
          subnet: `10.${octet}.${rack + 1}.0/24`,
          tors: Array.from({ length: own.tors }, (_, tor) => ({
            name: `tor-${tor}`,
            address: `10.${octet}.${rack + 1}.${tor + 2}`,
          })),
        })),
        bgp: { nodeAsn: 64_600 + index, torAsn: 64_700 + index, md5: own.egress },
        loadBalancers,
        ...(inMesh ? { meshAddress: loadBalancers.replace("0/24", "10") } : {}),
        nodePools: nodePools.map(({ count, ...pool }) => ({
          ...pool,
          ...(pool.role === "control-plane" ? { etcdDevice: "/dev/disk/by-id/nvme-etcd" } : {}),
          hosts: Array.from({ length: count }, host),
        })),
      };
    }
    case "existing":
      return {
        api: { host: own.apiAddress ? `10.${octet}.0.10` : "api.bank.example", port: 6443 },
        kubeProxyReplacement: own.kubeProxyReplacement,
        ipam: own.clusterPool ? "cluster-pool" : "kubernetes",
        ...(inMesh ? { meshAddress: `10.${octet}.200.10` } : {}),
      };
  }
}

interface Planned {
  readonly name: string;
  readonly own: Choices;
  readonly octet: number;
  readonly id: number;
}

function siteTree(
  frame: Frame,
  sites: readonly Planned[],
  index: number,
  links: readonly [number, number][],
  mtu: number,
) {
  const { name, own, octet, id } = sites[index] ?? fail();
  const peers = links.flatMap(([one, other]) => (one === index ? [other] : other === index ? [one] : []));
  const minor = frame.mixedMinors && frame.minor < 20 && index % 2 === 1 ? ((frame.minor + 1) as 19 | 20) : frame.minor;
  const known = kubernetes[minor];
  const oldest = Math.min(frame.minor, minor);
  const lossSeconds = 150 + Math.max(...sites.map((site) => site.own.ttl));
  const keepsPromises =
    frame.promises &&
    oldest >= 19 &&
    peers.length > 0 &&
    own.controlPlanes >= 3 &&
    sites.every((site) => site.own.ttl > 0);
  return {
    name,
    id,
    platform: own.platform,
    network: blocks(frame, index, octet),
    ...platformKeys(own, octet, index, peers.length > 0),
    kubernetes: { version: known[own.kubernetes % known.length] },
    cilium: {
      version: patches[minor],
      nativeRoutingCidr: supernet[frame.layout],
      mtu,
      encryption: frame.encryption,
      routing: frame.routing,
      chart: own.chart,
      values: own.values,
    },
    ...(peers.length > 0
      ? {
          mesh: {
            peers: peers.map((peer) => (sites[peer] ?? fail()).name),
            cacheTtlSeconds: own.ttl,
            policyDefaultLocalCluster: frame.policyDefaultLocalCluster,
            maxConnectedClusters: frame.maxConnectedClusters,
            apiserverReplicas: own.replicas,
          },
        }
      : {}),
    ...(keepsPromises ? { promises: { serviceFailoverSeconds: lossSeconds, rtoMinutes: 30 } } : {}),
  };
}

function fail(): never {
  throw new Error("no such site");
}

const provider: Readonly<Record<Platform, Tree>> = {
  aws: { "aws:region": "ap-northeast-2" },
  azure: { "azure-native:location": "koreasouth" },
  "on-prem": {},
  existing: {},
};

const words = ["seoul", "busan", "idc", "daejeon", "k8s-prod", "a", "dr", "incheon-2"];

/** The arbitrary. Sites of a mesh with AWS and Azure in it keep to what a VPN carries. */
export const topologies: fc.Arbitrary<Topology> = fc
  .record({
    frame,
    sites: fc.array(choices, { minLength: 1, maxLength: 8 }),
    octets: fc.shuffledSubarray(
      Array.from({ length: 100 }, (_, index) => index + 1),
      { minLength: 8, maxLength: 8 },
    ),
    ids: fc.uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: 8, maxLength: 8 }),
    names: fc.shuffledSubarray(words, { minLength: 8, maxLength: 8 }),
  })
  .map(({ frame, sites, octets, ids, names }) => {
    const planned = sites.map(
      (own, index): Planned => ({
        name: names[index] ?? fail(),
        own,
        octet: octets[index] ?? fail(),
        id: ids[index] ?? fail(),
      }),
    );
    const links = edges(frame.shape, sites.length);
    const overVpn =
      sites.some(({ platform }) => platform === "aws") && sites.some(({ platform }) => platform === "azure");
    const mtu = overVpn ? frame.vpnMtu : frame.mtu;
    const stacks = new Map<string, Tree>(
      planned.map(({ name, own }, index) => [
        name,
        { ...provider[own.platform], "gyeongbu:site": siteTree(frame, planned, index, links, mtu) },
      ]),
    );
    const joined = links
      .map((pair) => pair.map((index) => planned[index] ?? fail()))
      .find(
        (pair) => pair.some(({ own }) => own.platform === "aws") && pair.some(({ own }) => own.platform === "azure"),
      );
    if (joined) {
      const of = (platform: Platform) => joined.find(({ own }) => own.platform === platform)?.name;
      stacks.set("interconnect", {
        ...provider.aws,
        ...provider.azure,
        "gyeongbu:interconnect": { aws: { site: of("aws") }, azure: { site: of("azure") } },
      });
    }
    const [first, second] = planned;
    if (first && second) {
      stacks.set("entry", {
        "aws:region": "us-east-1",
        "gyeongbu:entry": {
          activeSite: first.name,
          zoneId: "Z0123456789ABCDEFGHIJ",
          record: "api.bank.example",
          healthCheck: { path: "/healthz" },
          sites: {
            [first.name]: { ingressAddress: "203.0.113.10" },
            [second.name]: { ingressAddress: "198.51.100.10" },
          },
        },
      });
    }
    return topology(stacks);
  });

function topology(stacks: ReadonlyMap<string, Tree>): Topology {
  const texts = [...stacks].map(([name, config]) => ({
    file: `Pulumi.${name}.yaml`,
    text: stringify({ config }, { aliasDuplicateObjects: false }),
  }));
  const files = texts.map(({ file, text }) => {
    const parsed = parseStackFile(file, text);
    if ("findings" in parsed) throw new Error(`${JSON.stringify(parsed.findings, null, 2)}\n${text}`);
    return parsed.stack;
  });
  return { files, text: texts.map(({ file, text }) => `# ${file}\n${text}`).join("---\n") };
}
