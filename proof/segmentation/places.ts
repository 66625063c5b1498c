import type { Actor } from "./actors.ts";
import { canMeet } from "./flows.ts";

/** Something that holds for a pair, and where. */
export interface Placed<Value> {
  /** `everywhere`, `within each cluster`, `across clusters`, `prod-seoul`, `prod-seoul -> dr-busan`. */
  readonly where: string;
  readonly value: Value;
}

interface Met<Value> {
  readonly sender: Actor;
  readonly receiver: Actor;
  readonly value: Value;
  readonly text: string;
}

/** What holds between two names in every pair of clusters where they meet; places where the same holds are one. */
export function placed<Value>(
  from: readonly Actor[],
  to: readonly Actor[],
  value: (sender: Actor, receiver: Actor) => Value,
): Placed<Value>[] {
  const met = from.flatMap((sender) =>
    to
      .filter((receiver) => canMeet(sender, receiver))
      .map((receiver) => {
        const held = value(sender, receiver);
        return { sender, receiver, value: held, text: JSON.stringify(held) };
      }),
  );
  const [first] = met;
  if (first === undefined) return [];
  if (areSame(met)) return [{ where: "everywhere", value: first.value }];
  const [across, within] = [met.filter(isAcross), met.filter((each) => !isAcross(each))];
  return [...merged(within, "within each cluster"), ...merged(across, "across clusters")];
}

function merged<Value>(met: readonly Met<Value>[], where: string): Placed<Value>[] {
  const [first] = met;
  if (first === undefined) return [];
  if (areSame(met)) return [{ where, value: first.value }];
  return met.map(({ sender, receiver, value }) => ({ where: placeOf(sender, receiver), value }));
}

function areSame(met: readonly Met<unknown>[]): boolean {
  return met.every(({ text }) => text === met[0]?.text);
}

function isAcross({ sender, receiver }: Met<unknown>): boolean {
  return sender.cluster !== undefined && receiver.cluster !== undefined && sender.cluster !== receiver.cluster;
}

function placeOf({ cluster: from }: Actor, { cluster: to }: Actor): string {
  return from === undefined || to === undefined || from === to ? (from ?? to ?? "") : `${from} -> ${to}`;
}
