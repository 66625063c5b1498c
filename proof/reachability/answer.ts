import { isIP } from "node:net";
import { record } from "../../components/config/untyped.ts";
import { addressNumber } from "../objects/address-range.ts";
import type { KubernetesObject } from "../rule.ts";
import type { Direction } from "./entry.ts";
import { loadPolicies } from "./load.ts";
import {
  addressParty,
  isReservedName,
  namedParty,
  type Party,
  podParty,
  reservedParty,
  reservedPrefix,
} from "./party.ts";
import { readPolicies } from "./policy-texts.ts";
import { type Protocol, protocols } from "./port-sets.ts";
import { Reachability, type Side, type Traffic } from "./reachability.ts";
import { type EndpointSpec, engineOptions, type QuerySpec, type ReachRequest } from "./request.ts";

type Labels = Readonly<Record<string, string>>;

/** What `npm run reach` writes. */
export interface Answer {
  /** One for each policy document; a policy with an error is not loaded. */
  readonly policies: readonly { readonly name: string; readonly error?: string }[];
  /** One for each query. */
  readonly verdicts: readonly (Verdict | { readonly error: string })[];
}

/** Whether the flow passes: both sides must allow it. A query with a direction has that side alone. */
export interface Verdict {
  readonly verdict: Side["verdict"];
  readonly l7: boolean;
  readonly egress?: Side;
  readonly ingress?: Side;
}

export function answer({ policies, endpoints, queries, options: asked }: ReachRequest): Answer {
  const options = engineOptions(asked);
  const { objects, problems } = readPolicies(policies);
  const loaded = loadPolicies(objects, options);
  const directory = new Directory(endpoints, options.cluster, namespaceLabelsOf(objects));
  const asks = queries.map((query) => ({ query, from: directory.find(query.from), to: directory.find(query.to) }));
  const reachability = new Reachability(loaded, directory.parties, options);
  return {
    policies: [...loaded.outcomes, ...problems],
    verdicts: asks.map(({ query, from, to }) => {
      const protocol = protocols.find((name) => name === query.proto);
      const errors = [
        ...("error" in from ? [`from: ${from.error}`] : []),
        ...("error" in to ? [`to: ${to.error}`] : []),
        ...(protocol === undefined ? [`proto: "${query.proto}" is none. Write one of ${protocols.join(", ")}.`] : []),
      ];
      return "error" in from || "error" in to || protocol === undefined
        ? { error: errors.join(" ") }
        : verdictOf(reachability, query, protocol, from, to);
    }),
  };
}

function verdictOf(
  reachability: Reachability,
  { port, direction, http }: QuerySpec,
  protocol: Protocol,
  from: Party,
  to: Party,
): Verdict {
  const traffic: Traffic = { protocol, port, ...(http === undefined ? {} : { http: withoutAbsent(http) }) };
  const side = (of: Direction) =>
    of === "egress" ? reachability.side(of, from, to, traffic) : reachability.side(of, to, from, traffic);
  const sides = {
    ...(direction === "ingress" ? {} : { egress: side("egress") }),
    ...(direction === "egress" ? {} : { ingress: side("ingress") }),
  };
  const both = Object.values(sides);
  return {
    verdict: both.every(({ verdict }) => verdict === "allowed") ? "allowed" : "denied",
    l7: both.some(({ l7 }) => l7),
    ...sides,
  };
}

function withoutAbsent({ method, path, host, headers }: NonNullable<QuerySpec["http"]>): NonNullable<Traffic["http"]> {
  return {
    ...(method === undefined ? {} : { method }),
    ...(path === undefined ? {} : { path }),
    ...(host === undefined ? {} : { host }),
    ...(headers === undefined ? {} : { headers }),
  };
}

/** Finds whom a query means. */
class Directory {
  readonly parties: Party[] = [];
  /** By `name`, `namespace/name` and `cluster/namespace/name`. */
  readonly #byName = new Map<string, Party[]>();
  readonly #byAddress = new Map<string, Party>();
  readonly #byReserved = new Map<string, Party>();

