import type { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { Host } from "../command/host.ts";
import { findMachine } from "../command/machine.ts";
import { haproxyServers } from "../command/tools/configs.ts";
import { resolveNames } from "../command/tools/names.ts";
import { apiServerPort, type Cluster, type ClusterNode, nodesOf } from "../kubernetes/cluster.ts";
import { backendsOf } from "../kubernetes/frontends.ts";
import type { World } from "../world.ts";
import { connection, type Flow, nodeFlows, pairsOf } from "./flows.ts";
import { Roads } from "./roads.ts";

/**
 * What a cluster's own network does not carry, one sentence each: between nodes, from nodes to the API's endpoint and to the image
 * registry, from the bastion to nodes. Empty for machines that lie in no cloud: nothing is known about what lies between them.
 */
export function siteProblems(world: World, cluster: Cluster, values: EffectiveValues): string[] {
  const roads = new Roads(world);
  const nodes = nodesOf(world, cluster.name).filter(({ address }) => roads.classOf(address) !== undefined);
  const [first] = nodes;
  if (first === undefined) return [];
  const self = { nodes, values };
  const pairs = pairsOf(nodes, nodes, (node) => `${node.controlPlane} ${roads.classOf(node.address)}`);
  const endpoints = nodes.map((node) => endpointOf(world, node, values));
  const fronts = [...new Set(endpoints.flatMap(({ balancers }) => balancers))];
  const flows = [
    ...nodeFlows(self, self, pairs),
    ...endpoints.flatMap(({ flows: own }) => own),
    ...(needsRegistry(values) ? nodes.map(registryFlow) : []),
    ...bastionFlows(world, nodes, fronts),
  ];
  return [
    ...endpoints.flatMap(({ problems }) => problems),
    ...fronts.flatMap((front) => backendProblems(world, front, nodes)),
    ...flowProblems(roads, flows),
  ];
}

/** Flows that do not get through, those that fail for the same reason as one. */
export function flowProblems(roads: Roads, flows: readonly Flow[]): string[] {
  const failed = flows.flatMap(({ name, packet, reply, receiver, sender }) => {
    const there = roads.obstacle(packet, receiver);
    if (there !== undefined) return [{ name, reason: there }];
    // Whoever is outside a cloud answers without the world's help.
    const back = packet.to === registry ? undefined : roads.obstacle(reply, sender);
    return back === undefined ? [] : [{ name, reason: `no answer comes back: ${back}` }];
  });
  // Reasons that differ in an address, an id or a machine's number only are one reason.
  const alike = Map.groupBy(failed, ({ reason }) => reason.replaceAll(/\b[a-z]*-?[0-9a-f]{8,}\b|\d+/g, "#"));
  return [...alike.values()].map(([first, ...more]) =>
    [`${first?.name}: ${first?.reason}`, ...(more.length === 0 ? [] : [` (and ${more.length} more alike)`])].join(""),
  );
}

/** How a node looks for the API: the addresses that its /etc/hosts gives for the agents' `k8sServiceHost`. */
function endpointOf(world: World, node: ClusterNode, values: EffectiveValues) {
  const [name, port] = [values.text("k8sServiceHost"), Number(values.text("k8sServicePort") || 443)];
  const machine = findMachine(world, node.address);
  const found: { flows: Flow[]; balancers: string[]; problems: string[] } = { flows: [], balancers: [], problems: [] };
  if (machine === undefined || name === "" || name === "auto") return found;
  const host = Host.open(machine);
  const addresses = resolveNames(host, name);
  if (addresses.length === 0) found.problems.push(`${node.name}: lookup ${name}: no such host in its /etc/hosts`);
  for (const address of addresses) {
    if (address.startsWith("127.")) {
      const servers = haproxyServers(host.files.read("/etc/haproxy/haproxy.cfg") ?? "").get(port);
      if (servers === undefined) found.problems.push(`${node.name}: nothing listens on ${address}:${port}`);
      for (const server of servers ?? []) {
        if (!isApiServer(world, server))
          found.problems.push(
            `${node.name}: its proxy on port ${port} has the server ${server}, where no API server is`,
          );
      }
      continue;
    }
    found.flows.push(connection(node, address, port, "API endpoint"));
    if (findMachine(world, address) === undefined) found.balancers.push(`${address}:${port}`);
  }
  return found;
}

function isApiServer(world: World, server: string): boolean {
  const [address = "", port = ""] = server.split(":");
  const node = world.find("kubernetes", "node").find(({ properties }) => properties.address === address);
  return node?.properties.role === "control-plane" && Number(port) === apiServerPort;
}

/** Every control plane stands behind the front end, at its API server's port, and nothing else. */
function backendProblems(world: World, front: string, nodes: readonly ClusterNode[]): string[] {
  const [address = "", port = ""] = front.split(":");
  const backends = backendsOf(world, address, Number(port));
  // The path says that nothing listens there.
  if (backends === undefined) return [];
  const wrong = backends.filter((backend) => !isApiServer(world, `${backend.address}:${backend.port}`));
  const lacking = nodes.filter(
    (node) => node.controlPlane && !backends.some((backend) => backend.address === node.address),
  );
  return [
    ...wrong.map(
      (backend) => `load balancer ${front} sends to ${backend.address}:${backend.port}, where no API server is`,
    ),
    ...lacking.map(({ name }) => `load balancer ${front} does not send to the control plane ${name}`),
    ...backends
      .filter(({ healthPort }) => healthPort !== apiServerPort)
      .map(
        (backend) =>
          `load balancer ${front} checks ${backend.address} at port ${backend.healthPort}, where nothing answers`,
      ),
  ];
}

/** An address of a public registry: any will do. */
const registry = "198.51.100.250";

/** Whether nodes fetch images from where everybody does. */
function needsRegistry(values: EffectiveValues): boolean {
  const repository = values.text("image.override") || values.text("image.repository");
  return repository === "" || /^(quay\.io|docker\.io|registry\.k8s\.io|ghcr\.io)\//.test(repository);
}

function registryFlow(node: ClusterNode): Flow {
  return connection(node, registry, 443, "image registry");
}

/** Machines of a cloud with a public address: people reach nodes by SSH, and the API, through them. */
function bastionFlows(world: World, nodes: readonly ClusterNode[], fronts: readonly string[]): Flow[] {
  const places = new Set(nodes.map(({ address }) => world.get("host", address)?.place));
  const bastions = world
    .find("host", "machine")
    .filter(({ id, place, urn }) => places.has(place) && urn !== "" && !nodes.some(({ address }) => address === id))
    .filter(({ properties }) => typeof properties.publicAddress === "string" && properties.publicAddress !== "");
  return bastions.flatMap(({ id, properties }) => {
    const bastion = { name: typeof properties.name === "string" ? properties.name : id, address: id };
    return [
      ...nodes.map((node) => connection(bastion, node.address, 22, `SSH to ${node.name}`)),
      ...fronts.map((front) => {
        const [address = "", port = ""] = front.split(":");
        return connection(bastion, address, Number(port), "API endpoint");
      }),
    ];
  });
}
