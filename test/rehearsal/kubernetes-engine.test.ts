import { CustomResource } from "@pulumi/kubernetes/apiextensions/index.js";
import * as core from "@pulumi/kubernetes/core/v1/index.js";
import * as helm from "@pulumi/kubernetes/helm/v3/index.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, it } from "vitest";
import { releaseProblems } from "../../rehearsal/kubernetes/readiness.ts";
import { seedExistingCluster } from "../../rehearsal/kubernetes/seed.ts";
import { EngineStack, engineLimit, errorOf } from "../support/engine-stack.ts";
import { kubeconfig, putCluster } from "./kubernetes-cluster.ts";

const secretText = "Sevenfold.Secret_4711";

let rehearsed: EngineStack;
let program: () => void = () => {};

/** A site's share above the cluster: Cilium, a pool for its addresses, a secret. */
function site(change: Record<string, unknown> = {}): void {
  const contents = pulumi.secret(kubeconfig("https://api.seoul.example:6443", "seoul"));
  const provider = new Provider("seoul", { kubeconfig: contents });
  const key = { metadata: { name: "cilium-ipsec-keys", namespace: "kube-system" } };
  new core.Secret("ipsec", { ...key, stringData: { keys: pulumi.secret(secretText) } }, { provider });
  const cilium = new helm.Release(
    "cilium",
    {
      chart: "cilium",
      version: "1.20.2",
      repositoryOpts: { repo: "https://helm.cilium.io/" },
      name: "cilium",
      namespace: "kube-system",
      skipAwait: true,
      values: {
        cluster: { name: "seoul", id: 1 },
        routingMode: "native",
        autoDirectNodeRoutes: true,
        ipv4NativeRoutingCIDR: "10.128.0.0/13",
        ipam: { mode: "kubernetes" },
        kubeProxyReplacement: true,
        k8sServiceHost: "api.seoul.example",
        k8sServicePort: 6443,
        tls: { ca: { key: pulumi.secret(secretText), cert: "CERTIFICATE" } },
        ...change,
      },
    },
    { provider },
  );
  const spec = { blocks: [{ cidr: "10.90.0.0/24" }] };
  const pool = { apiVersion: "cilium.io/v2", kind: "CiliumLoadBalancerIPPool", metadata: { name: "vip" }, spec };
  new CustomResource("vip", pool, { provider, dependsOn: cilium });
}

/** Takes over a running cluster's release. */
function adopt(): void {
  const provider = new Provider("local", { kubeconfig: kubeconfig("https://192.168.1.187:6443", "local") });
  const identity = { name: "cilium", namespace: "kube-system", chart: "cilium/cilium", version: "1.18.4" };
  const values = { hubble: { enabled: true } };
  new helm.Release("cilium", { ...identity, values }, { provider, import: "kube-system/cilium" });
}

beforeAll(async () => {
  rehearsed = await EngineStack.open("kubernetes", async () => program());
}, engineLimit);
afterAll(() => rehearsed.close());

it("comes up through the engine once, changes in place, and leaves nothing", { timeout: 120_000 }, async () => {
  rehearsed.inWorld((world) => putCluster(world, { name: "seoul", octet: 10 }));
  const given = rehearsed.inWorld((world) => world.all());
  program = () => site();
  expect((await rehearsed.stack.up()).summary.resourceChanges).toEqual({ create: 5 });
  expect(rehearsed.inWorld((world) => releaseProblems(world, "seoul"))).toEqual([]);
  expect((await rehearsed.stack.up()).summary.resourceChanges).toEqual({ same: 5 });
  expect((await rehearsed.stack.refresh()).summary.resourceChanges).toEqual({ same: 5 });

  program = () => site({ debug: { enabled: true } });
  expect((await rehearsed.stack.up()).summary.resourceChanges).toEqual({ same: 4, update: 1 });
  program = () => site({ debug: { enable: true } });
  expect(await errorOf(rehearsed.stack.up())).toContain(
    "debug.enable: the Cilium 1.20.2 chart has no such key; did you mean debug.enabled?",
  );

  expect(rehearsed.filesWith(secretText)).toEqual([]);
  program = () => site();
  await rehearsed.stack.destroy();
  expect(rehearsed.inWorld((world) => world.all())).toEqual(given);
});

it("imports a release without changing it", { timeout: 120_000 }, async () => {
  rehearsed.inWorld((world) =>
    seedExistingCluster(world, {
      name: "local",
      kubeconfig: kubeconfig("https://192.168.1.187:6443", "local"),
      version: "v1.31.13",
      nodes: [{ name: "k8s-1", address: "192.168.1.187", role: "control-plane", podCidr: "10.244.0.0/24" }],
      podSubnet: "10.244.0.0/16",
      serviceSubnet: "10.96.0.0/12",
      cilium: { version: "1.18.4", values: { hubble: { enabled: true } } },
    }),
  );
  program = adopt;
  expect((await rehearsed.stack.up()).summary.resourceChanges).toMatchObject({ import: 1 });
  expect((await rehearsed.stack.up()).summary.resourceChanges).toEqual({ same: 3 });
});
