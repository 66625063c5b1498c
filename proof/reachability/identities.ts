import { AddressIdentities, rangeOf } from "./address-identities.ts";
import { addBit, allBits, type Bits, both, either, noBits, without } from "./bits.ts";
import type { CidrGroup } from "./cidr-groups.ts";
import type { EngineOptions, Label, PolicyEntry, Requirement, Selector } from "./entry.ts";
import { clusterKey } from "./labels.ts";
import { minorOf } from "./minor.ts";
import { namedPortLabels, type Party } from "./party.ts";

/** Parties with the same labels are one identity, numbered from 0. Every selector comes to a set of identities, worked out once. */
export class Identities {
  readonly size: number;
  /** Nobody and everybody. */
  readonly none: Bits;
  readonly all: Bits;
  readonly #numbers = new Map<string, number>();
  readonly #known = new WeakMap<Party, number>();
  /** By label key, then source, then value. */
  readonly #index = new Map<string, Map<string, Map<string, Bits>>>();
  readonly #addresses: AddressIdentities;
  /** Whoever has a label of the world's name. */
  readonly #world: Bits;
  readonly #aggregates: readonly { readonly labels: readonly Label[]; readonly members: Bits }[];
  readonly #minor: number;
  readonly #selected = new Map<Selector, Bits>();
  readonly #byText = new Map<string, Bits>();

  constructor(
    parties: readonly Party[],
    { entries, groups }: { readonly entries: readonly PolicyEntry[]; readonly groups: readonly CidrGroup[] },
    options: Pick<EngineOptions, "cluster" | "version">,
  ) {
    this.#minor = minorOf(options);
    const labels: (readonly Label[])[] = [];
    for (const party of parties) {
      const own = this.#labelsOf(party);
      const text = labelsText(own);
      const number = this.#numbers.get(text) ?? labels.push(own) - 1;
      this.#numbers.set(text, number);
      this.#known.set(party, number);
    }
    this.size = labels.length;
    this.none = noBits(this.size);
    this.all = allBits(this.size);
    for (const [number, own] of labels.entries()) for (const label of own) this.#add(number, label);
    this.#addresses = new AddressIdentities(labels, groups, this.#minor);
    for (const { number, label } of this.#addresses.groupLabels()) this.#add(number, label);
    this.#world = ["world", "world-ipv4", "world-ipv6"].map((name) => this.#labelled("any", name)).reduce(either);
    this.#aggregates = this.#minor < 20 ? [] : this.#aggregatesOf(entries, options.cluster);
  }

  /** The number of a party's identity. @throws RangeError for one that was not among the parties at first. */
  of(party: Party): number {
    const number = this.#known.get(party) ?? this.#numbers.get(labelsText(this.#labelsOf(party)));
    if (number === undefined) throw new RangeError(`${party.name} is not among the parties that were asked about.`);
    return number;
  }

  selected(selector: Selector): Bits {
    const known = this.#selected.get(selector);
    if (known !== undefined) return known;
    const text = JSON.stringify(selector);
    const bits = this.#byText.get(text) ?? this.#select(selector);
    this.#byText.set(text, bits);
    this.#selected.set(selector, bits);
    return bits;
  }

  /**
   * Whom an agent lets through besides those selected: from 1.20 on it looks a peer up by an aggregate identity, too, and a selector of
   * nothing but `NotIn` and `DoesNotExist` selects that of all pods or all addresses (`pkg/policy/aggregate.go`).
   */
  aggregated(selector: Selector): Bits {
    if (selector.kind !== "labels") return this.none;
    return this.#aggregates
      .filter(({ labels }) => selects(selector.requirements, labels))
      .map(({ members }) => members)
      .reduce(either, this.none);
  }

  #labelsOf(party: Party): readonly Label[] {
    return this.#minor < 20 ? party.labels : [...party.labels, ...namedPortLabels(party)];
  }

  #aggregatesOf(entries: readonly PolicyEntry[], cluster: string): { labels: readonly Label[]; members: Bits }[] {
    const reserved = (key: string) => [{ source: "reserved", key, value: "" }];
    const pods = this.#labelled("k8s", clusterKey);
    const own = this.#labelled("k8s", clusterKey, [cluster]);
    return [
      { labels: reserved("aggregate-cluster"), members: own },
      { labels: reserved("aggregate-cluster-mesh"), members: without(pods, own) },
      { labels: reserved("aggregate-world"), members: this.#addresses.known(entries) },
    ];
  }

