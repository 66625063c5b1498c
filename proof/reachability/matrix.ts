import { type Bits, both, eachBit, either, isEmpty, without } from "./bits.ts";
import type { Direction } from "./entry.ts";
import type { Party } from "./party.ts";
import { difference, intersection, noPorts, type PortSet, union } from "./port-sets.ts";
import type { Reachability } from "./reachability.ts";
import type { DirectionPolicy } from "./subject-policy.ts";

/** Which ports are open from every party to every other: the agent of the one lets it out and the agent of the other lets it in. */
export interface Matrix {
  readonly parties: readonly Party[];
  /** What is open from one party to another, both by their place in `parties`, as a place in `portSets`. */
  readonly cell: (from: number, to: number) => number;
  /** The sets that have occurred so far, each once; the first is the empty one. */
  readonly portSets: readonly PortSet[];
}

/**
 * The matrix over the parties of one cluster, or of several: one Reachability each, all made of the same list of parties. Each party is
 * judged by the one whose agents hold it.
 */
export function matrix(clusters: readonly [Reachability, ...Reachability[]]): Matrix {
  const { parties, identities } = clusters[0];
  const sets = new PortSets();
  const numbers = Uint32Array.from(parties, (party) => identities.of(party));
  const policies = parties.map((party) =>
    (clusters.find((cluster) => cluster.holds(party)) ?? clusters[0]).policyOf(party),
  );
  const rowsOf = (direction: Direction) => {
    const known = new Map<DirectionPolicy, Uint32Array>();
    return policies.map(({ [direction]: policy }) => {
      const row = known.get(policy) ?? rowOf(policy, identities.all, identities.size, sets);
      known.set(policy, row);
      return row;
    });
  };
  const [egress, ingress] = [rowsOf("egress"), rowsOf("ingress")];
  const shared = sets.intersections();
  const entry = (rows: readonly Uint32Array[], subject: number, peer: number) =>
    rows[subject]?.[numbers[peer] ?? 0] ?? 0;
  return {
    parties,
    cell: (from, to) => shared(entry(egress, from, to), entry(ingress, to, from)),
    portSets: sets.all,
  };
}

/** Identities that one policy treats alike. */
interface Cell {
  readonly members: Bits;
  readonly allowed: number;
  readonly denied: number;
}

/** What one subject's policy leaves open for each identity, by number. */
function rowOf({ grants }: DirectionPolicy, everyone: Bits, size: number, sets: PortSets): Uint32Array {
  let cells: readonly Cell[] = [{ members: everyone, allowed: 0, denied: 0 }];
  for (const [peers, own] of Map.groupBy(grants, (grant) => grant.peers)) {
    let [allowed, denied] = [0, 0];
    for (const { verdict, ports } of own) {
      if (verdict === "allow") allowed = sets.union(allowed, sets.number(ports));
      else denied = sets.union(denied, sets.number(ports));
    }
    cells = joined(
      cells.flatMap((cell) => {
        const inside = both(cell.members, peers);
        if (isEmpty(inside)) return [cell];
        const changed = {
          members: inside,
          allowed: sets.union(cell.allowed, allowed),
          denied: sets.union(cell.denied, denied),
        };
        const outside = without(cell.members, peers);
        return isEmpty(outside) ? [changed] : [changed, { ...cell, members: outside }];
      }),
    );
  }
  const row = new Uint32Array(size);
  for (const { members, allowed, denied } of cells) {
    const open = sets.difference(allowed, denied);
    // Most rows are mostly empty, and empty is 0.
    if (open === 0) continue;
    eachBit(members, (identity) => {
      row[identity] = open;
    });
  }
  return row;
}

/** Cells with the same ports as one. */
function joined(cells: readonly Cell[]): Cell[] {
  const byPorts = new Map<number, Cell>();
  for (const cell of cells) {
    const key = pair(cell.allowed, cell.denied);
    const known = byPorts.get(key);
    byPorts.set(key, known === undefined ? cell : { ...cell, members: either(known.members, cell.members) });
  }
  return [...byPorts.values()];
}

/** Two numbers of port sets as one. */
function pair(one: number, other: number): number {
  return one * 2 ** 24 + other;
}

/** Port sets by number, each once, and what was worked out about two of them. */
class PortSets {
  readonly all: PortSet[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #known = new WeakMap<PortSet, number>();
  readonly #unions = new Map<number, number>();

  constructor() {
    this.number(noPorts);
  }

  number(set: PortSet): number {
    const known = this.#known.get(set);
    if (known !== undefined) return known;
    const text = set.join();
    const number = this.#numbers.get(text) ?? this.all.push(set) - 1;
    this.#numbers.set(text, number);
    this.#known.set(set, number);
    return number;
  }

  union(one: number, other: number): number {
    if (one === other || other === 0) return one;
    if (one === 0) return other;
    const key = pair(one, other);
    const known = this.#unions.get(key) ?? this.number(union([this.#set(one), this.#set(other)]));
    this.#unions.set(key, known);
    return known;
  }

  difference(one: number, other: number): number {
    return other === 0 ? one : this.number(difference(this.#set(one), this.#set(other)));
  }

  /** Intersections of the sets that are there now, each worked out when it is first asked for. */
  intersections(): (one: number, other: number) => number {
    const count = this.all.length;
    const known: (Int32Array | undefined)[] = [];
    return (one, other) => {
      known[one] ??= new Int32Array(count).fill(-1);
      const row = known[one];
      const found = row[other] ?? -1;
      if (found >= 0) return found;
      const made = this.number(intersection(this.#set(one), this.#set(other)));
      row[other] = made;
      return made;
    };
  }

  #set(number: number): PortSet {
    return this.all[number] ?? noPorts;
  }
}
