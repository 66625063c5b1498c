import { describe, expect, it } from "vitest";
import { policyObjects } from "../../../components/cilium/policies/bundles.ts";
import type { StackFile } from "../../../components/config/parse.ts";
import { policyStatements, provePolicies } from "../../../proof/policies/statements.ts";
import type { PlannedStack } from "../../../proof/recorded.ts";
import type { KubernetesObject } from "../../../proof/rule.ts";
import { stackFile, within } from "../../support/stacks.ts";

const stack = (name: string, policies?: Record<string, unknown>) =>
  stackFile(name, (config) => {
    within(config, "gyeongbu:site").policies = policies;
  });

/** Both sites with these policies, as their programs would register them and with what a test adds to Seoul's or takes away. */
function planned(
  policies: Record<string, unknown> | undefined,
  edit: (objects: KubernetesObject[]) => KubernetesObject[] = (objects) => objects,
): PlannedStack[] {
  const files = [stack("prod-seoul", policies), stack("dr-busan", policies)];
  return files.map((file) => ({ file, resources: resources(file, files, file === files[0] ? edit : (same) => same) }));
}

function resources(file: StackFile, files: StackFile[], edit: (objects: KubernetesObject[]) => KubernetesObject[]) {
  if (file.kind !== "site") throw new Error("no site");
  const peers = files.flatMap((other) => (other.kind === "site" && other !== file ? [other.spec] : []));
  return edit(policyObjects(file.spec, peers).map((object) => ({ ...object }))).map((inputs, index) => ({
    type: "kubernetes:cilium.io/v2:CiliumClusterwideNetworkPolicy",
    name: `policy-${index}`,
    id: `${file.stack}-${index}`,
    parent: "",
    inputs,
    secretPaths: [],
    protect: false,
  }));
}

const enforced = { phase: "enforce", namespaces: { "kube-system": "enforce" }, hostFirewall: { phase: "enforce" } };
const without = (name: string) => (objects: KubernetesObject[]) =>
  objects.filter(({ metadata }) => JSON.stringify(metadata) !== JSON.stringify({ name }));
const [flows, accepted] = [policyStatements.systemFlows.code, policyStatements.accepted.code];
const broken = (stacks: readonly PlannedStack[]) =>
  provePolicies(stacks).flatMap(({ counterexample = "", holds, id }) => (holds ? [] : [[id, counterexample]]));

describe("the statements about policies", () => {
  it("are not made where no site has any", () => {
    expect(provePolicies(planned(undefined))).toEqual([]);
  });

  it.each([
    ["audit", {}],
    ["enforced", enforced],
  ])("hold for both sites in %s", (_, policies) => {
    const proofs = provePolicies(planned(policies));
    expect(proofs.map(({ holds, id }) => [id, holds])).toEqual([
      [flows, true],
      [accepted, true],
    ]);
    expect(proofs[0]?.facts).toMatchObject({ sites: "prod-seoul, dr-busan" });
  });

  it.each([
    ["gyeongbu-dns", "flow dns: No rule for egress"],
    ["gyeongbu-dns-server", "flow dns: No rule for ingress"],
    ["gyeongbu-health", "flow health"],
    ["gyeongbu-clustermesh-apiserver", "flow mesh-"],
    ["gyeongbu-host-control-plane", "flow api"],
  ])("find the flow that stops without %s, in audit as well", (name, words) => {
    for (const policies of [enforced, { hostFirewall: {} }]) {
      expect(broken(planned(policies, without(name)))).toEqual([
        [flows, expect.stringContaining(`prod-seoul, ${words}`)],
      ]);
    }
  });

  it("find a system flow that somebody's deny stops", () => {
    const deny = {
      apiVersion: "cilium.io/v2",
      kind: "CiliumClusterwideNetworkPolicy",
      metadata: { name: "no-etcd" },
      spec: {
        endpointSelector: {},
        enableDefaultDeny: { ingress: false, egress: false },
        egressDeny: [{ toPorts: [{ ports: [{ port: "2379", protocol: "TCP" }] }] }],
      },
    };
    expect(broken(planned({}, (objects) => [...objects, deny]))).toEqual([
      [flows, expect.stringContaining("flow mesh-to-peer: TCP 2379 to 10.20.")],
    ]);
  });

  it("find a policy that Cilium refuses", () => {
    const empty = {
      apiVersion: "cilium.io/v2",
      kind: "CiliumClusterwideNetworkPolicy",
      metadata: { name: "deny-all" },
      spec: { endpointSelector: {}, ingress: [] },
    };
    expect(broken(planned({}, (objects) => [...objects, empty]))).toEqual([
      [accepted, expect.stringContaining("prod-seoul, deny-all: ")],
    ]);
  });
});
