import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { policyObjects } from "../../../components/cilium/policies/bundles.ts";
import { ciliumValues } from "../../../components/cilium/values.ts";
import type { SiteSpec } from "../../../components/config/schema.ts";
import { type Cidr, host } from "../../../components/network/cidr.ts";
import { firewallRules } from "../../../components/network/firewall.ts";
import { addressParty, type Party, reservedParty } from "../../../proof/reachability/party.ts";
import type { Protocol } from "../../../proof/reachability/port-sets.ts";
import { at, busan, localMember, seoul } from "../sites.ts";
import { cilium, podIn, policed, Reachability, selector } from "./policed-sites.ts";

function world(site: SiteSpec, peers: readonly SiteSpec[], parties: readonly Party[]): Reachability {
  const objects = policyObjects(site, peers).map((object) => ({ ...object }));
  const { loaded, options } = cilium(site, peers, objects);
  return new Reachability(loaded, parties, options);
}
const http = { protocol: "TCP", port: 80 } as const;

describe("metadata services", () => {
  const metadata = addressParty("169.254.169.254");
  const wire = addressParty("168.63.129.16");
  const ipv6 = addressParty("fd00:ec2::254");
  const exceptions = [{ namespace: "storage", serviceAccount: "csi" }];
  const verdicts = (site: SiteSpec, pod: Party, port = 80) => {
    const reachability = world(site, [], [pod, metadata, wire, ipv6]);
    return [metadata, ipv6, wire].map(
      (peer) => reachability.side("egress", pod, peer, { protocol: "TCP", port }).verdict,
    );
  };

  it.each([
    ["AWS", seoul, ["denied", "denied", "allowed"]],
    ["Azure", busan, ["denied", "allowed", "denied"]],
    ["a cluster anywhere", localMember, ["denied", "denied", "denied"]],
  ] as const)("are refused to pods on %s, in audit too where the file says so", (_, site, expected) => {
    const own = policed(site, { metadataServices: { everywhere: true, exceptions } });
    expect(verdicts(own, podIn(own, "shop"))).toEqual(expected);
    expect(verdicts(own, podIn(own, "storage", {}, "other"))).toEqual(expected);
    expect(verdicts(own, podIn(own, "storage", {}, "csi"))).toEqual(["allowed", "allowed", "allowed"]);
  });

  it("are left alone in audit otherwise, and open to named service accounts once enforced", () => {
    const own = policed(busan, { namespaces: { storage: "enforce" }, metadataServices: { exceptions } });
    expect(verdicts(own, podIn(own, "shop"))).toEqual(["allowed", "allowed", "allowed"]);
    expect(verdicts(own, podIn(own, "storage", {}, "other"))).toEqual(["denied", "denied", "denied"]);
    expect(verdicts(own, podIn(own, "storage", {}, "csi"))).toEqual(["allowed", "denied", "allowed"]);
  });

  it("stay refused beside a policy that allows the world", () => {
    const own = policed(seoul, { namespaces: { shop: "enforce" } });
    const pod = podIn(own, "shop");
    const generous = {
      apiVersion: "cilium.io/v2",
      kind: "CiliumNetworkPolicy",
      metadata: { name: "out", namespace: "shop" },
      spec: { endpointSelector: {}, egress: [{ toEntities: ["world"] }] },
    };
    const objects = [...policyObjects(own, []).map((object) => ({ ...object })), generous];
    const { loaded, options } = cilium(own, [], objects);
    const reachability = new Reachability(loaded, [pod, metadata, addressParty("192.0.2.1")], options);
    const verdict = (peer: Party) => reachability.side("egress", pod, peer, http).verdict;
    expect(verdict(metadata)).toBe("denied");
    expect(verdict(reachability.parties[2] ?? pod)).toBe("allowed");
  });

  it("leave Azure's resolver to CoreDNS", () => {
    const own = policed(busan, { namespaces: { "kube-system": "enforce" } });
    const dns = podIn(own, "kube-system", { "k8s-app": "kube-dns" });
    const reachability = world(own, [], [dns, wire]);
    expect(reachability.side("egress", dns, wire, { protocol: "UDP", port: 53 }).verdict).toBe("allowed");
    expect(reachability.side("egress", dns, wire, http).verdict).toBe("denied");
  });
});

