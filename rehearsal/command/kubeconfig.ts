import { parse } from "yaml";
import { z } from "zod";
import type { Host } from "./host.ts";
import { certificateHash } from "./kubeadm/pki.ts";

const Kubeconfig = z.object({
  "current-context": z.string(),
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) })),
  clusters: z.array(
    z.object({ name: z.string(), cluster: z.object({ server: z.string(), "certificate-authority-data": z.base64() }) }),
  ),
});

/** Where a kubeconfig leads, and which CA it trusts. */
export interface OpenedKubeconfig {
  readonly server: string;
  /** `sha256:` over the CA certificate. */
  readonly caFingerprint: string;
}

/** Reads a kubeconfig of the host; a string says why it cannot be used, as kubectl does. */
export function openKubeconfig(host: Host, path: string): OpenedKubeconfig | string {
  const text = host.files.read(path);
  if (text === undefined) return `stat ${path}: no such file or directory`;
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    return `error loading config file "${path}": yaml: not a mapping`;
  }
  const { data, error } = Kubeconfig.safeParse(document);
  if (data === undefined)
    return `error loading config file "${path}": ${error?.issues[0]?.path.join(".") ?? ""}: ${error?.issues[0]?.message ?? ""}`;
  const context = data.contexts.find(({ name }) => name === data["current-context"])?.context;
  const cluster = data.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  if (cluster === undefined) return `error: context "${data["current-context"]}" does not exist`;
  return {
    server: cluster.server,
    caFingerprint: certificateHash(Buffer.from(cluster["certificate-authority-data"], "base64").toString()),
  };
}
