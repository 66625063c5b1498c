import { isRecord, record } from "../../components/config/untyped.ts";
import { isSubdomain, kubernetesKeyProblem, valueProblem } from "./labels.ts";
import type { Refusals } from "./refusals.ts";

/** Which object it is. */
export interface Place {
  readonly name: string;
  /** `undefined` for an object of the cluster. */
  readonly namespace?: string;
}

/** Where an object lies; a namespaced one that names no namespace lies in `default`, as with kubectl. */
export function placeOf(metadata: unknown, namespaced: boolean): Place {
  const { name, namespace } = record(metadata);
  const own = typeof name === "string" ? name : "";
  if (!namespaced) return { name: own };
  return { name: own, namespace: typeof namespace === "string" && namespace !== "" ? namespace : "default" };
}

/** `namespace/name`, or `name` for an object of the cluster. */
export function placeText({ name, namespace }: Place): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** What the API server refuses in `metadata` (apimachinery `pkg/api/validation/objectmeta.go`). */
export function checkMetadata(metadata: unknown, namespaced: boolean, refusals: Refusals): void {
  const { name, namespace } = record(metadata);
  if (!isRecord(metadata)) refusals.add("metadata", "it is missing", "Write name and namespace below it.");
  else if (typeof name !== "string" || !isSubdomain(name)) {
    refusals.add("metadata.name", "it is no name", "Write small letters, digits, - and dots.");
  }
  if (namespaced && namespace !== undefined && namespace !== null && namespace !== "" && !isNamespace(namespace)) {
    refusals.add("metadata.namespace", "it is no name of a namespace", "Write small letters, digits and -.");
  }
  checkTexts(metadata, "labels", refusals, (key, value) => kubernetesKeyProblem(key) ?? valueProblem(value));
  checkTexts(metadata, "annotations", refusals, (key) => kubernetesKeyProblem(key.toLowerCase()));
}

function isNamespace(value: unknown): boolean {
  return typeof value === "string" && value.length <= 63 && !value.includes(".") && isSubdomain(value);
}

function checkTexts(
  metadata: unknown,
  field: "labels" | "annotations",
  refusals: Refusals,
  problemOf: (key: string, value: string) => string | undefined,
): void {
  const texts = record(metadata)[field] ?? {};
  if (!isRecord(texts)) refusals.add(`metadata.${field}`, "it is no mapping", "Write KEY: VALUE pairs.");
  for (const [key, written] of Object.entries(record(texts))) {
    const value = written ?? "";
    const path = `metadata.${field}.${key}`;
    if (typeof value !== "string") refusals.add(path, "the value is no text", "Write it in quotes.");
    const problem = problemOf(key, typeof value === "string" ? value : "");
    if (problem !== undefined) refusals.add(path, problem, "Write letters, digits, -, _ and dots.");
  }
}
