import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { Cilium } from "./cilium/cilium.ts";
import type { Loaded } from "./config/load.ts";
import type { NodeSiteSpec, SiteSpec } from "./config/schema.ts";
import { KubernetesCluster } from "./kubernetes/kubernetes-cluster.ts";
import { apiEndpoint, meshEndpoint } from "./network/plan.ts";
import { ports } from "./network/ports.ts";
import { renderCloudInit } from "./nodes/cloud-init.ts";
import { bastionName, deriveHostKeys } from "./nodes/host-keys.ts";
import type { Bastion, Ground } from "./nodes/node.ts";
import { adminUser, type UserData } from "./nodes/pool.ts";
import type { SiteSecrets } from "./secrets/schema.ts";

type Site = Extract<Loaded, { kind: "site" }>;

/** A site from the ground up: network, nodes, Kubernetes, Cilium. Its outputs are the stack's. */
export async function deploySite({ site, peers, gatewayApi, secrets }: Site): Promise<Record<string, unknown>> {
  const { kubeconfig, ready, outputs } = await createCluster(site, peers, secrets);
  const provider = new Provider(site.name, { kubeconfig }, { dependsOn: [...ready] });
  new Cilium(site.name, { site, peers, provider, gatewayApi, secrets }, { dependsOn: [...ready] });
  const mesh = meshEndpoint(site);
  return { ...outputs, kubeconfig, ...(mesh ? { mesh } : {}) };
}

interface Cluster {
  /** Secret: grants cluster-admin. */
  readonly kubeconfig: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];
  readonly outputs: Record<string, unknown>;
}

async function createCluster(
  site: SiteSpec,
  peers: readonly SiteSpec[],
  secrets: pulumi.Output<SiteSecrets>,
): Promise<Cluster> {
  if (site.platform === "existing") {
    return { kubeconfig: existingKubeconfig(secrets), ready: [], outputs: {} };
  }
  const ground = await createGround(site, peers, secrets);
  const bastion = jumpThrough(site, ground.bastion, secrets);
  const { nodes, endpoints } = ground;
  const cluster = new KubernetesCluster(site.name, { site, nodes, bastion, secrets, endpoints });
  return {
    kubeconfig: cluster.kubeconfig,
    ready: cluster.ready,
    outputs: {
      api: apiEndpoint(site),
      ...(bastion ? { bastion: pulumi.output(bastion.host) } : {}),
      ...(ground.interconnect ? { interconnect: ground.interconnect } : {}),
    },
  };
}

/** A platform added to the schema does not compile until it has a case here. Each cloud's SDK is loaded only where it is used. */
async function createGround(
  site: NodeSiteSpec,
  peers: readonly SiteSpec[],
  secrets: pulumi.Output<SiteSecrets>,
): Promise<Ground> {
  const userData = cloudInit(site, secrets);
  switch (site.platform) {
    case "aws":
      return (await import("./nodes/aws-ground.ts")).createAwsGround(site, peers, userData);
    case "azure":
      return (await import("./nodes/azure-ground.ts")).createAzureGround(site, peers, userData, operatorKey(secrets));
    case "on-prem":
      return { nodes: (await import("./nodes/on-prem-nodes.ts")).onPremNodes(site), endpoints: [] };
  }
}

/** The bastion of ours, the jump host of theirs, or nothing in between. */
function jumpThrough(
  site: NodeSiteSpec,
  own: Ground["bastion"],
  secrets: pulumi.Output<SiteSecrets>,
): Bastion | undefined {
  const { access } = site;
  switch (access.kind) {
    case "direct":
      return undefined;
    case "jump-host":
      return { host: access.address, port: access.port, user: access.user, hostKey: access.hostKey };
    case "bastion": {
      if (!own) return undefined;
      const hostKey = secrets.apply(
        ({ hostKeySeed }) => deriveHostKeys(hostKeySeed, bastionName(site)).final.publicKey,
      );
      return {
        host: own.publicAddress,
        port: ports.ssh,
        user: adminUser,
        hostKey: pulumi.unsecret(hostKey),
        machineId: own.machineId,
        dependsOn: [own],
      };
    }
  }
}

/** User data by machine name. Marked secret: the one-time key in it is worth nothing later, but need not be read meanwhile. */
function cloudInit(site: NodeSiteSpec, secrets: pulumi.Output<SiteSecrets>): UserData {
  return (name) =>
    secrets.apply(({ hostKeySeed, ssh }) =>
      renderCloudInit({
        hostname: name,
        user: adminUser,
        authorizedKey: ssh.publicKey,
        bootstrapHostKey: deriveHostKeys(hostKeySeed, name).bootstrap,
        role: name === bastionName(site) ? "bastion" : "node",
      }),
    );
}

function operatorKey(secrets: pulumi.Output<SiteSecrets>): pulumi.Output<string> {
  return pulumi.unsecret(secrets.apply(({ ssh }) => ssh.publicKey));
}

function existingKubeconfig(secrets: pulumi.Output<SiteSecrets>): pulumi.Output<string> {
  return secrets.apply(({ kubeconfig }) => {
    if (kubeconfig !== undefined) return kubeconfig;
    throw new pulumi.RunError(
      "GB-106 gyeongbu:secrets holds no kubeconfig. Run `npm run secrets -- STACK --kubeconfig FILE` with one that is cluster-admin.",
    );
  });
}
