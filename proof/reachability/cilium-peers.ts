import { list, record } from "../../components/config/untyped.ts";
import { blockProblem, contains, containsAddress } from "./cidr.ts";
import { nameOf } from "./cilium-l7.ts";
import { entitySelectors } from "./entities.ts";
import type { Direction, PolicyEntry, Selector } from "./entry.ts";
import {
  ciliumKeyProblem,
  clusterKey,
  equals,
  exists,
  kubernetesKeyProblem,
  namespaceKey,
  namespaceLabelsKey,
  splitKey,
} from "./labels.ts";
import { defaultCluster, type PeerContext, type PolicyContext } from "./policy-context.ts";
import { Refusals } from "./refusals.ts";
import { type Conditions, checkSelector, conditionsOf, mentions, requirementsOf } from "./selectors.ts";
import { serviceSelectors } from "./service-peers.ts";

type Fields = Readonly<Record<string, unknown>>;

const anySource = (source: string) => source === "k8s" || source === "any";

/** Names of the peer fields, without `from` and `to`. */
const kinds = ["Endpoints", "Nodes", "Entities", "CIDR", "CIDRSet", "Groups", "Services", "FQDNs"] as const;
type Kind = (typeof kinds)[number];
/** Those of which a list that is written and empty selects nobody; the others are as if they were not there. */
const emptyIsNobody: readonly Kind[] = ["Endpoints", "Nodes", "Entities", "CIDR", "CIDRSet"];

function fieldsOf(direction: Direction, deny: boolean): readonly Kind[] {
  return kinds.filter(
    (kind) =>
      (direction === "egress" || kind !== "Services") && (kind !== "FQDNs" || (direction === "egress" && !deny)),
  );
}

/** A peer's selector. Cilium adds its parts but to one that asks for something reserved (`pkg/k8s/apis/cilium.io/utils`). */
export function endpointSelector(
  selector: unknown,
  matchesInit: boolean,
  context: PeerContext,
): Extract<Selector, { kind: "labels" }> {
  const conditions = conditionsOf(selector, "any");
  if (!mentions(conditions, ({ source }) => source === "reserved")) limit(conditions, matchesInit, context);
  return { kind: "labels", requirements: requirementsOf(conditions) };
}

/** A peer that names no namespace means the policy's, or pods of any; one that names no cluster means the local one, where that is the default. */
function limit(conditions: Conditions, matchesInit: boolean, { namespace, options }: PeerContext): void {
  const namesNamespace = mentions(conditions, ({ source, key }) => anySource(source) && key === namespaceKey);
  if (!namesNamespace && namespace === undefined && !matchesInit) {
    conditions.expressions.push(exists("k8s", namespaceKey));
  } else if (!namesNamespace && namespace !== undefined) {
    const byLabels = mentions(
      conditions,
      ({ source, key }) => anySource(source) && key.startsWith(`${namespaceLabelsKey}.`),
    );
    if (!byLabels) conditions.labels.set(`k8s:${namespaceKey}`, namespace);
  }
  const cluster = defaultCluster(options);
  const named = mentions(conditions, ({ source, key }) => anySource(source) && key === clusterKey);
  if (cluster !== undefined && !named) conditions.labels.set(`k8s:${clusterKey}`, cluster);
}

/** `fromCIDR` and `toCIDR`. */
function blockSelector(value: unknown, path: string, context: PolicyContext): Selector[] {
  const block = String(value);
  checkBlock(block, path, context);
  return [{ kind: "cidr", block, except: [] }];
}

function checkBlock(block: string, path: string, { refusals }: PolicyContext): boolean {
  const problem = blockProblem(block);
  if (problem !== undefined) refusals.add(path, problem, "Write ADDRESS/LENGTH, such as 192.0.2.0/24.");
  return problem === undefined;
}

/** One of `fromCIDRSet` and `toCIDRSet`. */
function setSelector(value: unknown, path: string, context: PolicyContext): Selector[] {
  const { refusals, minor } = context;
  const { cidr, cidrGroupRef, cidrGroupSelector, except: exceptions } = record(value);
  const except = list(exceptions).map(String);
  const sound = [...except.entries()].filter(([index, text]) => checkBlock(text, `${path}.except[${index}]`, context));
  if (cidrGroupSelector !== undefined) {
    const keyProblem = (key: string) => {
      if (minor < 20) return kubernetesKeyProblem(`cidrgroup.${key}`);
      const parts = splitKey(key, "cidrgroup");
      return ciliumKeyProblem(`${parts.source}:${parts.key}`, minor);
    };
    checkSelector(cidrGroupSelector, `${path}.cidrGroupSelector`, refusals, keyProblem);
    const requirements = requirementsOf(conditionsOf(cidrGroupSelector, "cidrgroup"));
    // Cilium keeps selectors by their text, and the text of this one is that of the selector of everyone, which is there before
    // (`SelectorKey`, pkg/policy/selectorcache.go).
    if (requirements.length === 0 && except.length === 0) return [{ kind: "labels", requirements }];
    return [{ kind: "cidr-groups", requirements, except }];
  }
  if (typeof cidrGroupRef === "string") return [{ kind: "cidr-group", name: cidrGroupRef, except }];
  const block = String(cidr);
  if (!checkBlock(block, `${path}.cidr`, context)) return [];
  // Until 1.19 an exception could be wider than its block.
  const inside = minor < 20 ? containsAddress : contains;
  for (const [index, exception] of sound.filter(([, text]) => !inside(block, text))) {
    const fix = `Write a part of ${block}, or delete it.`;
    refusals.add(`${path}.except[${index}]`, `${exception} is not inside ${block}`, fix);
  }
  return [{ kind: "cidr", block, except }];
}

