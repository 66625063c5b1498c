import { formatProblem, SchemaWalker } from "../../components/cilium/schema-walker.ts";
import { isRecord, list, record } from "../../components/config/untyped.ts";
import { networkPolicy } from "../objects/policy-kubernetes-schema.ts";
import type { KubernetesObject } from "../rule.ts";
import { blockProblem, contains } from "./cidr.ts";
import { isServiceName } from "./cilium-ports.ts";
import { kubernetesKeyProblem } from "./labels.ts";
import { checkMetadata } from "./metadata.ts";
import type { Refusals } from "./refusals.ts";
import { checkSelector } from "./selectors.ts";

const schema = networkPolicy.properties?.spec ?? {};

/** Lists of texts; the others are lists of objects. */
const textLists = ["values", "except", "policyTypes"];

/** A NetworkPolicy as the API server decodes it: a field that is null is not there, and null in a list or as a label is an empty value. */
function decoded(value: unknown, field = ""): unknown {
  if (Array.isArray(value)) {
    const empty = textLists.includes(field) ? "" : {};
    return value.map((item) => decoded(item ?? empty));
  }
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => {
      if (field === "matchLabels") return [[key, child ?? ""]];
      return child === null ? [] : [[key, decoded(child, key)]];
    }),
  );
}

/** What Kubernetes' API server makes of a NetworkPolicy, and refuses in it (`pkg/apis/networking/validation`). */
export function admitNetworkPolicy(object: KubernetesObject, refusals: Refusals): KubernetesObject {
  if (object.apiVersion !== "networking.k8s.io/v1") {
    const version = JSON.stringify(object.apiVersion ?? "");
    refusals.add("apiVersion", `NetworkPolicy is not served as ${version}`, "Write networking.k8s.io/v1.");
  }
  checkMetadata(object.metadata, true, refusals);
  const spec = decoded(object.spec ?? {});
  const problems = new SchemaWalker([]).check(schema, spec).filter(({ known }) => known === undefined);
  for (const problem of problems) {
    refusals.add(
      "",
      formatProblem({ ...problem, path: ["spec", ...problem.path] }),
      "Write what the API of networking.k8s.io/v1 takes.",
    );
  }
  if (problems.length === 0) checkSpec(record(spec), refusals);
  return { ...object, spec };
}

function checkSpec(spec: Readonly<Record<string, unknown>>, refusals: Refusals): void {
  checkSelector(spec.podSelector, "spec.podSelector", refusals, kubernetesKeyProblem);
  for (const [field, peers] of [
    ["ingress", "from"],
    ["egress", "to"],
  ] as const) {
    for (const [index, rule] of list(spec[field]).entries()) {
      const path = `spec.${field}[${index}]`;
      for (const [at, peer] of list(record(rule)[peers]).entries())
        checkPeer(peer, `${path}.${peers}[${at}]`, refusals);
      for (const [at, port] of list(record(rule).ports).entries()) checkPort(port, `${path}.ports[${at}]`, refusals);
    }
  }
}

function checkPeer(peer: unknown, path: string, refusals: Refusals): void {
  const { podSelector, namespaceSelector, ipBlock } = record(peer);
  const selectors = { podSelector, namespaceSelector };
  for (const [field, selector] of Object.entries(selectors)) {
    if (selector !== undefined) checkSelector(selector, `${path}.${field}`, refusals, kubernetesKeyProblem);
  }
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  if (ipBlock === undefined && !selects) {
    refusals.add(path, "the peer is empty", "Write podSelector, namespaceSelector or ipBlock.");
  }
  if (ipBlock === undefined) return;
  if (selects) refusals.add(path, "ipBlock stands beside a selector", "Write a peer for each.");
  const { cidr, except } = record(ipBlock);
  const block = String(cidr);
  const problem = blockProblem(block);
  if (problem !== undefined) {
    refusals.add(`${path}.ipBlock.cidr`, problem, "Write ADDRESS/LENGTH, such as 192.0.2.0/24.");
    return;
  }
  for (const [index, exception] of list(except).map(String).entries()) {
    const at = `${path}.ipBlock.except[${index}]`;
    const wrong = blockProblem(exception);
    if (wrong !== undefined) refusals.add(at, wrong, "Write ADDRESS/LENGTH, such as 192.0.2.0/24.");
    else if (!contains(block, exception) || Number(exception.split("/")[1]) <= Number(block.split("/")[1])) {
      refusals.add(at, `${exception} is no part of ${block}`, `Write a smaller block inside ${block}, or delete it.`);
    }
  }
}

const inRange = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535;

function checkPort(item: unknown, path: string, refusals: Refusals): void {
  const { port, endPort } = record(item);
  if (typeof port === "number" && !inRange(port))
    refusals.add(`${path}.port`, `${port} is no port`, "Write 1 to 65535.");
  if (typeof port === "string" && (!isServiceName(port) || port !== port.toLowerCase())) {
    refusals.add(
      `${path}.port`,
      `"${port}" is no port name`,
      "Write a number without quotes, or a container port's name.",
    );
  }
  if (typeof endPort !== "number") return;
  if (typeof port !== "number") {
    refusals.add(`${path}.endPort`, "a range needs a number in port", "Write the first port as a number.");
  } else if (endPort < port || !inRange(endPort)) {
    refusals.add(`${path}.endPort`, `${endPort} ends no range from ${port}`, `Write ${port} to 65535.`);
  }
}
