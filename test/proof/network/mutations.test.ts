import { describe, expect, it } from "vitest";
import { type NetworkStatement, networkOf, networkStatements, proveNetwork } from "../../../proof/network/prove.ts";
import type { PlannedStack } from "../../../proof/recorded.ts";
import { additions } from "../../support/mutation-additions.ts";
import { changes, type Mutation, removals } from "../../support/mutations.ts";
import { recordedFolder, recordedShipped } from "../../support/recorded.ts";

const main = await recordedShipped();
const worlds: readonly { readonly world: string; readonly stacks: readonly PlannedStack[] }[] = [
  { world: "the main stacks", stacks: main },
  { world: "securities-idc", stacks: await recordedFolder("examples/securities-idc", ["idc-seoul", "idc-busan"]) },
  { world: "dev-staging", stacks: await recordedFolder("examples/dev-staging", ["dev-staging"]) },
];

/** Statements about resources alone, the quickest to find something first. */
const still = ["GB-1910", "GB-1901"];
const walking = networkStatements.filter(({ code }) => !still.includes(code));
const quickFirst = [...still.flatMap((code) => networkStatements.find((one) => one.code === code) ?? []), ...walking];

/** Code of the first statement that does not hold. */
function firstRed(stacks: readonly PlannedStack[], statements: readonly NetworkStatement[]): string | undefined {
  const network = networkOf(stacks);
  return statements.find(({ check }) => check(network).counterexample !== undefined)?.code;
}

function count(world: string, what: string, tried: readonly Mutation[]): void {
  const kinds = [...Map.groupBy(tried, ({ kind }) => kind)].map(([kind, list]) => `${list.length} ${kind}s`);
  console.info(`${world}: ${kinds.join(", ")} tried${what}`);
}

/** A resource or an entry of a list: a route, a rule, an attachment, a tunnel. Other removals take one input away. */
const isWhole = ({ group, title }: Mutation) => title.endsWith(" removed") || group.endsWith("[]");

/** The first of each group of mutations that are alike, and every fifth after it. All ten thousand find no more. */
function spread(mutations: readonly Mutation[]): Mutation[] {
  return [...Map.groupBy(mutations, ({ group }) => group).values()].flatMap((alike) =>
    alike.filter((_, index) => index % 5 === 0),
  );
}

describe.each(worlds)("$world", ({ world, stacks }) => {
  it("hold as they are shipped", () => {
    expect(proveNetwork(stacks).filter(({ holds }) => !holds)).toEqual([]);
  });

  it("turn a proof red with every single removal, addition and other value", { timeout: 180_000 }, () => {
    const removed = removals(stacks);
    const tried = [
      ...removed.filter(isWhole),
      ...spread(removed.filter((one) => !isWhole(one))),
      ...spread(additions(stacks)),
      ...spread(changes(stacks)),
    ];
    const green = tried.filter(({ apply }) => firstRed(apply(), quickFirst) === undefined);
    count(world, "", tried);
    expect(green.map(({ title }) => title)).toEqual([]);
  });
});

/** What carries or stops packets, as the walks meet it. */
const carriers = [
  /^aws:ec2\/route:Route$/,
  /^aws:ec2\/routeTableAssociation:RouteTableAssociation$/,
  /^aws:vpc\/securityGroup(In|E)gressRule:SecurityGroup(In|E)gressRule$/,
  /^aws:ec2\/networkInterface:NetworkInterface securityGroups\.\[\]$/,
  /^aws:ec2\/(natGateway|internetGateway|vpnConnection|customerGateway):\w+$/,
  /^aws:lb\/\w+:\w+$/,
  /^aws:ec2transitgateway\/\w+:\w+$/,
  /^azure-native:network:(Route|NatGateway|NetworkSecurityGroup|LocalNetworkGateway|VirtualNetworkGatewayConnection)$/,
  /^azure-native:network:NetworkSecurityGroup securityRules\.\[\]$/,
  /^azure-native:network:Subnet (routeTable|natGateway)$/,
  /^azure-native:network:NetworkInterface networkSecurityGroup$/,
  /^azure-native:network:NetworkInterface ipConfigurations\.\[\]\.loadBalancerBackendAddressPools\.\[\]$/,
  /^kubernetes:cilium\.io\/v2:CiliumBGP\w+( spec\.(bgpInstances\.\[\]\.peers|advertisements)\.\[\])?$/,
];

/** Rules whose packets another rule lets through as well: only the comparison with the port table misses them. */
const covered: readonly { readonly title: RegExp; readonly reason: string }[] = [
  {
    title: /^azure-native:network:NetworkSecurityGroup .*\((health-icmp|pmtu)(-from-peer|-to-peer)?-(in|out)\)$/,
    reason: "an NSG knows no ICMP types, so the rows health-icmp and pmtu open the same",
  },
  {
    title: /^azure-native:network:NetworkSecurityGroup .*-control-plane .*\(api(-frontend)?-in\)$/,
    reason: "behind Azure's balancer the rows api and api-frontend open the same",
  },
  {
    title: /^azure-native:network:NetworkSecurityGroup .*\((api|mesh)-backend-in\)$/,
    reason: "probes are judged with the balancer's parts (GB-1901), not walked",
  },
  {
    title: /IngressRule .*-control-plane-ingress-api-backend-/,
    reason: "the balancer's addresses lie among the nodes', which the row api lets in",
  },
  {
    title: /IngressRule .*-worker-ingress-(kubelet|health|health-from-peer|hubble|metrics|mesh-backend)-/,
    reason: "a security group does not tell pods from their node, so host-to-pod opens TCP from 1024 on",
  },
];

describe("walks alone", () => {
  it("notice the removal of whatever carries or stops packets", { timeout: 180_000 }, () => {
    const all = removals(main).filter(({ group }) => carriers.some((pattern) => pattern.test(group)));
    // Slots differ in their numbers, zones in their letters.
    const tried = [...new Map(all.map((one) => [one.title.replaceAll(/\d+|-[abc]\b/g, ""), one])).values()];
    const green = tried.filter(({ apply }) => firstRed(apply(), walking) === undefined);
    count("the main stacks", " by walking alone", tried);
    const missed = green.filter(({ title }) => !covered.some((one) => one.title.test(title)));
    expect(missed.map(({ title }) => title)).toEqual([]);
    // An exception that nothing needs any more is one too many.
    expect(covered.filter(({ title }) => !green.some((one) => title.test(one.title)))).toEqual([]);
  });
});
