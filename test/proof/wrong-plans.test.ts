import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StackFile } from "../../components/config/parse.ts";
import { namedStacks } from "../../components/config/read.ts";
import type { OnPremSiteSpec, SiteSpec } from "../../components/config/schema.ts";
import { Cidr, Ipv4 } from "../../components/network/cidr.ts";
import { judge } from "../../proof/judge.ts";
import { topologies } from "../support/topologies.ts";

/** A site of a valid plan and, where it has one, a peer; both are copies that a break may change. */
interface Victim {
  readonly site: SiteSpec;
  readonly peer: SiteSpec | undefined;
}
/** Breaks a site in one way and answers with the code that must be said; nothing where the site cannot be broken like this. */
type Break = (victim: Victim) => string | undefined;

const block = (text: string) => Cidr.parse(text);
const address = (text: string) => Ipv4.parse(text);
const inMesh =
  (code: string, change: (site: SiteSpec, peer: SiteSpec) => void): Break =>
  ({ site, peer }) => {
    if (!peer) return undefined;
    change(site, peer);
    return code;
  };
const any =
  (code: string, change: (site: SiteSpec) => void): Break =>
  ({ site }) => {
    change(site);
    return code;
  };
const withNodes =
  (code: string, change: (site: Exclude<SiteSpec, { platform: "existing" }>) => void): Break =>
  ({ site }) => {
    if (site.platform === "existing") return undefined;
    change(site);
    return code;
  };
const onPrem =
  (code: string, change: (site: OnPremSiteSpec) => void): Break =>
  ({ site }) => {
    if (site.platform !== "on-prem") return undefined;
    change(site);
    return code;
  };
const values = (code: string, tree: Record<string, unknown>): Break =>
  any(code, (site) => {
    site.cilium.values = tree;
  });

function first<List extends readonly unknown[]>(list: List): List[number] {
  const item: List[number] | undefined = list[0];
  if (item === undefined) throw new Error("an empty list");
  return item;
}

