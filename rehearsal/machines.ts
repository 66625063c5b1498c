import { isRecord, type StackFile } from "./stack-files.ts";
import type { Json, WorldObject } from "./world.ts";

/** A site's machines, load balancer and routers by its stack file; they have no URN, since nothing of ours made them. */
export function machinesOf({ name, spec }: StackFile): WorldObject[] {
  const access = isRecord(spec.access) && spec.access.kind === "jump-host" ? [spec.access] : [];
  const jumpHosts = access.map((host) => machine(name, `${name}-jump-host`, host, []));
  const pools = records(spec.nodePools);
  const nodes = pools.flatMap((pool) =>
    records(pool.hosts).map((host) => {
      const path = pool.etcdDevice;
      return machine(name, `${name}-${text(host.address)}`, host, typeof path === "string" ? [path] : []);
    }),
  );
  return [...jumpHosts, ...nodes, ...apiBalancer(name, spec, pools), ...routers(name, spec)];
}

/** The racks' ToRs as the data centre has set them up: each speaks BGP with its rack's nodes, and takes pods and load-balancer addresses from them. */
function routers(place: string, { bgp, loadBalancers, network, racks }: StackFile["spec"]): WorldObject[] {
  if (!isRecord(bgp)) return [];
  const accepts = [isRecord(network) ? network.pods : undefined, loadBalancers].map(text);
  return records(racks).flatMap((rack) =>
    records(rack.tors).map((tor): WorldObject => {
      const properties = {
        name: text(tor.name),
        rack: text(rack.name),
        asn: Number(bgp.torAsn),
        nodeAsn: Number(bgp.nodeAsn),
        // On unless the stack file says otherwise, as the program has it.
        md5: bgp.md5 !== false,
        accepts,
      };
      return { provider: "host", type: "router", id: text(tor.address), urn: "", place, properties };
    }),
  );
}

/** The data centre's own load balancer in front of the API, where the site has one: it sends to the control planes' 6443. */
function apiBalancer(
  place: string,
  { apiAddress }: StackFile["spec"],
  pools: Record<string, unknown>[],
): WorldObject[] {
  if (typeof apiAddress !== "string") return [];
  const controlPlanes = pools.filter(({ role }) => role === "control-plane").flatMap((pool) => records(pool.hosts));
  const properties = { port: 8443, targetPort: 6443, targets: controlPlanes.map(({ address }) => text(address)) };
  return [{ provider: "host", type: "load-balancer", id: apiAddress, urn: "", place, properties }];
}

function machine(place: string, name: string, host: Record<string, unknown>, devices: string[]): WorldObject {
  const address = text(host.address);
  const disks: Json[] = devices.map((path) => ({ path, sizeGiB: 64 }));
  const properties = {
    name,
    address,
    zone: text(host.rack),
    hostKey: text(host.hostKey),
    disks,
    os: "ubuntu-24.04",
    kernel: "6.8.0-48-generic",
    power: "on",
  };
  return { provider: "host", type: "machine", id: address, urn: "", place, properties };
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
