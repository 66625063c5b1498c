import { locateProblems } from "../../components/cilium/crd-schemas.ts";
import { formatProblem, type SchemaProblem } from "../../components/cilium/schema-walker.ts";
import { isRecord, record } from "../../components/config/untyped.ts";
import { schemaFix } from "../objects/policy-schema.ts";
import type { KubernetesObject } from "../rule.ts";
import { checkMetadata } from "./metadata.ts";
import type { Refusals } from "./refusals.ts";

/**
 * A custom resource as the API server stores it: fields that are null are gone, but null stays in lists.
 * (Kubernetes: "Extend the API with CustomResourceDefinitions", defaulting and nullable.)
 */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => (child === null ? [] : [[key, withoutNulls(child)]])),
  );
}

/**
 * What the API server makes of an object of `cilium.io`: it refuses what the CRD does not take, and drops unknown fields, which readers
 * here leave alone, and the status.
 */
export function admit(
  object: KubernetesObject,
  version: string,
  namespaced: boolean,
  refusals: Refusals,
): KubernetesObject {
  const stored = record(withoutNulls(object));
  checkMetadata(object.metadata, namespaced, refusals);
  if (typeof object.apiVersion !== "string") {
    refusals.add("apiVersion", "it is no text", "Write cilium.io/v2.");
    return stored;
  }
  for (const problem of locateProblems(version, stored)) {
    const [first] = problem.path;
    if (problem.known !== undefined || first === "status" || first === "metadata") continue;
    refusals.add("", formatProblem(problem), fixOf(problem, stored));
  }
  return stored;
}

/** `ingress: [{}]` is what most that write no entry mean. */
export const entryFix = "Write ingress: [{}] and egress: [{}] to deny by default; an empty list denies nothing.";

function fixOf(problem: SchemaProblem, stored: KubernetesObject): string {
  if (problem.problem.startsWith("wants at least one of ingress")) return entryFix;
  const fix = schemaFix(problem, stored);
  // The reader has just read the problem.
  return fix.includes(problem.problem) ? "Write what the CRD takes." : fix;
}