describe("egress by name", () => {
  const own = policed(seoul, {
    namespaces: { shop: "enforce" },
    egress: [
      {
        namespace: "shop",
        labels: { app: "pay" },
        hosts: ["api.partner.example", "*.cdn.example"],
        ports: ["443/TCP"],
      },
      { namespace: "shop", labels: { app: "pay" }, hosts: ["files.partner.example"], ports: ["22/TCP"] },
    ],
  });
  const pay = podIn(own, "shop", { app: "pay" });
  const other = podIn(own, "shop", { app: "web" });
  const partner = addressParty("192.0.2.1", ["api.partner.example"]);
  const cdn = addressParty("192.0.2.2", ["a.cdn.example"]);
  const nameless = addressParty("192.0.2.3");
  const reachability = world(own, [], [pay, other, partner, cdn, nameless]);

  it.each([
    ["a name on its port", pay, partner, 443, "allowed"],
    ["a name that a pattern covers", pay, cdn, 443, "allowed"],
    ["a name on another name's port", pay, partner, 22, "denied"],
    ["an address without a name", pay, nameless, 443, "denied"],
    ["a name from another pod", other, partner, 443, "denied"],
  ] as const)("judges %s", (_, from, to, port, expected) => {
    expect(reachability.side("egress", from, to, { protocol: "TCP", port }).verdict).toBe(expected);
  });

  it("joins what several items say about the same pods into one policy", () => {
    expect(policyObjects(own, []).filter(({ metadata }) => metadata.name.startsWith("gyeongbu-egress."))).toHaveLength(
      1,
    );
  });
});

describe("pods without names", () => {
  it("look none up, and every other pod does", () => {
    fc.assert(
      fc.property(fc.array(selector, { maxLength: 3 }), selector, (without, { labels, namespace }) => {
        const own = policed(seoul, { phase: "enforce", namespaces: { "kube-system": "enforce" }, dns: { without } });
        const pod = podIn(own, namespace, labels);
        const dns = podIn(own, "kube-system", { "k8s-app": "kube-dns" });
        const reachability = world(own, [], [pod, dns]);
        const refused = without.some(
          (each) =>
            each.namespace === namespace && Object.entries(each.labels).every(([key, value]) => labels[key] === value),
        );
        const { verdict } = reachability.side("egress", pod, dns, { protocol: "UDP", port: 53 });
        expect(verdict).toBe(refused ? "denied" : "allowed");
      }),
      { numRuns: 100 },
    );
  });
});

describe("a rule across clusters", () => {
  const rule = {
    from: { cluster: "prod-seoul", namespace: "shop", labels: { app: "web" } },
    to: { cluster: "dr-busan", namespace: "bank", labels: { app: "api" } },
    ports: ["8443/TCP"],
  };
  const policies = { phase: "enforce" as const, crossCluster: [rule] };
  const [here, there] = [policed(seoul, policies), policed(busan, policies)];
  const port = { protocol: "TCP", port: 8443 } as const;

  it.each([
    true,
    false,
  ])("opens one way and to the named cluster, policyDefaultLocalCluster %s", (policyDefaultLocalCluster) => {
    const local = <Site extends SiteSpec>(site: Site): Site =>
      site.mesh ? { ...site, mesh: { ...site.mesh, policyDefaultLocalCluster } } : site;
    const [one, other] = [local(here), local(there)];
    const web = podIn(one, "shop", { app: "web" });
    const api = podIn(other, "bank", { app: "api" });
    const localApi = podIn(one, "bank", { app: "api" });
    const localWeb = podIn(other, "shop", { app: "web" });
    const seoulSide = world(one, [other], [web, api, localApi]);
    const busanSide = world(other, [one], [web, api, localWeb]);
    expect(seoulSide.side("egress", web, api, port).verdict).toBe("allowed");
    expect(busanSide.side("ingress", api, web, port).verdict).toBe("allowed");
    expect(seoulSide.side("egress", web, localApi, port).verdict).toBe("denied");
    expect(busanSide.side("ingress", api, localWeb, port).verdict).toBe("denied");
    expect(seoulSide.side("ingress", web, api, port).verdict).toBe("denied");
    expect(seoulSide.side("egress", web, api, http).verdict).toBe("denied");
  });
});

