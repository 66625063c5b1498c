import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { expectedDefinitions } from "../components/cilium/service-mesh/gateway-api.ts";
import { makeCertificateAuthority } from "../components/secrets/certificate-authority.ts";
import type { Folder } from "./folder.ts";
import { objectId } from "./kubernetes/cluster.ts";
import { existingCluster } from "./kubernetes/seed.ts";
import { isRecord, type StackFile } from "./stack-files.ts";
import type { JsonObject, WorldObject } from "./world.ts";

/** The kubeconfig of a cluster that a site of platform `existing` names, kept in the rehearsal's folder: the cluster's CA is in it. */
export async function existingKubeconfig(folder: Pick<Folder, "root">, file: StackFile): Promise<string> {
  const kept = path.join(folder.root, `kubeconfig-${file.name}.yaml`);
  if (existsSync(kept)) return readFileSync(kept, "utf8");
  const api = isRecord(file.spec.api) ? file.spec.api : {};
  const context = typeof file.spec.context === "string" ? file.spec.context : "kubernetes-admin@kubernetes";
  const { certificate } = await makeCertificateAuthority("kubernetes", 30, new Date());
  const authority = Buffer.from(certificate).toString("base64");
  const server = `https://${String(api.host)}:${String(api.port)}`;
  const text = stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "kubernetes", cluster: { server, "certificate-authority-data": authority } }],
    users: [{ name: "kubernetes-admin", user: { token: "rehearsal" } }],
    contexts: [{ name: context, context: { cluster: "kubernetes", user: "kubernetes-admin" } }],
    "current-context": context,
  });
  writeFileSync(kept, text, { mode: 0o600 });
  return text;
}

/** The objects of the cluster that a site of platform `existing` describes: one control plane at the API's address and two workers. */
export async function existingObjects(folder: Pick<Folder, "root">, file: StackFile): Promise<WorldObject[]> {
  const { spec } = file;
  const [api, network, kubernetes, cilium] = ["api", "network", "kubernetes", "cilium"].map((key) => {
    const part = spec[key];
    return isRecord(part) ? part : {};
  });
  const pods = String(network?.pods);
  const podPrefix = pods.split(".", 2).join(".");
  const host = String(api?.host);
  const neighbours = [1, 2].map((step) => host.replace(/\d+$/, (last) => String((Number(last) + step) % 250)));
  const objects = existingCluster({
    name: file.name,
    kubeconfig: await existingKubeconfig(folder, file),
    version: `v${String(kubernetes?.version)}`,
    nodes: [host, ...neighbours].map((address, index) => ({
      name: index === 0 ? `${file.name}-control` : `${file.name}-worker-${index}`,
      address,
      role: index === 0 ? "control-plane" : "worker",
      podCidr: `${podPrefix}.${index}.0/24`,
    })),
    podSubnet: pods,
    serviceSubnet: String(network?.services),
    cilium: { version: String(cilium?.version), values: (cilium?.values ?? {}) as JsonObject },
  });
  // A site that adopts no release finds none.
  const found = spec.adopt === undefined ? objects.filter(({ type }) => !type.endsWith(":Release")) : objects;
  return [...found, ...installedBefore(file)];
}

/** What the service mesh of the stack file takes for given: definitions that somebody installed, a class of volumes. */
function installedBefore({ name, spec }: StackFile): WorldObject[] {
  const at = (value: unknown, key: string) => (isRecord(value) ? value[key] : undefined);
  const bundle = at(at(spec.serviceMesh, "gatewayApi"), "bundle");
  const storageClass = at(at(spec.serviceMesh, "mutualAuthentication"), "storageClass");
  const version = at(spec.cilium, "version");
  return [
    ...(at(bundle, "kind") === "installed" && typeof version === "string" ? expectedDefinitions(version) : []),
    ...(typeof storageClass === "string"
      ? [
          {
            apiVersion: "storage.k8s.io/v1",
            kind: "StorageClass",
            metadata: { name: storageClass },
            provisioner: "given",
          },
        ]
      : []),
  ].map((body) => {
    const group = body.apiVersion.split("/")[0] ?? "";
    const key = { group, kind: body.kind, namespace: "", name: body.metadata.name };
    const properties = { name: body.metadata.name, namespace: "", body, inputs: body, outputs: body } as JsonObject;
    return {
      provider: "kubernetes",
      type: `kubernetes:${body.apiVersion}:${body.kind}`,
      id: objectId(name, key),
      urn: "",
      place: name,
      properties,
    };
  });
}
