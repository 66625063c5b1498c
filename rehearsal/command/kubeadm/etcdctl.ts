import { type ClusterRecord, changeCluster, clusterRecords } from "../cluster.ts";
import type { Host } from "../host.ts";
import { fail, ok, parseArguments, type ToolCall, type ToolResult } from "../tool.ts";
import { etcdRuns } from "./join.ts";

const flags = {
  "--endpoints": true,
  "--cacert": true,
  "--cert": true,
  "--key": true,
  "-w": true,
  "--write-out": true,
  "--cluster": false,
  "--command-timeout": true,
  "--dial-timeout": true,
};

/** `etcdctl`, as the etcd container of a control plane holds it. */
export function etcdctl(call: ToolCall, host: Host, args: readonly string[]): ToolResult {
  const { flags: given, words, unknown } = parseArguments(args, flags);
  if (unknown !== undefined) return fail(`Error: unknown flag: ${unknown}`, 128);
  for (const flag of ["--cacert", "--cert", "--key"]) {
    const file = given.get(flag)?.[0];
    if (file === undefined || !host.files.exists(file))
      return fail(`Error: open ${file ?? "(no certificate given)"}: no such file or directory`, 128);
  }
  const cluster = clusterRecords(call.world).find(({ kubeadm }) =>
    kubeadm.members.some(({ address }) => address === host.machine.address),
  );
  if (cluster === undefined)
    return fail('{"level":"warn","msg":"retrying of unary invoker failed"}\nError: context deadline exceeded');
  const running = cluster.kubeadm.members.filter(({ address }) => etcdRuns(call, address)).length;
  const quorum = running * 2 > cluster.kubeadm.members.length;
  const [noun = "", verb = "", id] = words;
  if (noun === "member" && verb === "list") return ok(list(cluster));
  if (!quorum) return fail("Error: etcdserver: request timed out");
  if (noun === "endpoint" && verb === "health") return ok(`${given.get("--endpoints")?.[0] ?? ""} is healthy\n`);
  if (noun !== "member" || verb !== "remove")
    return fail(
      `Error: the rehearsal's etcdctl plays member list, member remove and endpoint health, not "${noun} ${verb}"`,
    );
  if (!cluster.kubeadm.members.some((member) => member.id === id)) return fail("Error: etcdserver: member not found");
  changeCluster(call.world, cluster.name, ({ kubeadm }) => {
    kubeadm.members = kubeadm.members.filter((member) => member.id !== id);
  });
  return ok(`Member ${id ?? ""} removed from cluster\n`);
}

function list({ kubeadm }: ClusterRecord): string {
  return kubeadm.members
    .map(
      ({ id, name, address }) => `${id}, started, ${name}, https://${address}:2380, https://${address}:2379, false\n`,
    )
    .join("");
}