  constructor(endpoints: readonly EndpointSpec[], cluster: string, namespaces: ReadonlyMap<string, Labels>) {
    for (const endpoint of endpoints) {
      const party = partyOf(endpoint, cluster, namespaces);
      this.parties.push(party);
      const full = `${endpoint.namespace ?? "default"}/${endpoint.name}`;
      for (const name of [endpoint.name, full, `${endpoint.cluster ?? cluster}/${full}`]) {
        const named = this.#byName.get(name);
        if (named === undefined) this.#byName.set(name, [party]);
        else named.push(party);
      }
      const address = endpoint.ip === undefined ? undefined : canonical(endpoint.ip);
      if (address !== undefined && !this.#byAddress.has(address)) this.#byAddress.set(address, party);
    }
  }

  find(text: string): Party | { readonly error: string } {
    const [known, ...others] = this.#byName.get(text) ?? [];
    if (known !== undefined && others.length > 0) {
      const names = [...new Set([known, ...others].map(({ name }) => name))].join(", ");
      return {
        error: `"${text}" could be any of ${others.length + 1} endpoints (${names}). Write cluster/namespace/name.`,
      };
    }
    if (known !== undefined) return known;
    const reserved = text.replace(reservedPrefix, "");
    if (isReservedName(reserved)) return this.#byReserved.get(reserved) ?? this.#add(reserved, reservedParty(reserved));
    if (isIP(text) !== 0) {
      const address = canonical(text);
      return this.#byAddress.get(address) ?? this.#add(address, { ...addressParty(address), name: text });
    }
    return {
      error: `"${text}" is no endpoint, address or reserved name. Write name or namespace/name of an endpoint.`,
    };
  }

  #add(text: string, party: Party): Party {
    this.parties.push(party);
    (isReservedName(text) ? this.#byReserved : this.#byAddress).set(text, party);
    return party;
  }
}

function partyOf(endpoint: EndpointSpec, cluster: string, namespaces: ReadonlyMap<string, Labels>): Party {
  const { name, namespace, labels, serviceAccount, namedPorts, reserved, ip, fqdns } = endpoint;
  const namespaceLabels = endpoint.namespaceLabels ?? namespaces.get(namespace ?? "default");
  if (reserved !== undefined) return { ...reservedParty(reserved, labels), name };
  if (fqdns !== undefined && ip === undefined) return namedParty(name, fqdns);
  if (ip !== undefined && (fqdns !== undefined || (namespace === undefined && labels === undefined))) {
    return { ...addressParty(canonical(ip), fqdns), name };
  }
  return podParty({
    name,
    namespace: namespace ?? "default",
    cluster: endpoint.cluster ?? cluster,
    ...(labels === undefined ? {} : { labels }),
    ...(namespaceLabels === undefined ? {} : { namespaceLabels }),
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    ...(namedPorts === undefined ? {} : { namedPorts }),
  });
}

/** What Namespaces among the documents say, for endpoints that do not say it themselves. */
function namespaceLabelsOf(objects: readonly KubernetesObject[]): Map<string, Labels> {
  return new Map(
    objects
      .filter(({ kind }) => kind === "Namespace")
      .map(({ metadata }) => {
        const { name, labels } = record(metadata);
        return [
          String(name),
          Object.fromEntries(Object.entries(record(labels)).map(([key, value]) => [key, String(value)])),
        ];
      }),
  );
}

/** One spelling for each address; an IPv4 address within IPv6 is the IPv4 address. */
function canonical(text: string): string {
  const number = addressNumber(text);
  if (number === undefined) return text;
  const { family, value } = number;
  const isIpv4 = family === 4 || value >> 32n === 0xffffn;
  const [parts, bits] = isIpv4 ? [4, 8n] : [8, 16n];
  const digits = Array.from(
    { length: parts },
    (_, at) => (value >> (BigInt(parts - 1 - at) * bits)) & ((1n << bits) - 1n),
  );
  return isIpv4 ? digits.join(".") : digits.map((digit) => digit.toString(16)).join(":");
}
