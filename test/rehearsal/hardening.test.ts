import { describe, expect, it } from "vitest";
import { renderInit } from "../../components/kubernetes/kubeadm.ts";
import { planSlots } from "../../components/network/plan.ts";
import { readConfig } from "../../rehearsal/command/kubeadm/config.ts";
import { hardeningProblems, spreadProblems } from "../../rehearsal/verify/hardening.ts";
import { type JsonObject, World } from "../../rehearsal/world.ts";
import { awsSite } from "../support/stacks.ts";

const [founder] = planSlots(awsSite());
if (founder === undefined) throw new Error("prod-seoul has no slots");
/** What the project itself gives to kubeadm. */
const own = renderInit(awsSite(), founder);

/** A world with the cluster that kubeadm makes of these documents. */
function made(text: string): World {
  const world = World.open(":memory:");
  const { cluster, kubelet } = readConfig(text);
  const kubeadm: JsonObject = {
    initUrn: "",
    configuration: JSON.parse(JSON.stringify(cluster ?? {})),
    kubelet: JSON.parse(JSON.stringify(kubelet ?? {})),
    bindPort: 6443,
    publicKeyHash: "",
    tokens: [],
    members: [],
    learnerUntil: 0,
    requests: [],
  };
  const properties = { endpoint: "api:8443", addresses: [], version: "v1.36.4", caFingerprint: "", kubeadm };
  world.put({ provider: "kubernetes", type: "cluster", id: "seoul", urn: "", place: "seoul", properties });
  return world;
}

describe("a control plane", () => {
  it("is as the project makes it", () => {
    expect(hardeningProblems(made(own))).toEqual([]);
  });

  it.each([
    [
      "encryption-provider-config",
      "apiServer.extraArgs encryption-provider-config is not set: Secrets lie in etcd in clear",
    ],
    ["audit-policy-file", "apiServer.extraArgs audit-policy-file is not set"],
    ["kubelet-certificate-authority", "apiServer.extraArgs kubelet-certificate-authority is not set"],
  ])("without %s is refused", (flag, words) => {
    const text = own.replace(new RegExp(` +- name: ${flag}\\n +value: .*\\n`), "");
    expect(text).not.toBe(own);
    expect(hardeningProblems(made(text)).join("\n")).toContain(words);
  });

  it.each([
    ['value: "false"', 'value: "true"', "profiling is true: profiles are served to whoever asks"],
    ["NodeRestriction,", "", "enable-admission-plugins is EventRateLimit"],
    ["readOnlyPort: 0", "readOnlyPort: 10255", "the kubelets' readOnlyPort is not 0"],
    ["serverTLSBootstrap: true", "serverTLSBootstrap: false", "the kubelets' serverTLSBootstrap is not true"],
  ])("with %s instead of what it should have is refused", (from, to, words) => {
    expect(hardeningProblems(made(own.replaceAll(from, to))).join("\n")).toContain(words);
  });
});

it("minds a zone that holds etcd's majority, where there are others", () => {
  const spread = (zones: readonly string[]): string[] => {
    const world = World.open(":memory:");
    for (const [index, zone] of zones.entries()) {
      const address = `10.10.0.${16 + index}`;
      world.put({ provider: "host", type: "machine", id: address, urn: "", place: "r", properties: { address, zone } });
      const role = index < 3 ? "control-plane" : "worker";
      const node = { cluster: "seoul", name: `n${index}`, address, role };
      world.put({
        provider: "kubernetes",
        type: "node",
        id: `seoul/n${index}`,
        urn: "",
        place: "seoul",
        properties: node,
      });
    }
    return spreadProblems(world);
  };
  expect(spread(["a", "b", "c", "a", "b", "c"])).toEqual([]);
  expect(spread(["a", "b", "a", "b"])).toEqual([]);
  expect(spread(["a", "a", "b", "b", "c"])).toEqual([
    "seoul: 2 of 3 control planes stand in a, so its loss is the loss of etcd",
  ]);
});
