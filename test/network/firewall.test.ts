import { describe, expect, it } from "vitest";
import type { Ipv4 } from "../../components/network/cidr.ts";
import { contains, host, single } from "../../components/network/cidr.ts";
import { type CloudSiteSpec, type FirewallRule, firewallRules } from "../../components/network/firewall.ts";
import { apiEndpoint, bastionAddress, meshEndpoint, planSlots } from "../../components/network/plan.ts";
import type { FirewallGroup, Protocol } from "../../components/network/ports.ts";
import { awsSite, azureSite, within } from "../support/stacks.ts";

const seoul = awsSite();
const busan = azureSite();
const encryption = (value: string) => (config: Parameters<typeof within>[0]) => {
  within(config, "gyeongbu:site", "cilium").encryption = value;
};

function admits(rules: FirewallRule[], group: FirewallGroup, from: Ipv4, protocol: Protocol, port: number): boolean {
  return rules.some(
    (rule) =>
      rule.direction === "ingress" &&
      rule.group === group &&
      (rule.protocol === protocol || rule.protocol === "any") &&
      contains(rule.remote, single(from)) &&
      (!rule.range || (protocol === "icmp" ? rule.range[0] === port : rule.range[0] <= port && port <= rule.range[1])),
  );
}

const address = (site: CloudSiteSpec, role: "control-plane" | "worker") => {
  const found = planSlots(site).find((slot) => slot.role === role);
  if (!found) throw new Error(`no ${role}`);
  return found.address;
};
const bastion = (site: CloudSiteSpec) => bastionAddress(site) ?? address(site, "worker");

describe.each([
  ["aws", seoul, busan],
  ["azure", busan, seoul],
] as const)("firewall rules on %s", (platform, site, peer) => {
  const rules = firewallRules(site, [peer]);
  const worker = address(site, "worker");
  const control = address(site, "control-plane");
  const remote = address(peer, "worker");
  const stranger = "8.8.8.8" as Ipv4;
  const [pod, peerPod] = [host(site.network.pods, 9), host(peer.network.pods, 9)];

  it.each([
    ["SSH from the bastion", "worker", bastion(site), "tcp", 22],
    ["API from a worker", "control-plane", worker, "tcp", 6443],
    ["etcd between control planes", "control-plane", control, "tcp", 2380],
    ["kubelet from a control plane", "worker", control, "tcp", 10_250],
    ["WireGuard from the peer", "worker", remote, "udp", 51_871],
    ["health from the peer", "control-plane", remote, "tcp", 4240],
    ["ping from the peer", "worker", remote, "icmp", 8],
    ["fragmentation needed from the peer", "worker", remote, "icmp", 3],
    ["the API from a pod", "control-plane", pod, "tcp", 6443],
    ["the kubelet from a pod", "control-plane", pod, "tcp", 10_250],
    ["Hubble's agents from a pod", "worker", pod, "tcp", 4244],
    ["metrics from a pod", "control-plane", pod, "tcp", 9962],
  ] as const)("admit %s", (_, group, from, protocol, port) => {
    expect(admits(rules, group, from, protocol, port)).toBe(true);
  });

  it.each([
    ["SSH from a worker", "worker", worker, "tcp", 22],
    ["SSH from the world to a node", "worker", stranger, "tcp", 22],
    ["SSH from the world to the bastion", "bastion", stranger, "tcp", 22],
    ["etcd from a worker", "control-plane", worker, "tcp", 2379],
    ["etcd from the bastion", "control-plane", bastion(site), "tcp", 2379],
    ["etcd from a pod", "control-plane", pod, "tcp", 2379],
    ["SSH from a pod", "worker", pod, "tcp", 22],
    ["the API from a pod of the peer", "control-plane", peerPod, "tcp", 6443],
    ["the API from the peer", "control-plane", remote, "tcp", 6443],
    ["the kubelet from the peer", "control-plane", remote, "tcp", 10_250],
    ["the kubelet from the bastion", "worker", bastion(site), "tcp", 10_250],
    ["anything from the world", "worker", stranger, "tcp", 443],
    ["WireGuard from the bastion", "worker", bastion(site), "udp", 51_871],
  ] as const)("refuse %s", (_, group, from, protocol, port) => {
    expect(admits(rules, group, from, protocol, port)).toBe(false);
  });

  it("let the peer's nodes reach the mesh endpoint, and nobody else", () => {
    const [group, port] = platform === "aws" ? (["mesh-load-balancer", 2379] as const) : (["worker", 32_379] as const);
    expect(admits(rules, group, remote, "tcp", port)).toBe(true);
    // On Azure the balancer passes workers' own packets on, so only AWS can tell them apart there.
    expect(admits(rules, group, worker, "tcp", port)).toBe(platform === "azure");
    const out = rules.filter((rule) => rule.row === "mesh-to-peer" && rule.direction === "egress");
    expect(new Set(out.map((rule) => rule.remote))).toEqual(new Set(meshEndpoint(peer)?.addresses.map(single)));
  });

  it("have unique names within a group and direction", () => {
    const names = rules.map(({ group, direction, name }) => `${group}/${direction}/${name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it("stay within 60 per group and direction, the quota of an AWS security group", () => {
    for (const direction of ["ingress", "egress"]) {
      for (const group of ["control-plane", "worker"]) {
        expect(rules.filter((rule) => rule.group === group && rule.direction === direction).length).toBeLessThanOrEqual(
          60,
        );
      }
    }
  });
});

describe("encryption decides what pods need of the underlay", () => {
  it("WireGuard: nothing but UDP 51871", () => {
    const rules = firewallRules(seoul, [busan]);
    expect(rules.some(({ protocol }) => protocol === "esp" || protocol === "any")).toBe(false);
  });
  it("IPsec: ESP between nodes and router addresses, no WireGuard", () => {
    const rules = firewallRules(awsSite(encryption("ipsec")), [azureSite(encryption("ipsec"))]);
    expect(new Set(rules.filter(({ protocol }) => protocol === "esp").map(({ remote }) => remote))).toEqual(
      new Set(["10.10.0.0/18", "10.20.0.0/20", "10.128.0.0/16", "10.129.0.0/16"]),
    );
    expect(rules.some(({ range }) => range?.[0] === 51_871)).toBe(false);
  });
  it("none: any protocol, from pods only", () => {
    const open = firewallRules(awsSite(encryption("none")), [azureSite(encryption("none"))]).filter(
      ({ protocol }) => protocol === "any",
    );
    expect(new Set(open.map(({ remote }) => remote))).toEqual(new Set(["10.128.0.0/16", "10.129.0.0/16"]));
  });
});

describe("the endpoint of the API", () => {
  it("is reached by operators through the bastion only", () => {
    const rules = firewallRules(seoul, [busan]);
    expect(admits(rules, "api-load-balancer", bastion(seoul), "tcp", apiEndpoint(seoul).port)).toBe(true);
    expect(admits(rules, "api-load-balancer", "203.0.113.5" as Ipv4, "tcp", apiEndpoint(seoul).port)).toBe(false);
  });
});
