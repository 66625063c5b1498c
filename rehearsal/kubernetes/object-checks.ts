import { resourceProblems } from "../../components/cilium/crd-schemas.ts";
import { formatProblem, SchemaWalker } from "../../components/cilium/schema-walker.ts";
import { gatewayGroup } from "../../components/cilium/service-mesh/gateway-api.ts";
import { gatewayShapes } from "../../proof/objects/gateway-shapes.ts";
import { type Call, type Problem, type Properties, Secret, Unknown, type Value } from "../stand-in.ts";
import { holdsUnknown, isProperties } from "../wire.ts";
import { installedCilium } from "./installed.ts";
import type { BuiltIn, ResourceType } from "./kinds.ts";
import { findCluster } from "./kubeconfig.ts";
import { isPlainObject, member, type Plain, type PlainObject, plainObject } from "./plain.ts";

/** Whose CRDs count before a cluster says which Cilium it runs. */
export const newestCilium = "1.20.2";

/** Everything that is wrong with an object's shape: unknown and missing fields, names, labels, and for Cilium's kinds the whole schema. */
export function checkObject(type: ResourceType, known: BuiltIn | undefined, inputs: Properties, call: Call): Problem[] {
  const object = plainObject(inputs);
  const problems: Problem[] = [];
  const report = (property: string, reason: string) => problems.push({ property, reason });
  for (const [property, wanted] of [["apiVersion", type.apiVersion] as const, ["kind", type.kind] as const]) {
    const given = object[property];
    if (given !== undefined && given !== wanted)
      report(property, `is ${JSON.stringify(given)}, and the resource type says "${wanted}"`);
  }
  problems.push(...metadataProblems(type, object.metadata));
  const ciliumVersion = ciliumVersionOf(call);
  if (type.group === "cilium.io") return [...problems, ...customProblems(ciliumVersion, type, inputs, object)];
  if (type.group === gatewayGroup) return [...problems, ...gatewayProblems(type, object)];
  if (known === undefined) return problems;
  const fields = ["apiVersion", "kind", "metadata", ...known.fields];
  for (const key of Object.keys(object))
    if (!fields.includes(key)) report(key, `unknown field of ${type.kind}; known: ${known.fields.join(", ")}`);
  const spec = object.spec;
  for (const key of isPlainObject(spec) ? Object.keys(spec) : []) {
    if (known.spec !== undefined && !known.spec.includes(key)) {
      report(`spec.${key}`, `unknown field of ${type.kind}.spec; known: ${known.spec.join(", ")}`);
    }
  }
  for (const path of known.required ?? []) if (isMissing(path, inputs)) report(path, "Required value");
  if (!known.namespaced && member(object, "metadata.namespace") !== undefined) {
    report("metadata.namespace", `${type.kind} belongs to no namespace; leave it out`);
  }
  return problems;
}

/** The real provider sends custom resources with FieldValidation=Warn: the server drops unknown fields and says so in a warning. */
function customProblems(ciliumVersion: string, type: ResourceType, inputs: Properties, object: PlainObject): Problem[] {
  const { apiVersion, kind } = type;
  const body = { ...object, apiVersion, kind, metadata: isPlainObject(object.metadata) ? object.metadata : {} };
  return schemaProblems(resourceProblems(ciliumVersion, body), holdsUnknown(inputs));
}

/** The definitions that a program brings may be stand-ins that take any shape, so what every bundle has in common is asked as well. */
function gatewayProblems({ apiVersion, kind }: ResourceType, object: PlainObject): Problem[] {
  const shape = gatewayShapes[kind];
  const body = { ...object, apiVersion, kind, metadata: isPlainObject(object.metadata) ? object.metadata : {} };
  return shape === undefined ? [] : schemaProblems(new SchemaWalker([]).check(shape, body).map(formatProblem), false);
}

function schemaProblems(lines: readonly string[], incomplete: boolean): Problem[] {
  return lines.flatMap((line) => {
    const [, path = "", reason = line] = /^([\w.[\]/-]+): (.*)$/.exec(line) ?? [];
    // A field that is not known yet may be what the object as a whole lacks; names are checked for every kind.
    if ((path === "" && incomplete) || path === "metadata.name") return [];
    const pruned = reason.startsWith("unknown field")
      ? "; a real API server only warns, drops the field and keeps the rest"
      : "";
    return [{ property: path, reason: reason + pruned }];
  });
}

function metadataProblems({ group }: ResourceType, metadata: Plain): Problem[] {
  if (metadata === undefined) return [];
  if (!isPlainObject(metadata)) return [{ property: "metadata", reason: "wants an object" }];
  const problems: Problem[] = [];
  const { name, namespace } = metadata;
  // Roles are the exception: their names may hold colons.
  const wellFormed = group === "rbac.authorization.k8s.io" ? /^[^/%]+$/ : /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
  if (name !== undefined && !(typeof name === "string" && wellFormed.test(name))) {
    problems.push({
      property: "metadata.name",
      reason: `Invalid value: ${JSON.stringify(name)}: a lowercase RFC 1123 subdomain is wanted`,
    });
  }
  if (
    namespace !== undefined &&
    !(typeof namespace === "string" && /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
  ) {
    problems.push({
      property: "metadata.namespace",
      reason: `Invalid value: ${JSON.stringify(namespace)}: a lowercase RFC 1123 label is wanted`,
    });
  }
  for (const field of ["labels", "annotations"]) {
    const map = metadata[field];
    for (const [key, value] of isPlainObject(map) ? Object.entries(map) : []) {
      const property = `metadata.${field}["${key}"]`;
      if (value !== undefined && typeof value !== "string")
        problems.push({ property, reason: `wants text, got ${JSON.stringify(value)}` });
      if (
        field === "labels" &&
        typeof value === "string" &&
        !/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/.test(value)
      ) {
        problems.push({
          property,
          reason: `Invalid value: "${value}": a label value has at most 63 of a-z, A-Z, 0-9, -, _ and .`,
        });
      }
    }
  }
  return problems;
}

function ciliumVersionOf({ world, config }: Call): string {
  const cluster = findCluster(world, config);
  return (cluster === undefined ? undefined : installedCilium(world, cluster.name)?.version) ?? newestCilium;
}

function isMissing(path: string, inputs: Properties): boolean {
  let value: Value | undefined = inputs;
  for (const key of path.split(".")) {
    if (value instanceof Secret) value = value.value;
    if (value instanceof Unknown) return false;
    value = value !== undefined && isProperties(value) ? value[key] : undefined;
  }
  return value === undefined;
}