  #add(number: number, { source, key, value }: Label): void {
    const sources = entryOf(this.#index, key, () => new Map<string, Map<string, Bits>>());
    const values = entryOf(sources, source, () => new Map<string, Bits>());
    addBit(
      entryOf(values, value, () => noBits(this.size)),
      number,
    );
  }

  #select(selector: Selector): Bits {
    switch (selector.kind) {
      case "labels":
        return selector.requirements.map((requirement) => this.#required(requirement)).reduce(both, this.all);
      case "cidr":
        return this.#less(this.#block(selector.block), selector.except);
      case "cidr-group": {
        const own = this.#addresses.inGroups(({ name }) => name === selector.name);
        return this.#less(own, selector.except);
      }
      case "cidr-groups": {
        const matching = selector.requirements.map((requirement) =>
          this.#minor < 19 ? this.#required(requirement) : this.#requiredOfGroups(requirement),
        );
        return this.#less(matching.reduce(both, this.#minor < 20 ? this.all : this.#world), selector.except);
      }
      case "fqdn":
        return this.#addresses.named(selector);
    }
  }

  /** Until 1.18 an exception of every address takes nobody away. */
  #less(bits: Bits, except: readonly string[]): Bits {
    const blocks = this.#minor < 19 ? except.filter((block) => !block.endsWith("/0")) : except;
    return blocks.reduce((rest, block) => without(rest, this.#block(block)), bits);
  }

  /** A block of every address is the world of its family instead (`pkg/labels/cidr.go`). */
  #block(block: string): Bits {
    if (!block.endsWith("/0")) return this.#addresses.inBlock(block);
    return this.#labelled("reserved", rangeOf(block)?.family === 4 ? "world-ipv4" : "world-ipv6");
  }

  /** From 1.19 on the value that each group gives to a key counts on its own, not only that of the narrowest block. */
  #requiredOfGroups(requirement: Requirement): Bits {
    const { source, key, operator, values } = requirement;
    if (operator === "Exists" || operator === "DoesNotExist") return this.#required(requirement);
    const has = this.#addresses.inGroups(({ labels }) =>
      labels.some(
        (label) => label.key === key && (source === "any" || source === label.source) && values.includes(label.value),
      ),
    );
    return operator === "In" ? has : without(this.all, has);
  }

  #required({ source, key, operator, values }: Requirement): Bits {
    const has = this.#labelled(source, key, operator === "In" || operator === "NotIn" ? values : undefined);
    return operator === "In" || operator === "Exists" ? has : without(this.all, has);
  }

  #labelled(source: string, key: string, wanted?: readonly string[]): Bits {
    // The label of a block is there for every address in it.
    if (source === "cidr")
      return wanted?.includes("") === false ? this.none : this.#addresses.inBlock(key.replaceAll("-", ":"));
    const sources = this.#index.get(key);
    const found = source === "any" ? [...(sources?.values() ?? [])] : [sources?.get(source) ?? new Map<string, Bits>()];
    return found
      .flatMap((values) =>
        wanted === undefined ? [...values.values()] : wanted.flatMap((value) => values.get(value) ?? []),
      )
      .reduce(either, this.none);
  }
}

/** Whether labels meet every requirement. */
export function selects(requirements: readonly Requirement[], labels: readonly Label[]): boolean {
  return requirements.every((requirement) => meets(requirement, labels));
}

function meets({ source, key, operator, values }: Requirement, labels: readonly Label[]): boolean {
  const found = labels.find((label) => label.key === key && (source === "any" || source === label.source));
  switch (operator) {
    case "In":
      return found !== undefined && values.includes(found.value);
    case "NotIn":
      return found === undefined || !values.includes(found.value);
    case "Exists":
      return found !== undefined;
    case "DoesNotExist":
      return found === undefined;
  }
}

function labelsText(labels: readonly Label[]): string {
  return labels
    .map(({ source, key, value }) => `${source}:${key}=${value}`)
    .toSorted()
    .join(";");
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
