import type { End, Who } from "./ends.ts";

/** How sure a suggestion is: of the workload itself, of what may stand for it, or of nothing better than what was seen. */
export type Sureness = "sure" | "likely" | "guess";

/** Labels by which a rule names pods. */
export interface Workload {
  /** Keys without their source; none for every pod of the namespace. */
  readonly labels: Readonly<Record<string, string>>;
  /** What people call it; `*` for every pod of the namespace. */
  readonly name: string;
  readonly sureness: Sureness;
  /** Why it is not sure. */
  readonly doubt?: string;
}

type Pod = Extract<Who, { kind: "pod" }>;

/** Say what a workload is (kubernetes.io/docs/concepts/overview/working-with-objects/common-labels, and what charts have long written). */
const naming = ["app.kubernetes.io/name", "app", "k8s-app", "name", "run"];
/** Say which part of it. */
const refining = ["app.kubernetes.io/instance", "app.kubernetes.io/component", "component", "tier", "role"];
/** Differ from one rollout, replica, job, version or tool to the next. */
const passing =
  /hash|uid|revision|generation|version|chart|heritage|managed-by|part-of|pod-name|pod-index|job-name|completion-index|^track$|istio\.io\//i;
/** Cilium's own, about namespace, account and cluster. */
const cilium = /^io\.(cilium|kubernetes)\./;
const accountKey = "io.cilium.k8s.policy.serviceaccount";

/** Tells workloads apart by their labels. */
export class Workloads {
  /** Labels that Deployments, StatefulSets and the like of one namespace share. */
  readonly #shared = new Set<string>();

  /** @param ends  Everybody who was seen. */
  constructor(ends: Iterable<End>) {
    const makers = new Map<string, Set<string>>();
    for (const { who, workloads } of ends) {
      if (who.kind !== "pod") continue;
      const key = keyOf(who, usual(who));
      const known = makers.get(key) ?? new Set();
      makers.set(key, known);
      for (const workload of workloads) known.add(workload);
      if (known.size > 1) this.#shared.add(key);
    }
  }

  /** The labels that tell a pod's workload from the others of its namespace, and stay when it is rolled out anew. */
  of(pod: Pod): Workload {
    const workload = usual(pod);
    if (!this.#shared.has(keyOf(pod, workload))) return workload;
    const known = Object.entries(workload.labels);
    const further = stable(pod).filter(([key]) => workload.labels[key] === undefined);
    const entries = [...known.filter(([, value]) => value === workload.name), ...known, ...further];
    return by(entries, "likely", `several workloads share ${listed(known)}, so that the rule names more labels`);
  }
}

const usuals = new WeakMap<Pod, Workload>();

function usual(pod: Pod): Workload {
  const known = usuals.get(pod) ?? choose(pod);
  usuals.set(pod, known);
  return known;
}

function choose(pod: Pod): Workload {
  const own = stable(pod);
  const among = (keys: readonly string[]) => keys.flatMap((key) => own.filter(([each]) => each === key));
  const names = among(naming);
  const known = [...names, ...among(refining)];
  if (names.length > 0) return by(known, "sure");
  if (known.length > 0) return by(known, "likely", `${listed(known)} may be shared with others of the namespace`);
  if (own.length > 0) return by(own, "likely", `no label names the workload, only ${listed(own)}`);
  const account = pod.labels[accountKey];
  if (account !== undefined && account !== "default") {
    return by([[accountKey, account]], "likely", "no label names the workload; its service account stands for it");
  }
  return by([], "guess", "its pods carry no label of their own: the rule means the whole namespace");
}

function keyOf({ cluster, namespace }: Pod, { labels }: Workload): string {
  return JSON.stringify([cluster, namespace, labels]);
}

/** A pod's own labels, without those that change under it. */
function stable({ labels }: Pod): [string, string][] {
  return Object.entries(labels).filter(([key, value]) => value !== "" && !cilium.test(key) && !passing.test(key));
}

function by(entries: readonly (readonly [string, string])[], sureness: Sureness, doubt?: string): Workload {
  const [first] = entries;
  const sorted = entries.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    labels: Object.fromEntries(sorted),
    name: first?.[1] ?? "*",
    sureness,
    ...(doubt === undefined ? {} : { doubt }),
  };
}

function listed(entries: readonly (readonly [string, string])[]): string {
  return entries.map((pair) => pair.join("=")).join(", ");
}
