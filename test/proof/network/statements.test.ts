import { describe, expect, it } from "vitest";
import { networkStatements, proveNetwork, unjoined } from "../../../proof/network/prove.ts";
import type { PlannedStack } from "../../../proof/recorded.ts";
import { edited, withInput } from "../../support/mutations.ts";
import { recordedFolder, recordedShipped, recordStacks } from "../../support/recorded.ts";
import { type Config, stackFile, within } from "../../support/stacks.ts";

const shipped = await recordedShipped();
const alone = await recordedFolder(".", ["prod-seoul"]);
const apart = await recordedFolder(".", ["prod-seoul", "dr-busan"]);
const idc = await recordedFolder("examples/securities-idc", ["idc-seoul", "idc-busan"]);

const route = "aws:ec2/route:Route";
const rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const egressRule = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
const release = "kubernetes:helm.sh/v3:Release";
const ingress = (name: string, place: string, value: unknown) => () => withInput(alone, rule, name, place, value);

/** The stacks with one resource more, made from another. */
function added(
  stacks: readonly PlannedStack[],
  type: string,
  like: string,
  name: string,
  inputs: Record<string, unknown>,
): PlannedStack[] {
  return stacks.map((stack) => ({
    ...stack,
    resources: stack.resources.flatMap((resource) =>
      resource.type === type && resource.name === like
        ? [resource, { ...resource, name, id: name, inputs: { ...resource.inputs, ...inputs } }]
        : [resource],
    ),
  }));
}

function proof(stacks: readonly PlannedStack[], code: string) {
  const found = proveNetwork(stacks).find(({ id }) => id === code);
  if (!found) throw new RangeError(`no proof is called ${code}`);
  return found;
}

/** The node count of the two main sites' workers. */
const workers = (count: number) => async () =>
  recordStacks(
    ["prod-seoul", "dr-busan"]
      .map((stack) =>
        stackFile(stack, (config: Config) => {
          within(config, "gyeongbu:site", "nodePools", 1).count = count;
        }),
      )
      .concat(stackFile("interconnect")),
  );

/** For each statement: a plan that it must refuse, with words of the counterexample, and one a step away that it must accept. */
const fixtures: Record<string, { refused: () => PlannedStack[]; says: string; passes: () => PlannedStack[] }> = {
  "GB-1901": {
    refused: () => withInput(alone, route, "prod-seoul-nat-a-default", "natGatewayId", "nat-1"),
    says: "aws:ec2/route:Route prod-seoul-nat-a-default (stack prod-seoul): natGatewayId is nat-1",
    passes: () => withInput(alone, route, "prod-seoul-nat-a-default", "natGatewayId", "natgateway-prod-seoul-nat-b"),
  },
  "GB-1902": {
    refused: () => edited(alone, rule, "prod-seoul-worker-ingress-health-icmp-10.10.0.0-18"),
    says: "security group prod-seoul-worker at prod-seoul-app-0 has no ingress rule for icmp type 8 from 10.10.0.16",
    // The bastion is no node.
    passes: () => edited(alone, rule, "prod-seoul-worker-ingress-ssh-10.10.240.10-32"),
  },
  "GB-1903": {
    refused: () => edited(shipped, route, "interconnect-aws-node-a-10.129.0.0-16"),
    says: "-> pod of dr-busan-app-0",
    passes: () => edited(shipped, rule, "prod-seoul-worker-ingress-hubble-10.10.0.0-18"),
  },
  "GB-1904": {
    refused: () => edited(alone, egressRule, "prod-seoul-api-load-balancer-egress-api-backend-10.10.16.17-32"),
    says: "-> prod-seoul-control-1 10.10.16.17, tcp 6443",
    passes: () => edited(alone, rule, "prod-seoul-worker-ingress-hubble-10.10.0.0-18"),
  },
  "GB-1905": {
    refused: ingress("prod-seoul-worker-ingress-ssh-10.10.240.10-32", "cidrIpv4", "10.10.240.11/32"),
    says: "bastion 10.10.240.10 -> prod-seoul-app-0 10.10.0.32, tcp 22",
    passes: ingress("prod-seoul-worker-ingress-kubelet-10.10.0.0-18", "cidrIpv4", "10.10.0.0/19"),
  },
  "GB-1906": {
    refused: () => edited(alone, egressRule, "prod-seoul-worker-egress-https-out-0.0.0.0-0"),
    says: "has no egress rule for tcp 443",
    passes: () => edited(alone, rule, "prod-seoul-worker-ingress-kubelet-10.10.0.0-18"),
  },
  "GB-1907": {
    refused: () => withInput(shipped, release, "prod-seoul", "values.MTU", 1401),
    says: "packets of 1401 bytes",
    passes: () => withInput(shipped, release, "prod-seoul", "values.MTU", 1399),
  },
  "GB-1908": {
    refused: ingress("prod-seoul-control-plane-ingress-etcd-10.10.0.16-32", "cidrIpv4", "10.10.0.16/28"),
    says: "tcp 2379-2380",
    // Control planes only, by another rule.
    passes: ingress("prod-seoul-control-plane-ingress-etcd-10.10.0.16-32", "cidrIpv4", "10.10.16.17/32"),
  },
  "GB-1909": {
    refused: () => added(alone, route, "prod-seoul-nat-a-default", "spare", { destinationCidrBlock: "10.99.0.0/16" }),
    says: "aws:ec2/route:Route spare (stack prod-seoul): 10.99.0.0/16: no packet of the plan takes this route",
    passes: () => withInput(alone, route, "prod-seoul-nat-a-default", "natGatewayId", "natgateway-prod-seoul-nat-b"),
  },
  "GB-1910": {
    refused: () => added(alone, rule, "prod-seoul-worker-ingress-kubelet-10.10.0.0-18", "twin", {}),
    says: "not in the plan: aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule twin",
    passes: ingress("prod-seoul-worker-ingress-kubelet-10.10.0.0-18", "description", "another"),
  },
  "GB-1911": {
    refused: () =>
      withInput(
        shipped,
        "azure-native:network:VirtualNetworkGatewayConnection",
        "interconnect-instance0-tunnel2",
        "sharedKey",
        "k",
      ),
    says: "tunnel 2 (stack interconnect): the two ends have different pre-shared keys",
    passes: () =>
      withInput(shipped, "aws:ec2/vpnConnection:VpnConnection", "interconnect-instance0", "tags.Name", "another"),
  },
};

