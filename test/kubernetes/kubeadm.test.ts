import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { NodeSiteSpec } from "../../components/config/schema.ts";
import { apiServerFiles, apiServerPaths } from "../../components/kubernetes/api-server-files.ts";
import { renderInit, renderJoin } from "../../components/kubernetes/kubeadm.ts";
import { kubernetesMinors } from "../../components/kubernetes/versions.ts";
import { planSlots, type Slot } from "../../components/network/plan.ts";
import { awsSite, azureSite, onPremSite } from "../support/stacks.ts";

type Document = Record<string, unknown>;
interface Arg {
  readonly name: string;
  readonly value: string;
}

const ticket = { token: "abcdef.0123456789abcdef", caHash: `sha256:${"a".repeat(64)}`, certificateKey: "b".repeat(64) };
const encryptionKey = Buffer.alloc(32, 7).toString("base64");

function slotOf(site: NodeSiteSpec, role: Slot["role"]): Slot {
  const slot = planSlots(site).find((candidate) => candidate.role === role);
  if (!slot) throw new Error(`${site.name} has no ${role}`);
  return slot;
}

/** The documents of a file by kind. */
function documents(text: string): Record<string, Document> {
  const list = parseAllDocuments(text).map((document) => document.toJS() as Document & { kind: string });
  return Object.fromEntries(list.map((document) => [document.kind, document]));
}

const init = (site: NodeSiteSpec) => documents(renderInit(site, slotOf(site, "control-plane")));
const cluster = (site: NodeSiteSpec): Document => init(site).ClusterConfiguration ?? {};

/** `extraArgs` of a component as a map; a name given twice is an error. */
function flags(site: NodeSiteSpec, component: string): Record<string, string> {
  const { extraArgs } = cluster(site)[component] as { extraArgs: Arg[] };
  expect(new Set(extraArgs.map(({ name }) => name)).size).toBe(extraArgs.length);
  return Object.fromEntries(extraArgs.map(({ name, value }) => [name, value]));
}

describe("renderInit", () => {
  it("writes v1beta4 with lists of arguments, all of them strings", () => {
    const { InitConfiguration, ClusterConfiguration, KubeletConfiguration, ...rest } = init(awsSite());
    expect(rest).toEqual({});
    expect(InitConfiguration?.apiVersion).toBe("kubeadm.k8s.io/v1beta4");
    expect(ClusterConfiguration?.apiVersion).toBe("kubeadm.k8s.io/v1beta4");
    expect(KubeletConfiguration?.apiVersion).toBe("kubelet.config.k8s.io/v1beta1");
    for (const component of ["apiServer", "controllerManager", "scheduler"]) {
      expect(Object.values(flags(awsSite(), component)).every((value) => typeof value === "string")).toBe(true);
    }
  });

  it("lets no controller choose a pod block before the slot's is written", () => {
    for (const site of [awsSite(), azureSite(), onPremSite()]) {
      expect(flags(site, "controllerManager")["allocate-node-cidrs"]).toBe("false");
    }
  });

  it("leaves kube-proxy out", () => {
    expect(cluster(awsSite()).proxy).toEqual({ disabled: true });
    expect(init(awsSite()).InitConfiguration?.skipPhases).toEqual(["addon/kube-proxy"]);
  });

  it.each([
    [awsSite(), ["10.10.0.8", "10.10.16.8", "10.10.32.8", "10.10.0.16", "10.10.16.17", "10.10.32.18"]],
    [azureSite(), ["10.20.0.8", "10.20.0.16", "10.20.0.17", "10.20.0.18"]],
    [onPremSite(), ["10.30.0.10", "10.30.1.11", "10.30.2.11", "10.30.1.12"]],
  ])("names every way to the API in its certificate ($name)", (site, addresses) => {
    const { certSANs } = cluster(site).apiServer as { certSANs: string[] };
    expect(certSANs).toEqual([`api.${site.name}.gyeongbu.internal`, "127.0.0.1", ...addresses]);
    expect(cluster(site).controlPlaneEndpoint).toBe(`api.${site.name}.gyeongbu.internal:8443`);
  });

  it("hardens what the CIS benchmark finds in kubeadm's defaults", () => {
    for (const component of ["apiServer", "controllerManager", "scheduler"]) {
      expect(flags(awsSite(), component)).toMatchObject({ profiling: "false", "tls-min-version": "VersionTLS12" });
    }
    expect(flags(awsSite(), "apiServer")).toMatchObject({
      "enable-admission-plugins": "NodeRestriction,EventRateLimit",
      "kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt",
      "audit-log-maxage": "30",
    });
    expect(init(awsSite()).KubeletConfiguration).toMatchObject({
      cgroupDriver: "systemd",
      readOnlyPort: 0,
      protectKernelDefaults: true,
      serverTLSBootstrap: true,
      tlsMinVersion: "VersionTLS12",
    });
  });

  it("mounts every file that a flag of the API server names", () => {
    const { extraVolumes } = cluster(awsSite()).apiServer as {
      extraVolumes: { mountPath: string; readOnly: boolean }[];
    };
    const paths = Object.entries(flags(awsSite(), "apiServer")).filter(([, value]) =>
      /^\/(etc\/kubernetes\/gyeongbu|var\/log)\//.test(value),
    );
    expect(paths.map(([name]) => name).sort()).toEqual([
      "admission-control-config-file",
      "audit-log-path",
      "audit-policy-file",
      "authentication-config",
      "encryption-provider-config",
    ]);
    const hidden = paths.filter(([, path]) => !extraVolumes.some(({ mountPath }) => path.startsWith(`${mountPath}/`)));
    expect(hidden).toEqual([]);
  });

  it("holds no secret", () => {
    expect(renderInit(awsSite(), slotOf(awsSite(), "control-plane"))).not.toMatch(/token:|certificateKey|secret:/);
  });
});

