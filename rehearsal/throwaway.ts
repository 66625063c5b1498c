import { type Holder, settleSecrets } from "../components/secrets/settle.ts";
import { existingKubeconfig } from "./existing.ts";
import type { Folder } from "./folder.ts";
import { isRecord, type StackFile } from "./stack-files.ts";

/**
 * Secrets for one rehearsal, made up and thrown away with it: by stack, as JSON. `present` are those that stacks hold
 * already; a mesh shares some of them.
 */
export async function throwawaySecrets(
  files: readonly StackFile[],
  present: ReadonlyMap<string, string>,
  folder: Folder,
): Promise<Map<string, string>> {
  const holders: Holder[] = [];
  for (const file of files) {
    if (file.kind === "entry") continue;
    const held = present.get(file.name);
    holders.push({
      stack: file.name,
      kind: file.kind,
      peers: peersOf(file),
      asked: true,
      ...(held !== undefined && { present: held }),
      ...(file.spec.platform === "existing" && { kubeconfig: await existingKubeconfig(folder, file) }),
    });
  }
  return new Map((await settleSecrets(holders)).map(({ stack, secrets }) => [stack, JSON.stringify(secrets)]));
}

function peersOf({ spec }: StackFile): string[] {
  const peers = isRecord(spec.mesh) ? spec.mesh.peers : undefined;
  return Array.isArray(peers) ? peers.filter((peer) => typeof peer === "string") : [];
}
