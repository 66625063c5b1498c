import { isRecord, list, record } from "../../components/config/untyped.ts";
import type { KubernetesObject } from "../rule.ts";
import { admit } from "./admission.ts";
import { type CidrGroup, cidrGroup } from "./cidr-groups.ts";
import { ciliumEntries } from "./cilium-policy.ts";
import type { EngineOptions, PolicyEntry } from "./entry.ts";
import { kubernetesEntries } from "./kubernetes-policy.ts";
import { admitNetworkPolicy } from "./kubernetes-validation.ts";
import { placeOf, placeText } from "./metadata.ts";
import { minorOf } from "./minor.ts";
import type { PolicyContext } from "./policy-context.ts";
import { Refusals } from "./refusals.ts";
import { servicesOf } from "./services.ts";

/** What a set of documents comes to. */
export interface Loaded {
  readonly entries: readonly PolicyEntry[];
  readonly groups: readonly CidrGroup[];
  /** One for each policy, in the order of the documents; and one for each CiliumCIDRGroup that is refused. */
  readonly outcomes: readonly PolicyOutcome[];
}

/** What became of one document. */
export interface PolicyOutcome {
  /** `namespace/name`, or `name` for a cluster-wide object. */
  readonly name: string;
  /** Why Kubernetes or Cilium refuses it, in one line; without it the policy acts. */
  readonly error?: string;
}

/** Kinds that are read, and whether they lie in a namespace. */
const kinds: Readonly<Record<string, boolean>> = {
  CiliumNetworkPolicy: true,
  CiliumClusterwideNetworkPolicy: false,
  NetworkPolicy: true,
  CiliumCIDRGroup: false,
};

/**
 * Reads policies, and what they refer to, from documents of any kind as the API server and Cilium's agent do. What is no policy, group or
 * Service is left alone; what either of them refuses is reported and has no part in anything. Of two objects of one kind and name the later
 * one counts, as with kubectl.
 */
export function loadPolicies(objects: readonly KubernetesObject[], options: EngineOptions): Loaded {
  const documents = objects.flatMap(unpacked);
  const services = servicesOf(documents);
  const minor = minorOf(options);
  const policies = new Map<string, readonly PolicyEntry[]>();
  const groups = new Map<string, CidrGroup>();
  const outcomes: PolicyOutcome[] = [];
  for (const object of documents) {
    const kind = kindOf(object);
    if (kind === undefined) continue;
    const namespaced = kinds[kind] === true;
    const place = placeOf(object.metadata, namespaced);
    const name = placeText(place);
    const refusals = new Refusals();
    const { namespace } = place;
    const stored =
      kind === "NetworkPolicy"
        ? admitNetworkPolicy(object, refusals)
        : admit(object, options.version, namespaced, refusals);
    if (kind === "CiliumCIDRGroup") {
      if (refusals.error === undefined) groups.set(name, cidrGroup(stored));
      else outcomes.push({ name, error: refusals.error });
      continue;
    }
    const policy = `${kind} ${name}`;
    const context = { policy, ...(namespace === undefined ? {} : { namespace }), options, minor, services, refusals };
    // What is refused here has a shape that need not be read any further.
    const entries = refusals.error === undefined ? entriesOf(stored, context) : [];
    const { error } = refusals;
    outcomes.push(error === undefined ? { name } : { name, error });
    if (error === undefined) policies.set(policy, entries);
  }
  return { entries: [...policies.values()].flat(), groups: [...groups.values()], outcomes };
}

function entriesOf(stored: KubernetesObject, context: PolicyContext): readonly PolicyEntry[] {
  const { namespace } = context;
  return stored.kind === "NetworkPolicy" && namespace !== undefined
    ? kubernetesEntries(record(stored.spec), namespace, context)
    : ciliumEntries(stored, context);
}

/** The items of a `List`, or the document itself. */
function unpacked(object: KubernetesObject): KubernetesObject[] {
  return typeof object.kind === "string" && object.kind.endsWith("List") && Array.isArray(object.items)
    ? list(object.items).filter(isRecord).flatMap(unpacked)
    : [object];
}

/** The kind, if it is one that is read here. Others (Calico, Antrea) have a NetworkPolicy of their own, in API groups of their own. */
function kindOf({ apiVersion, kind }: KubernetesObject): string | undefined {
  const [group = ""] = typeof apiVersion === "string" ? apiVersion.split("/") : [];
  const foreign = kind === "NetworkPolicy" && group.includes(".") && !/(^|\.)k8s\.io$|^cilium\.io$/.test(group);
  return typeof kind === "string" && Object.hasOwn(kinds, kind) && !foreign ? kind : undefined;
}