describe("the network's statements", () => {
  it("all have a plan to refuse and one to accept, a Korean title and a reason", () => {
    expect(Object.keys(fixtures).toSorted()).toEqual(networkStatements.map(({ code }) => code).toSorted());
    for (const { korean, reason } of networkStatements) {
      expect(korean).toMatch(/\p{Script=Hangul}/u);
      expect(reason.length).toBeGreaterThan(40);
    }
  });

  it.each(Object.entries(fixtures))("%s", (code, { refused, says, passes }) => {
    expect(proof(refused(), code).counterexample).toContain(says);
    expect(proof(passes(), code).counterexample).toBeUndefined();
  });

  it.each([
    ["prod-seoul by itself", alone],
    ["two clouds without an interconnect", apart],
    ["all main stacks", shipped],
    ["two IDCs", idc],
    ["nothing at all", []],
  ])("hold for %s", (_, stacks) => {
    expect(proveNetwork(stacks).filter(({ holds }) => !holds)).toEqual([]);
  });

  it("say which ways they take for granted", () => {
    expect(proof(apart, "GB-1902").facts).toMatchObject({ assumed: "prod-seoul - dr-busan" });
    expect(proof(shipped, "GB-1902").facts).not.toHaveProperty("assumed");
    expect(unjoined(apart)).toEqual([["prod-seoul", "dr-busan"]]);
    expect([...unjoined(shipped), ...unjoined(idc)]).toEqual([]);
  });

  it("print the hops of a packet and the table that dropped it", () => {
    const { counterexample } = proof(edited(shipped, route, "prod-seoul-app-0-transit-b"), "GB-1903");
    expect(counterexample).toMatch(
      /-> pod of prod-seoul-app-0, .*IPsec VPN connection interconnect-instance0, tunnel 1/,
    );
    expect(counterexample).toContain(
      "dropped: no route to 10.128.16.0 in route table prod-seoul-transit-b (aws:ec2/routeTable:RouteTable prod-seoul-transit-b (stack prod-seoul))",
    );
  });

  it("walk no more packets for more nodes that are alike, and still find the one that differs", async () => {
    const [few, many] = await Promise.all([workers(6)(), workers(30)()]);
    const facts = (stacks: readonly PlannedStack[]) => proof(stacks, "GB-1902").facts;
    expect(facts(many).walked).toEqual(facts(few).walked);
    expect(Number(facts(many).pairs)).toBeGreaterThan(10 * Number(facts(few).pairs));
    const { counterexample } = proof(edited(many, route, "prod-seoul-app-23-node-c"), "GB-1903");
    expect(counterexample).toContain("-> pod of prod-seoul-app-23");
  });
});
