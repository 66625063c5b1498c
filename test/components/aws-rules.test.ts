import { describe, expect, it } from "vitest";
import { awsRuleArgs, ruleKey } from "../../components/network/aws-rules.ts";
import { Cidr } from "../../components/network/cidr.ts";
import { type FirewallRule, firewallRules } from "../../components/network/firewall.ts";
import { awsSite, azureSite, type Config, within } from "../support/stacks.ts";

const remote = Cidr.parse("10.20.0.0/20");
const rule = (protocol: FirewallRule["protocol"], range?: readonly [number, number]): FirewallRule => ({
  name: "row",
  row: "row",
  group: "worker",
  direction: "ingress",
  protocol,
  ...(range ? { range } : {}),
  remote,
  local: [],
});

describe("awsRuleArgs", () => {
  it.each([
    ["tcp", [22, 22], { ipProtocol: "tcp", fromPort: 22, toPort: 22 }],
    ["tcp", undefined, { ipProtocol: "tcp", fromPort: 0, toPort: 65_535 }],
    ["udp", [51_871, 51_871], { ipProtocol: "udp", fromPort: 51_871, toPort: 51_871 }],
    ["icmp", [8, -1], { ipProtocol: "icmp", fromPort: 8, toPort: -1 }],
    ["esp", undefined, { ipProtocol: "50", fromPort: 0, toPort: 0 }],
    ["any", undefined, { ipProtocol: "-1" }],
  ] as const)("writes %s %s as EC2 takes it", (protocol, range, expected) => {
    expect(awsRuleArgs(rule(protocol, range))).toEqual({ ...expected, cidrIpv4: "10.20.0.0/20", description: "row" });
  });
});

const edits: [string, (cilium: Record<string, unknown>) => void][] = [
  ["wireguard", () => {}],
  ["ipsec", (cilium) => Object.assign(cilium, { encryption: "ipsec" })],
  ["no encryption", (cilium) => Object.assign(cilium, { encryption: "none" })],
  ["vxlan", (cilium) => Object.assign(cilium, { routing: "vxlan" })],
];

describe.each(edits)("the rules of a site with %s", (_, edit) => {
  const site = awsSite((config: Config) => edit(within(config, "gyeongbu:site", "cilium")));
  const rules = firewallRules(site, [azureSite()]);

  it("have names of their own", () => {
    expect(new Set(rules.map(ruleKey)).size).toBe(rules.length);
  });

  it("are each said once: EC2 refuses a second one that differs in the description only", () => {
    const said = rules.map((one) => {
      const { description: _description, ...args } = awsRuleArgs(one);
      return JSON.stringify([one.group, one.direction, args]);
    });
    expect(said.filter((text, index) => said.indexOf(text) !== index)).toEqual([]);
  });

  it("fit the 60 per group and direction that EC2 grants", () => {
    const counts = Map.groupBy(rules, ({ group, direction }) => `${group} ${direction}`);
    expect([...counts].filter(([, list]) => list.length > 60).map(([name]) => name)).toEqual([]);
  });
});