const breaks: Readonly<Record<string, Break>> = {
  "services in the node block": any("GB-201", (site) => {
    site.network.services = block(site.network.nodes.replace(/\/\d+$/, "/20"));
  }),
  "pods in the node block": any("GB-201", (site) => {
    site.network.pods = site.network.nodes;
  }),
  "the peer's pods": inMesh("GB-202", (site, peer) => {
    site.network.pods = peer.network.pods;
  }),
  "the peer's nodes": inMesh("GB-202", (site, peer) => {
    site.network.nodes = peer.network.nodes;
  }),
  "pods where the peer's nodes are": inMesh("GB-202", (site, peer) => {
    site.network.pods = peer.network.nodes;
  }),
  "services where the peer's pods are": inMesh("GB-214", (site, peer) => {
    site.network.services = peer.network.pods;
  }),
  "a supernet without the peer": ({ site, peer }) => {
    if (!peer || site.cilium.routing !== "native") return undefined;
    site.cilium.nativeRoutingCidr = site.network.pods;
    return "GB-204";
  },
  "a supernet of everything": ({ site }) => {
    if (site.cilium.routing !== "native") return undefined;
    site.cilium.nativeRoutingCidr = block("0.0.0.0/0");
    return "GB-205";
  },
  "pods too few": withNodes("GB-206", (site) => {
    site.network.pods = block(site.network.pods.replace(/\/\d+$/, "/25"));
  }),
  "services too wide": any("GB-206", (site) => {
    site.network.services = block("160.0.0.0/8");
  }),
  "a cloud's nodes too few": ({ site }) => {
    if (site.platform !== "aws" && site.platform !== "azure") return undefined;
    site.network.nodes = block(site.network.nodes.replace("/16", "/17"));
    return "GB-206";
  },
  "link-local services": any("GB-207", (site) => {
    site.network.services = block("169.254.0.0/20");
  }),
  "a host out of its rack": onPrem("GB-208", (site) => {
    first(first(site.nodePools).hosts).address = address("10.126.1.9");
  }),
  "a rack that does not exist": onPrem("GB-208", (site) => {
    first(first(site.nodePools).hosts).rack = "r99";
  }),
  "a ToR out of its rack": onPrem("GB-208", (site) => {
    first(first(site.racks).tors).address = address("10.126.1.9");
  }),
  "slots twice": withNodes("GB-209", (site) => {
    for (const pool of site.nodePools) pool.firstSlot = 0;
  }),
  "a pool's name twice": withNodes("GB-209", (site) => {
    for (const pool of site.nodePools) pool.name = "app";
  }),
  "a host twice": onPrem("GB-209", (site) => {
    const { hosts } = first(site.nodePools);
    hosts.push({ ...first(hosts) });
  }),
  "an API address among pods": onPrem("GB-210", (site) => {
    site.apiAddress = address(site.network.pods.replace(/0\/\d+$/, "9"));
  }),
  "a Service for the API": ({ site }) => {
    if (site.platform !== "existing") return undefined;
    site.api.host = "kubernetes.default.svc.cluster.local";
    return "GB-210";
  },
  "a host's address for a ToR": onPrem("GB-211", (site) => {
    const { address: taken, rack } = first(first(site.nodePools).hosts);
    const home = site.racks.find(({ name }) => name === rack);
    if (home) first(home.tors).address = taken;
  }),
  "the peer's id": inMesh("GB-301", (site, peer) => {
    site.id = peer.id;
  }),
  "another MTU": inMesh("GB-302", (site) => {
    site.cilium.mtu = site.cilium.mtu === 1300 ? 1301 : 1300;
  }),
  "another encryption": inMesh("GB-302", (site) => {
    site.cilium.encryption = site.cilium.encryption === "none" ? "wireguard" : "none";
  }),
  "another routing": inMesh("GB-302", (site) => {
    site.cilium.routing = site.cilium.routing === "native" ? "vxlan" : "native";
  }),
  "another width of ids": inMesh("GB-302", ({ mesh }) => {
    if (mesh) mesh.maxConnectedClusters = mesh.maxConnectedClusters === 255 ? 511 : 255;
  }),
  "another scope of policies": inMesh("GB-302", ({ mesh }) => {
    if (mesh) mesh.policyDefaultLocalCluster = !mesh.policyDefaultLocalCluster;
  }),
  "a peer that does not answer": inMesh("GB-303", (_, { mesh }) => {
    if (mesh) mesh.peers = ["somebody-else"];
  }),
  "no endpoint": ({ site, peer }) => {
    if (!peer || (site.platform !== "on-prem" && site.platform !== "existing")) return undefined;
    delete site.meshAddress;
    return "GB-304";
  },
  "two minors apart": ({ site, peer }) => {
    const minor = Number(peer?.cilium.version.split(".")[1]);
    if (minor === 19 || !peer) return undefined;
    site.cilium.version = minor === 18 ? "1.20.2" : "1.18.12";
    return "GB-305";
  },
  "itself as a peer": inMesh("GB-307", ({ name, mesh }) => {
    mesh?.peers.push(name);
  }),
  "a peer twice": inMesh("GB-308", ({ mesh }) => {
    mesh?.peers.push(first(mesh.peers));
  }),
  "an id by cilium.values": values("GB-309", { cluster: { id: 256 } }),
  "an MTU by cilium.values": values("GB-309", { MTU: 9002 }),
  "another name": any("GB-401", (site) => {
    site.name = "somewhere-else";
  }),
  "an even number of control planes": ({ site }) => {
    if (site.platform !== "aws" && site.platform !== "azure") return undefined;
    first(site.nodePools).count = 4;
    return "GB-402";
  },
  "no control planes": withNodes("GB-402", (site) => {
    first(site.nodePools).role = "worker";
  }),
  "burstable control planes": ({ site }) => {
    if (site.platform !== "aws") return undefined;
    first(site.nodePools).instanceType = "t3.medium";
    return "GB-404";
  },
  "no workers": withNodes("GB-405", (site) => {
    site.nodePools.splice(1);
  }),
  "another region": ({ site }) => {
    if (site.platform !== "aws") return undefined;
    site.region = "eu-central-1";
    return "GB-406";
  },
  "a zone twice": ({ site }) => {
    if (site.platform !== "aws") return undefined;
    site.zones.push(first(site.zones));
    return "GB-407";
  },
  "no disk for etcd": onPrem("GB-408", (site) => {
    delete first(site.nodePools).etcdDevice;
  }),
  "a bastion for everyone": ({ site }) => {
    if ((site.platform !== "aws" && site.platform !== "azure") || site.access.kind !== "bastion") return undefined;
    site.access.adminCidrs = [block("0.0.0.0/0")];
    return "GB-409";
  },
  "an old Cilium": any("GB-411", (site) => {
    site.cilium.version = "1.16.5";
  }),
  "an untested pair": any("GB-412", (site) => {
    site.kubernetes.version = "1.37.0";
  }),
  "an old Kubernetes": withNodes("GB-413", (site) => {
    site.kubernetes.version = "1.31.14";
  }),
  "a slip in cilium.values": values("GB-415", { hubble: { relay: { replica: 3 } } }),
  "a removed value": values("GB-415", { tunnel: "disabled" }),
  "a UI without relay": values("GB-416", { hubble: { relay: { enabled: false }, ui: { enabled: true } } }),
  "a minor without quotes": values("GB-418", { upgradeCompatibility: 1.2 }),
  "a CA in clear": values("GB-313", { tls: { ca: { key: "LS0t" } } }),
  "an image that is none": any("GB-423", (site) => {
    site.cilium.images.digests = { hubble: `sha256:${"a".repeat(64)}` };
  }),
  "a label that is none": withNodes("GB-425", (site) => {
    first(site.nodePools).labels = { "-tier": "core" };
  }),
  "flow logs beyond the disk": ({ site }) => {
    if (site.platform !== "aws" && site.platform !== "azure") return undefined;
    site.cilium.hubble.exportFileMaxMb = 5000;
    return "GB-421";
  },
  "a zone that is none": ({ site }) => {
    if (site.platform !== "aws") return undefined;
    site.zones = ["a", "f"];
    return "GB-429";
  },
  "keepalives too rare": onPrem("GB-431", (site) => {
    site.bgp.keepAliveSeconds = site.bgp.holdSeconds;
  }),
  "an ASN that is none": onPrem("GB-433", (site) => {
    site.bgp.nodeAsn = 23_456;
  }),
  "a failover that is too fast": any("GB-2051", (site) => {
    site.promises = { serviceFailoverSeconds: 75 };
  }),
  "a recovery that is too fast": inMesh("GB-2052", (site) => {
    site.promises = { rtoMinutes: 1 };
  }),
  "a recovery point": any("GB-2053", (site) => {
    site.promises = { rpoMinutes: 5 };
  }),
};

