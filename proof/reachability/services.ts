import { isIP } from "node:net";
import { list, record } from "../../components/config/untyped.ts";
import type { KubernetesObject } from "../rule.ts";
import { type Place, placeOf, placeText } from "./metadata.ts";

type Texts = Readonly<Record<string, string>>;

/** A Service as policies see it. */
export interface ServiceFacts extends Place {
  readonly namespace: string;
  readonly labels: Texts;
  /** Of its pods; without one the backends are those of its EndpointSlices. */
  readonly selector: Texts;
  /** Addresses of the backends, where there is no selector. */
  readonly addresses: readonly string[];
}

/** The Services that `toServices` can mean. */
export type ServiceIndex = readonly ServiceFacts[];

function texts(value: unknown): Texts {
  return Object.fromEntries(
    Object.entries(record(value)).flatMap(([key, text]) => (typeof text === "string" ? [[key, text]] : [])),
  );
}

/** All Services among the documents, with the addresses that EndpointSlices and Endpoints give those without a selector. */
export function servicesOf(objects: readonly KubernetesObject[]): ServiceIndex {
  const backends = new Map<string, string[]>();
  const services = new Map<string, ServiceFacts>();
  for (const { kind, metadata, spec, ...rest } of objects) {
    if (kind !== "Service" && kind !== "EndpointSlice" && kind !== "Endpoints") continue;
    const place = placeOf(metadata, true);
    const labels = texts(record(metadata).labels);
    const { namespace = "default" } = place;
    if (kind === "Service") {
      services.set(placeText(place), {
        ...place,
        namespace,
        labels,
        selector: texts(record(spec).selector),
        addresses: [],
      });
      continue;
    }
    const slice = kind === "EndpointSlice";
    const name = slice ? (labels["kubernetes.io/service-name"] ?? "") : place.name;
    const key = placeText({ name, namespace });
    const found = (slice ? sliceAddresses(rest) : endpointsAddresses(rest)).filter((address) => isIP(address) !== 0);
    backends.set(key, [...(backends.get(key) ?? []), ...found]);
  }
  return [...services].map(([key, service]) => ({ ...service, addresses: [...new Set(backends.get(key) ?? [])] }));
}

/** A slice without ports has no backends (`pkg/k8s/endpoints.go`). */
function sliceAddresses({ addressType, endpoints, ports }: KubernetesObject): string[] {
  const open = list(ports).some((port) => typeof record(port).port === "number");
  if (!open || (addressType !== "IPv4" && addressType !== "IPv6")) return [];
  return list(endpoints).flatMap((endpoint) => list(record(endpoint).addresses).filter(isText));
}

function endpointsAddresses({ subsets }: KubernetesObject): string[] {
  return list(subsets)
    .flatMap((subset) => list(record(subset).addresses).map((address) => record(address).ip))
    .filter(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
