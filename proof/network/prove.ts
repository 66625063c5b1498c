import type { SiteSpec } from "../../components/config/schema.ts";
import type { Proof } from "../proof.ts";
import type { PlannedStack } from "../recorded.ts";
import type { Rule } from "../rule.ts";
import { assemble, type Parts, peersOf, readParts, type Sites, sitesOf, stackResources } from "./assemble.ts";
import { classify, type EndpointClass } from "./classes.ts";
import { comparisonsOf } from "./comparisons.ts";
import { findEndpoints } from "./endpoints.ts";
import type { Comparison } from "./model.ts";
import { type Pair, walkPairs } from "./pairs.ts";
import { SiteTable } from "./parties.ts";
import { Paths } from "./path.ts";
import { admission } from "./statements/admission.ts";
import { balancing } from "./statements/balancing.ts";
import { packetSizes } from "./statements/packet-sizes.ts";
import { access, egress, nodes, pods } from "./statements/reach.ts";
import { exact, idle, readable } from "./statements/resources.ts";
import { tunnels } from "./statements/tunnels.ts";

/** Everything that statements about the network of a plan are checked on; made once. */
export interface Network {
  readonly stacks: readonly PlannedStack[];
  readonly sites: Sites;
  readonly parts: Parts;
  readonly paths: Paths;
  readonly tables: ReadonlyMap<string, SiteTable>;
  readonly classes: readonly EndpointClass[];
  readonly pairs: readonly Pair[];
  /** Addresses of the plan that no interface has. */
  readonly missing: readonly string[];
  readonly comparisons: readonly Comparison[];
}

/** What a statement found. */
export interface Verdict {
  readonly facts: Proof["facts"];
  /** Absent if the statement holds. */
  readonly counterexample?: string | undefined;
}

/** A statement about the network; its code and words are also a page of `docs/rules.md`. */
export interface NetworkStatement extends Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason"> {
  readonly check: (network: Network) => Verdict;
}

/** To add a statement, write it in `statements/` and list it here. */
export const networkStatements: readonly NetworkStatement[] = [
  readable,
  nodes,
  pods,
  balancing,
  access,
  egress,
  packetSizes,
  admission,
  idle,
  exact,
  tunnels,
];

/** Proves the network that the recorded resources of a plan would be. Pure. */
export function proveNetwork(stacks: readonly PlannedStack[]): Proof[] {
  const network = networkOf(stacks);
  return networkStatements.map(({ code, title, check }) => {
    const { facts, counterexample } = check(network);
    return {
      id: code,
      title,
      holds: counterexample === undefined,
      facts,
      ...(counterexample === undefined ? {} : { counterexample }),
    };
  });
}

/** Peers of the plan on clouds that no interconnect of the plan joins: the proof takes a way between them for granted. */
export function unjoined(stacks: readonly PlannedStack[]): [string, string][] {
  const sites = sitesOf(stacks);
  const onCloud = (name: string) =>
    sites.all.some((site: SiteSpec) => site.name === name && (site.platform === "aws" || site.platform === "azure"));
  return sites.assumed.flatMap(([one, other]): [string, string][] =>
    onCloud(one) && onCloud(other) ? [[one, other]] : [],
  );
}

/** What the statements look at; walks are made when the first statement asks for them. */
export function networkOf(stacks: readonly PlannedStack[]): Network {
  const sites = sitesOf(stacks);
  const resources = stackResources(stacks);
  const parts = once(() => readParts(stacks, resources));
  const tables = new Map(sites.all.map((site) => [site.name, new SiteTable(site, peersOf(sites, site))]));
  const paths = once(() => new Paths(assemble(sites, parts(), parts().tunnels)));
  const found = once(() => findEndpoints(sites, paths()));
  const classes = once(() => classify(found().endpoints, paths()));
  const pairs = once(() => walkPairs(classes(), tables, paths()));
  const comparisons = once(() => comparisonsOf(sites, stacks, resources));
  return {
    stacks,
    sites,
    tables,
    get parts() {
      return parts();
    },
    get paths() {
      return paths();
    },
    get classes() {
      return classes();
    },
    get pairs() {
      return pairs();
    },
    get missing() {
      return found().missing;
    },
    get comparisons() {
      return comparisons();
    },
  };
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
