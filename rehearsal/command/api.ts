import { backendsOf } from "../kubernetes/frontends.ts";
import { connectionObstacle } from "../verify/reach.ts";
import type { World } from "../world.ts";
import { type ClusterRecord, clusterRecords } from "./cluster.ts";
import { Host } from "./host.ts";
import { allMachines, findMachine } from "./machine.ts";
import { haproxyServers } from "./tools/configs.ts";
import { resolveNames } from "./tools/names.ts";
import { machineAnswers } from "./tools/network.ts";
import { isActive, kubeletRuns } from "./tools/units.ts";

/** A way to an API server. */
export interface Reached {
  readonly cluster: ClusterRecord;
  /** The control plane that answered. */
  readonly controlPlane: Host;
  /** The address that was dialled, when it is neither the control plane's own nor a local proxy: a load balancer. */
  readonly balancer: string | undefined;
}

/** Whether the machine's API server answers. */
export function apiRuns(host: Host): boolean {
  return kubeletRuns(host) && host.files.exists("/etc/kubernetes/manifests/kube-apiserver.yaml");
}

/**
 * Follows `host:port` from a machine to an API server: the name through /etc/hosts, then a local proxy, a control plane itself or a
 * cloud's load balancer.
 *
 * @returns what answered, or why nothing did, in the words of Go's dialler.
 */
export function reachApi(from: Host, world: World, server: string): Reached | string {
  const [name = "", port = "443"] = server.replace(/^https:\/\//, "").split(":");
  const addresses = resolveNames(from, name);
  if (addresses.length === 0) return `dial tcp: lookup ${name} on 127.0.0.53:53: no such host`;
  let error = "";
  for (const address of addresses) {
    const reached = dialApi(from, world, address, Number(port));
    if (typeof reached !== "string") return reached;
    error ||= reached;
  }
  return error;
}

function dialApi(from: Host, world: World, address: string, port: number): Reached | string {
  const at = `dial tcp ${address}:${port}`;
  if (address.startsWith("127.") || address === from.machine.address) {
    const own = answerAt(world, from.machine.address, port);
    if (own !== undefined) return { ...own, balancer: undefined };
    if (!isActive(from, "haproxy")) return `${at}: connect: connection refused`;
    const servers = haproxyServers(from.files.read("/etc/haproxy/haproxy.cfg") ?? "").get(port);
    if (servers === undefined) return `${at}: connect: connection refused`;
    const ways = servers.map(endpoint).map((server) => ({ server, obstacle: obstacleTo(from, world, server) }));
    const open = ways.filter(({ obstacle }) => obstacle === undefined).map(({ server }) => server);
    const obstacle = open.length === 0 ? ways[0]?.obstacle : undefined;
    const reached = first(world, open);
    const silent = `no API server answers at ${servers.join(", ")}, the proxy's servers`;
    return reached === undefined ? because("EOF", obstacle ?? silent) : { ...reached, balancer: undefined };
  }
  if (findMachine(world, address) !== undefined) {
    const obstacle = obstacleTo(from, world, { address, port });
    if (!machineAnswers(world, address) || obstacle !== undefined) return because(`${at}: i/o timeout`, obstacle);
    const direct = answerAt(world, address, port);
    return direct === undefined ? `${at}: connect: connection refused` : { ...direct, balancer: undefined };
  }
  const virtual = virtualAddress(world, address);
  if (virtual !== undefined) {
    const held =
      first(
        world,
        (haproxyServers(virtual.files.read("/etc/haproxy/haproxy.cfg") ?? "").get(port) ?? []).map(endpoint),
      ) ?? answerAt(world, virtual.machine.address, port);
    return held === undefined ? `${at}: connect: connection refused` : { ...held, balancer: address };
  }
  const obstacle = obstacleTo(from, world, { address, port });
  const reached = obstacle === undefined ? first(world, backendsOf(world, address, port) ?? []) : undefined;
  return reached === undefined ? because(`${at}: i/o timeout`, obstacle) : { ...reached, balancer: address };
}

/** What a dialler sees, and what it cannot see. */
function because(error: string, obstacle: string | undefined): string {
  return obstacle === undefined ? error : `${error} (${obstacle})`;
}

function obstacleTo(from: Host, world: World, { address, port }: Endpoint): string | undefined {
  return address === from.machine.address ? undefined : connectionObstacle(world, from.machine.address, address, port);
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

function endpoint(server: string): Endpoint {
  const [address = "", port = ""] = server.split(":");
  return { address, port: Number(port) };
}

function first(world: World, endpoints: readonly Endpoint[]): Omit<Reached, "balancer"> | undefined {
  for (const { address, port } of endpoints) {
    const reached = machineAnswers(world, address) ? answerAt(world, address, port) : undefined;
    if (reached !== undefined) return reached;
  }
  return undefined;
}

function answerAt(world: World, address: string, port: number): Omit<Reached, "balancer"> | undefined {
  const machine = findMachine(world, address);
  if (machine === undefined) return undefined;
  const controlPlane = Host.open(machine);
  const cluster = clusterRecords(world).find(
    ({ kubeadm, addresses }) => kubeadm.bindPort === port && addresses.includes(machine.address),
  );
  return cluster === undefined || !apiRuns(controlPlane) ? undefined : { cluster, controlPlane };
}

/** The machine whose keepalived holds a virtual address. */
function virtualAddress(world: World, address: string): Host | undefined {
  return allMachines(world)
    .filter((machine) => machineAnswers(world, machine.address))
    .map((machine) => Host.open(machine))
    .find(
      (host) =>
        isActive(host, "keepalived") &&
        new RegExp(`^\\s*${address.replaceAll(".", "\\.")}(/\\d+)?(\\s|$)`, "m").test(
          host.files.read("/etc/keepalived/keepalived.conf") ?? "",
        ),
    );
}
