import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clusterwide, kubernetes, load, namespaced } from "./parse-support.ts";

const open = { endpointSelector: {}, ingress: [{ fromEntities: ["all"] }] };
const closed = { endpointSelector: {}, ingress: [{}] };
const broken = { endpointSelector: {}, ingress: [{ fromEntities: ["pods"] }] };

function group(name: string, externalCIDRs: unknown, labels = {}) {
  return { apiVersion: "cilium.io/v2", kind: "CiliumCIDRGroup", metadata: { name, labels }, spec: { externalCIDRs } };
}

describe("loadPolicies", () => {
  it("tells the outcome of each policy, in order, by its name", () => {
    const { outcomes, entries } = load([
      namespaced(broken),
      clusterwide(open),
      kubernetes({ podSelector: {} }),
      { ...namespaced(open), metadata: { name: "elsewhere" } },
      { ...clusterwide(open), metadata: { name: "of-the-cluster", namespace: "ignored" } },
    ]);
    expect(outcomes.map(({ name }) => name)).toEqual(["shop/p", "p", "shop/p", "default/elsewhere", "of-the-cluster"]);
    expect(outcomes.map(({ error }) => error !== undefined)).toEqual([true, false, false, false, false]);
    expect(entries.map(({ policy }) => policy)).toEqual([
      "CiliumClusterwideNetworkPolicy p",
      "NetworkPolicy shop/p",
      "CiliumNetworkPolicy default/elsewhere",
      "CiliumClusterwideNetworkPolicy of-the-cluster",
    ]);
  });

  it("loads nothing of a policy of which a part is refused", () => {
    const policy = {
      ...namespaced(undefined),
      specs: [open, { endpointSelector: {}, ingress: [{ fromNodes: [{}] }] }],
    };
    expect(load([policy])).toMatchObject({ entries: [], outcomes: [{ error: expect.stringContaining("specs[1]") }] });
  });

  it("takes the later of two policies with one name, unless it is refused", () => {
    expect(load([namespaced(open), namespaced(closed)]).entries).toMatchObject([{ peers: "none" }]);
    expect(load([namespaced(open), namespaced(broken)]).entries).toMatchObject([{ peers: [{ requirements: [] }] }]);
    expect(load([namespaced(open), clusterwide(closed)]).entries).toHaveLength(2);
  });

  it("opens lists", () => {
    const inner = { apiVersion: "v1", kind: "List", items: [namespaced(open), "text", null] };
    expect(load([{ apiVersion: "v1", kind: "List", items: [inner, clusterwide(open)] }]).outcomes).toHaveLength(2);
  });

  it("leaves alone what is no policy of Kubernetes or Cilium", () => {
    const others = [
      { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } },
      {
        apiVersion: "crd.projectcalico.org/v1",
        kind: "NetworkPolicy",
        metadata: { name: "a" },
        spec: { selector: "all()" },
      },
      {},
    ];
    expect(load(others)).toEqual({ entries: [], groups: [], outcomes: [] });
  });

  it("reads groups of addresses, and reports one that is refused", () => {
    const { groups, outcomes } = load([
      group("core", ["10.0.0.0/8", "10.1.0.0/08"], { zone: "core", "io.cilium.k8s.x": "hidden" }),
      group("broken", "10.0.0.0/8"),
    ]);
    expect(groups).toEqual([
      { name: "core", labels: [{ source: "cidrgroup", key: "zone", value: "core" }], blocks: ["10.0.0.0/8"] },
    ]);
    expect(outcomes).toEqual([{ name: "broken", error: expect.stringContaining("spec.externalCIDRs: wants array") }]);
  });

  it("never throws, whatever a document holds", () => {
    const value = fc.letrec((tie) => ({
      json: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom<unknown>(null, true, 1, -1.5, "", "10.0.0.0/8", "a b", "\\"),
        fc.array(tie("json"), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            ..."toString __proto__ constructor name namespace labels".split(" "),
            ..."endpointSelector nodeSelector ingress egress egressDeny fromEndpoints toCIDRSet toPorts toServices ports port rules http path".split(
              " ",
            ),
            ..."matchLabels matchExpressions key operator values icmps fields type cidr except podSelector from ipBlock labels k8sService".split(
              " ",
            ),
          ),
          tie("json"),
          { maxKeys: 4 },
        ),
      ),
    })).json;
    const kind = fc.constantFrom(
      "CiliumNetworkPolicy",
      "CiliumClusterwideNetworkPolicy",
      "NetworkPolicy",
      "CiliumCIDRGroup",
      "Service",
      "EndpointSlice",
    );
    const apiVersion = fc.constantFrom<unknown>("cilium.io/v2", "networking.k8s.io/v1", "v1", { toString: 1 });
    const document = fc.record({ apiVersion, kind, metadata: value, spec: value, specs: value, endpoints: value });
    fc.assert(
      fc.property(
        fc.array(document, { maxLength: 4 }),
        fc.constantFrom("1.18", "1.19.6", "1.20.2"),
        (objects, version) => {
          for (const { error } of load(objects, { version }).outcomes) expect(error ?? "").not.toContain("\n");
        },
      ),
    );
  });
});
