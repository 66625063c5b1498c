import { isRecord } from "../components/config/untyped.ts";
import { contains } from "../components/network/cidr.ts";
import { meshEndpoint } from "../components/network/plan.ts";
import { type Member, value } from "./mesh-members.ts";
import { blocksOf } from "./rules/addresses.ts";

/** Where `from` finds `to`, as the chart reads its list of clusters; a list on 1.18, a map or a list from 1.19. */
function entryOf(from: Member, to: Member): Readonly<Record<string, unknown>> | undefined {
  const clusters = from.values.at("clustermesh.config.clusters");
  const found = Array.isArray(clusters)
    ? clusters.filter(isRecord).find(({ name }) => name === to.site.name)
    : isRecord(clusters)
      ? clusters[to.site.name]
      : undefined;
  return isRecord(found) && found.enabled !== false ? found : undefined;
}

/** The name that `from` dials and the server's certificate must hold. */
export function dialled(from: Member, to: Member): string | undefined {
  const entry = entryOf(from, to);
  if (!entry) return undefined;
  if (Array.isArray(entry.ips) && entry.ips.length > 0) {
    return `${to.site.name}.${value("clustermesh.config.domain")(from)}`;
  }
  return typeof entry.address === "string" ? entry.address : undefined;
}

/** Names and addresses in a member's server certificate (chart `clustermesh-apiserver`, certgen's hosts). */
export function certificateNames({ values }: Member): string[] {
  const listed = (path: string) => {
    const found = values.at(path);
    return Array.isArray(found) ? found.map(String) : [];
  };
  return [
    "clustermesh-apiserver.cilium.io",
    "*.mesh.cilium.io",
    "clustermesh-apiserver.kube-system.svc",
    "127.0.0.1",
    "::1",
    ...["", "auto."].flatMap((part) =>
      ["extraDnsNames", "extraIpAddresses"].flatMap((key) => listed(`clustermesh.apiserver.tls.${part}server.${key}`)),
    ),
  ];
}

/** A wildcard stands for one label (RFC 6125, 6.4.3). */
export function covers(pattern: string, name: string): boolean {
  return pattern === name || (pattern.startsWith("*.") && name.slice(name.indexOf(".")) === pattern.slice(1));
}

/** What stands between `from` and the endpoint of `to`. */
export function endpointProblem(from: Member, to: Member): string | undefined {
  const { name } = from.site;
  const endpoint = meshEndpoint(to.site);
  if (!endpoint) return `${to.site.name} has no mesh endpoint`;
  const entry = entryOf(from, to);
  if (!from.values.on("clustermesh.config.enabled") || !entry) return `${name} is not told where ${to.site.name} is`;
  const port = Number(entry.port);
  if (port !== endpoint.port) return `${name} dials port ${port} of ${to.site.name}, which answers on ${endpoint.port}`;
  const ips = Array.isArray(entry.ips) ? entry.ips.map(String) : [];
  const wrong = ips.find((ip) => !endpoint.addresses.some((address) => address === ip));
  return wrong === undefined
    ? undefined
    : `${name} dials ${wrong} for ${to.site.name}, which is at ${endpoint.addresses.join(", ")}`;
}

/** An endpoint whose address means something else at the one who dials it. */
export function foreignAddress(from: Member, to: Member): string | undefined {
  const addresses = meshEndpoint(to.site)?.addresses ?? [];
  return blocksOf(from.site).flatMap(({ label, block }) =>
    addresses
      .filter((address) => contains(block, address))
      .map((address) => `${to.site.name}'s endpoint ${address} lies in ${label} ${block} of ${from.site.name}`),
  )[0];
}