function selectorsOf(
  kind: Kind,
  value: unknown,
  path: string,
  { deny, matchesInit }: Section,
  context: PolicyContext,
): readonly Selector[] {
  const { refusals, options, minor } = context;
  switch (kind) {
    case "Endpoints":
      checkSelector(value, path, refusals, (key) => ciliumKeyProblem(key, minor));
      return [endpointSelector(value, matchesInit, context)];
    case "Nodes":
      refusals.add(
        path,
        "nodes are no peers unless the agent has enable-node-selector-labels",
        "Write the entity remote-node.",
      );
      return [];
    case "Entities":
      return entitySelectors(String(value), options.cluster);
    case "CIDR":
      return blockSelector(value, path, context);
    case "CIDRSet":
      return setSelector(value, path, context);
    case "Groups":
      // Addresses of a cloud's security groups: nobody knows them here, so they select nobody.
      return [{ kind: "labels", requirements: [equals("cidrgroup", "extgrp.cilium.io/unknown", "")] }];
    case "Services":
      // Cilium looks Services up for entries that allow only.
      return meansServices(value, path, context) && !deny ? serviceSelectors(value, context) : [];
    case "FQDNs":
      return [{ kind: "fqdn", ...nameOf(record(value)) }];
  }
}

/** 1.19 refuses an unsound selector of Services. In 1.18 such a one means none of them, and neither does `{}`. */
function meansServices(item: unknown, path: string, { refusals, minor }: PolicyContext): boolean {
  const { k8sServiceSelector } = record(item);
  if (minor > 19 || k8sServiceSelector === undefined) return true;
  const { selector } = record(k8sServiceSelector);
  const found = minor === 19 ? refusals : new Refusals();
  checkSelector(selector, `${path}.k8sServiceSelector.selector`, found, (key) =>
    minor === 19 ? ciliumKeyProblem(key, minor) : kubernetesKeyProblem(key),
  );
  const { matchLabels, matchExpressions } = record(selector);
  return minor === 19 || (found.error === undefined && (matchLabels ?? matchExpressions) !== undefined);
}

/** Which list of a policy an entry stands in. */
export interface Section {
  readonly direction: Direction;
  readonly deny: boolean;
  /** The policy's subjects are pods that have no labels yet. */
  readonly matchesInit: boolean;
}

/** Whom an entry names; `none` where a list is written and empty, which selects nobody. */
export function peersOf(
  body: Fields,
  path: string,
  section: Section,
  context: PolicyContext,
): readonly Selector[] | "none" {
  const { direction, deny } = section;
  const prefix = direction === "ingress" ? "from" : "to";
  const written = fieldsOf(direction, deny).map((kind) => ({ kind, field: `${prefix}${kind}` }));
  const used = written.filter(({ field }) => list(body[field]).length > 0);
  const [first, second] = used;
  if (first !== undefined && second !== undefined) {
    const fix = "Write an entry for each.";
    context.refusals.add(path, `${first.field} and ${second.field} stand in one entry`, fix);
  }
  const selectors = used.flatMap(({ kind, field }) =>
    list(body[field]).flatMap((value, index) =>
      selectorsOf(kind, value, `${path}.${field}[${index}]`, section, context),
    ),
  );
  // Services become pods or addresses, which join the lists of those before anybody asks whether a list is empty.
  const joined = (kind: Kind) =>
    used[0]?.kind === "Services" &&
    selectors.some((selector) => selector.kind === (kind === "Endpoints" ? "labels" : kind === "CIDRSet" && "cidr"));
  const nobody = written.some(
    ({ kind, field }) =>
      emptyIsNobody.includes(kind) && Array.isArray(body[field]) && list(body[field]).length === 0 && !joined(kind),
  );
  return nobody ? "none" : selectors;
}

/** `fromRequires` and `toRequires` of Cilium 1.18, and whether they restrict the entry itself. */
export function requirementsFor(
  body: Fields,
  path: string,
  { direction, matchesInit }: Section,
  context: PolicyContext,
): Pick<PolicyEntry, "requires" | "restricted"> {
  if (context.minor > 18) return {};
  const prefix = direction === "ingress" ? "from" : "to";
  const requires = list(body[`${prefix}Requires`]).flatMap((selector, index) => {
    checkSelector(selector, `${path}.${prefix}Requires[${index}]`, context.refusals, (key) =>
      ciliumKeyProblem(key, 18),
    );
    const conditions = conditionsOf(selector, "any");
    limit(conditions, matchesInit, context);
    return requirementsOf(conditions);
  });
  return {
    ...(requires.length === 0 ? {} : { requires }),
    ...(list(body[`${prefix}Endpoints`]).length === 0 ? {} : { restricted: true }),
  };
}
