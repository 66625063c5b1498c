import type { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { isRecord } from "../../components/config/untyped.ts";
import { contains, formatAddress, holds, overlaps, parseAddress, parseBlock } from "../aws/ipv4.ts";
import type { JsonObject, World } from "../world.ts";
import { clusters, list, objectsOf, record, text, texts } from "./cluster.ts";
import { selects } from "./selectors.ts";

/** What decides a Service's address outside the cluster. */
export interface ServiceFacts {
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly loadBalancerClass: string;
  readonly loadBalancerIP: string;
  /** 0 where none is fixed. */
  readonly nodePort: number;
  readonly ports: readonly number[];
}

/** Where a Service asks LB-IPAM for fixed addresses, comma separated; the second spelling is the older one. */
const requested = ["lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"];
/** Classes that LB-IPAM serves, beside none at all. */
const servedClasses = ["", "io.cilium/bgp-control-plane", "io.cilium/l2-announcer"];

export function factsOf(service: JsonObject): ServiceFacts {
  const [metadata, spec] = [record(service.metadata), record(service.spec)];
  const ports = list(spec.ports).map(record);
  return {
    type: text(spec.type) || "ClusterIP",
    labels: texts(metadata.labels),
    annotations: texts(metadata.annotations),
    loadBalancerClass: text(spec.loadBalancerClass),
    loadBalancerIP: text(spec.loadBalancerIP),
    nodePort: Number(text(ports[0]?.nodePort)),
    ports: ports.map(({ port }) => Number(text(port))),
  };
}

/** A Service that the chart makes, by the values under `path`. */
export function chartService(values: EffectiveValues, path: string, app: string, port: number): ServiceFacts {
  const map = (key: string) => {
    const given = values.at(`${path}.${key}`);
    const entries = isRecord(given) ? Object.entries(given) : [];
    return Object.fromEntries(entries.flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])));
  };
  return {
    type: values.text(`${path}.type`),
    labels: { "k8s-app": app, ...map("labels") },
    annotations: map("annotations"),
    loadBalancerClass: values.text(`${path}.loadBalancerClass`),
    loadBalancerIP: values.text(`${path}.loadBalancerIP`),
    nodePort: Number(values.text(`${path}.nodePort`)),
    ports: [port],
  };
}

/** The Service in front of clustermesh-apiserver: the chart's, or with `externallyCreated` the one somebody made, `undefined` until then. */
export function meshService(world: World, cluster: string, values: EffectiveValues): ServiceFacts | undefined {
  const [path, app] = ["clustermesh.apiserver.service", "clustermesh-apiserver"];
  if (!values.on(`${path}.externallyCreated`)) return chartService(values, path, app, 2379);
  const own = objectsOf(world, cluster, "Service", "").find(
    ({ name, namespace }) => name === app && namespace === "kube-system",
  );
  const selected = own !== undefined && texts(record(own.body.spec).selector)["k8s-app"] === app;
  return selected ? factsOf(own.body) : undefined;
}

/**
 * The address that a Service of type LoadBalancer gets: of LB-IPAM the requested one if an enabled pool holds it, else the first of the first
 * pool that serves it; or its `loadBalancerIP` where the cluster came with a controller for such. `undefined` when nothing gives one.
 */
export function externalAddress(world: World, cluster: string, service: ServiceFacts): string | undefined {
  const { annotations, labels, loadBalancerClass, loadBalancerIP } = service;
  const given = clusters(world).find(({ name }) => name === cluster)?.loadBalancers;
  if (given !== undefined && cidrContains(given, `${loadBalancerIP}/32`)) return loadBalancerIP;
  if (!servedClasses.includes(loadBalancerClass)) return undefined;
  const pools = objectsOf(world, cluster, "CiliumLoadBalancerIPPool", "cilium.io")
    .map(({ body }) => record(body.spec))
    .filter((spec) => spec.disabled !== true && selects(record(spec.serviceSelector), labels));
  const blocks = pools.flatMap((spec) =>
    list(spec.blocks).flatMap((block) => rangeOf(record(block), spec.allowFirstLastIPs === "No")),
  );
  const wanted = requested.map((key) => annotations[key]).find((value) => value !== undefined);
  if (wanted === undefined) return blocks[0] && formatAddress(blocks[0].first);
  const [first = ""] = wanted.split(",").map((part) => part.trim());
  const address = parseAddress(first);
  return address !== undefined && blocks.some((block) => holds(block, address)) ? first : undefined;
}

/** First and last usable address of a pool's block: `cidr`, or `start` to `stop`. */
function rangeOf(block: JsonObject, inner: boolean): { first: number; last: number; prefix: number }[] {
  const cidr = parseBlock(text(block.cidr));
  const edge = inner && (cidr?.prefix ?? 32) < 31 ? 1 : 0;
  if (cidr !== undefined) return [{ ...cidr, first: cidr.first + edge, last: cidr.last - edge }];
  const first = parseAddress(text(block.start));
  const last = parseAddress(text(block.stop) || text(block.start));
  return first === undefined || last === undefined ? [] : [{ first, last, prefix: 32 }];
}

/** Whether `outer` holds all of `inner`; false when either is no CIDR. */
export function cidrContains(outer: string, inner: string): boolean {
  const [a, b] = [parseBlock(outer), parseBlock(inner)];
  return a !== undefined && b !== undefined && contains(a, b);
}

export function cidrsOverlap(left: string, right: string): boolean {
  const [a, b] = [parseBlock(left), parseBlock(right)];
  return a !== undefined && b !== undefined && overlaps(a, b);
}