describe("the host firewall", () => {
  const names: Readonly<Record<string, Protocol>> = { tcp: "TCP", udp: "UDP", icmp: "ICMP" };
  const controlPlane = { "node-role.kubernetes.io/control-plane": "" };
  const guarded = (site: SiteSpec) => policed(site, { hostFirewall: { phase: "enforce" } });
  /** Rows that BPF hands to pods before the node's own policy is asked, and pods' own rows. */
  const toPods = ["host-to-pod", "host-to-pod-from-peer", "pod", "pod-from-peer", "esp-pod"];

  it.each([
    ["AWS", seoul, busan],
    ["Azure", busan, seoul],
  ] as const)("lets in from addresses what the cloud's firewall lets in on %s", (_, site, peer) => {
    if (site.platform !== "aws" && site.platform !== "azure") throw new Error("no cloud");
    const rules = firewallRules(site, [peer]).filter(
      ({ direction, group, row }) =>
        direction === "ingress" && (group === "control-plane" || group === "worker") && !toPods.includes(row),
    );
    const fromMachines = rules.filter(({ row }) => !row.endsWith("-pod"));
    const flows = fromMachines.map(({ group, protocol, range, remote, row }) => {
      const nodes = reservedParty("host", group === "control-plane" ? controlPlane : {});
      const traffic = { protocol: names[protocol] ?? "TCP", port: range?.[0] ?? 0 };
      return { row, nodes, traffic, peer: addressParty(first(remote)) };
    });
    const reachability = world(
      guarded(site),
      [peer],
      flows.flatMap(({ nodes, peer: from }) => [nodes, from]),
    );
    const stopped = flows.filter(
      ({ nodes, peer: from, traffic }) => reachability.side("ingress", nodes, from, traffic).verdict === "denied",
    );
    expect(stopped.map(({ row }) => row)).toEqual([]);
    expect(flows.length).toBeGreaterThan(10);
  });

  it("denies a stranger, and in audit nobody", () => {
    const stranger = addressParty("203.0.113.7");
    const node = reservedParty("host");
    const verdict = (phase: "audit" | "enforce") =>
      world(policed(seoul, { hostFirewall: { phase } }), [busan], [stranger, node]).side("ingress", node, stranger, {
        protocol: "TCP",
        port: 10_250,
      }).verdict;
    expect(verdict("enforce")).toBe("denied");
    expect(verdict("audit")).toBe("allowed");
  });

  it("lets in whom the stack file names", () => {
    const site = policed(seoul, {
      hostFirewall: { phase: "enforce", allow: [{ from: "192.0.2.0/24", ports: ["9100/TCP"] }] },
    });
    const scraper = addressParty("192.0.2.7");
    const node = reservedParty("host", controlPlane);
    const reachability = world(site, [busan], [scraper, node]);
    expect(reachability.openings("ingress", node, scraper).map(({ from, to }) => [from, to])).toEqual([[9100, 9100]]);
  });

  it("is switched on by the Helm values of a site that asks for it, and of no other", () => {
    expect(at(ciliumValues(guarded(seoul), [busan]), "hostFirewall.enabled")).toBe(true);
    expect(at(ciliumValues(policed(seoul, {}), [busan]), "hostFirewall")).toBeUndefined();
    expect(at(ciliumValues(policed(seoul, {}), [busan]), "dnsPolicyUnloadOnShutdown")).toBe(true);
    const without = { ...seoul, policies: undefined };
    expect(at(ciliumValues(without, [busan]), "dnsPolicyUnloadOnShutdown")).toBeUndefined();
  });
});

/** An address of the block that is no network address, where it has several. */
function first(block: Cidr): string {
  return block.endsWith("/32") ? block.replace("/32", "") : host(block, 17);
}