describe("renderJoin", () => {
  const join = (role: Slot["role"]) =>
    documents(renderJoin(awsSite(), slotOf(awsSite(), role), ticket)).JoinConfiguration;

  it("pins the CA and verifies it", () => {
    expect(join("worker")?.discovery).toEqual({
      bootstrapToken: {
        apiServerEndpoint: "api.prod-seoul.gyeongbu.internal:8443",
        token: ticket.token,
        caCertHashes: [ticket.caHash],
      },
    });
  });

  it("gives control planes a local API and the certificate key, workers neither", () => {
    expect(join("control-plane")?.controlPlane).toEqual({
      localAPIEndpoint: { advertiseAddress: "10.10.0.16", bindPort: 6443 },
      certificateKey: ticket.certificateKey,
    });
    expect(join("worker")).not.toHaveProperty("controlPlane");
  });

  it("registers the node under its slot's name and address, empty until Cilium runs", () => {
    expect(join("worker")?.nodeRegistration).toMatchObject({
      name: "prod-seoul-app-0",
      kubeletExtraArgs: [{ name: "node-ip", value: planSlots(awsSite())[3]?.address }],
      taints: [{ key: "node.cilium.io/agent-not-ready", effect: "NoExecute" }],
    });
    expect(join("control-plane")?.nodeRegistration).toMatchObject({
      taints: [{ key: "node.cilium.io/agent-not-ready" }, { key: "node-role.kubernetes.io/control-plane" }],
    });
  });

  it("refuses a control plane whose ticket has no certificate key", () => {
    const { certificateKey: _, ...rest } = ticket;
    expect(() => renderJoin(awsSite(), slotOf(awsSite(), "control-plane"), rest)).toThrow("has no certificate key");
  });
});

describe("apiServerFiles", () => {
  const files = (version: string): Record<string, Document> =>
    Object.fromEntries(
      apiServerFiles(version, encryptionKey).map(({ path, content }) => [path, parse(content) as Document]),
    );

  it("encrypts Secrets with the stack's key and keeps plain ones readable", () => {
    expect(files("1.36.4")[apiServerPaths.encryption]?.resources).toEqual([
      {
        resources: ["secrets", "configmaps"],
        providers: [{ secretbox: { keys: [{ name: "key1", secret: encryptionKey }] } }, { identity: {} }],
      },
    ]);
  });

  it("answers strangers about health and the CA only", () => {
    const paths = (version: string) => {
      const { anonymous } = files(version)[apiServerPaths.authentication] as {
        anonymous: { conditions: { path: string }[] };
      };
      return anonymous.conditions.map(({ path }) => path);
    };
    for (const minor of Object.keys(kubernetesMinors)) {
      expect(paths(`${minor}.0`)).toEqual([
        "/livez",
        "/readyz",
        "/healthz",
        "/api/v1/namespaces/kube-public/configmaps/cluster-info",
      ]);
    }
  });

  it.each([
    ["1.33.9", "apiserver.config.k8s.io/v1beta1"],
    ["1.34.0", "apiserver.config.k8s.io/v1"],
    ["1.37.1", "apiserver.config.k8s.io/v1"],
  ])("writes the API version that %s reads", (version, apiVersion) => {
    expect(files(version)[apiServerPaths.authentication]?.apiVersion).toBe(apiVersion);
  });

  it("refuses a minor it knows nothing of", () => {
    expect(() => files("1.32.4")).toThrow(
      "Kubernetes 1.32.4 is not supported. Write one of 1.33, 1.34, 1.35, 1.36, 1.37.",
    );
  });

  it("logs no content of Secrets, and the whole of what changes rights", () => {
    const { rules } = files("1.36.4")[apiServerPaths.auditPolicy] as {
      rules: { level: string; resources?: { group: string; resources?: string[] }[] }[];
    };
    const levels = (group: string, resource?: string) =>
      rules.find((rule) =>
        rule.resources?.some((one) => one.group === group && (!resource || one.resources?.includes(resource))),
      )?.level;
    expect(levels("", "secrets")).toBe("Metadata");
    expect(levels("", "pods/exec")).toBe("RequestResponse");
    expect(levels("rbac.authorization.k8s.io")).toBe("RequestResponse");
    expect(levels("cilium.io", "ciliumnetworkpolicies")).toBe("RequestResponse");
    expect(rules.at(-1)).toEqual({ level: "Metadata" });
  });
});