/** What is said about a site after the break, and the code that must be among it. */
function broken(
  files: readonly StackFile[],
  pick: number,
  breakIt: Break,
): { code: string; files: StackFile[]; stack: string } | undefined {
  const copies = files.map((file): StackFile => {
    if (file.kind === "site") return { ...file, spec: structuredClone(file.spec) };
    return file;
  });
  const sites = copies.flatMap((file) => (file.kind === "site" ? [file] : []));
  const own = sites[pick % sites.length];
  if (!own) return undefined;
  const peer = sites.find(({ stack }) => own.spec.mesh?.peers.includes(stack));
  const code = breakIt({ site: own.spec, peer: peer?.spec });
  return code === undefined ? undefined : { code, files: copies, stack: own.stack };
}

const plans = fc.sample(topologies, { numRuns: Number(process.env.RUNS ?? 40), seed: 4 });
/** Broken plans per break; every one that is tried with more runs. */
const enough = process.env.RUNS === undefined ? 6 : Number.POSITIVE_INFINITY;

describe("a valid plan, broken in one place", () => {
  it.each(Object.entries(breaks))("by %s is refused with its code", (_, breakIt) => {
    let tried = 0;
    for (const [index, { files }] of plans.entries()) {
      const plan = tried < enough ? broken(files, index, breakIt) : undefined;
      if (!plan) continue;
      tried++;
      const own = plan.files.find(({ stack }) => stack === plan.stack);
      if (!own) throw new Error("the broken site is gone");
      const names = namedStacks(own);
      const others = plan.files.filter(({ stack }) => names.includes(stack));
      const errors = judge({ own, others }, undefined).filter(({ severity }) => severity === "error");
      expect(errors.map(({ code }) => code)).toContain(plan.code);
      for (const { message, fix, path } of errors) {
        expect([message, fix, path].every((text) => text !== "" && !text.includes("undefined"))).toBe(true);
      }
    }
    expect(tried).toBeGreaterThan(0);
  });
});
