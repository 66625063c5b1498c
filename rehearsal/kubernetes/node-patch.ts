import { type Call, type Kind, type Properties, Refusal } from "../stand-in.ts";
import { fingerprint } from "../wire.ts";
import type { JsonObject } from "../world.ts";
import { type Cluster, record } from "./cluster.ts";
import { findCluster, requireCluster } from "./kubeconfig.ts";
import { isPlainObject, member, plain, plainObject } from "./plain.ts";

const type = "kubernetes:core/v1:NodePatch";

/** `kubernetes:core/v1:NodePatch`: labels of a node that kubeadm made; annotations and taints are kept and bear no meaning here. */
export const nodePatch: Kind = {
  seconds: { create: 1, update: 1, delete: 1 },
  check(inputs) {
    const unnamed = plain(inputs.metadata ?? {}) !== undefined && nameOf(inputs) === "" && !isUnknownName(inputs);
    return unnamed ? [{ property: "metadata.name", reason: "a patch names the object it changes" }] : [];
  },
  replaces: (olds, news) => (nameOf(olds) === nameOf(news) ? [] : ["metadata.name"]),
  create(inputs, call) {
    return { id: nameOf(inputs), outputs: apply(inputs, requireCluster(call.world, call.config), call) };
  },
  update(id, olds, news, call) {
    withdraw(id, olds, call);
    return apply(news, requireCluster(call.world, call.config), call);
  },
  delete(id, outputs, call) {
    withdraw(id, outputs, call);
  },
  read(id, call) {
    const stored = call.world.get("kubernetes", patchId(requireCluster(call.world, call.config), nameIn(id), call));
    return stored && { inputs: record(stored.properties.inputs), outputs: record(stored.properties.outputs) };
  },
};

function apply(inputs: Properties, cluster: Cluster, call: Call): Properties {
  const name = nameOf(inputs);
  const outputs: Properties = { ...inputs, apiVersion: "v1", kind: "Node" };
  call.world.transaction(() => {
    changeLabels(cluster, name, call, (labels) => ({ ...labels, ...labelsOf(inputs) }));
    const properties = { name, namespace: "", body: {}, inputs: fingerprint(inputs), outputs: fingerprint(outputs) };
    const id = patchId(cluster, name, call);
    call.world.put({ provider: "kubernetes", type, id, urn: call.urn, place: cluster.name, properties });
  });
  return outputs;
}

/** Takes the patch's labels off the node, if there still is one. */
function withdraw(id: string, outputs: Properties, call: Call): void {
  const cluster = findCluster(call.world, call.config);
  if (cluster === undefined) return;
  const gone = Object.keys(labelsOf(outputs));
  const rest = (labels: JsonObject) =>
    Object.fromEntries(Object.entries(labels).filter(([key]) => !gone.includes(key)));
  call.world.transaction(() => {
    if (call.world.get("kubernetes", `${cluster.name}/${nameIn(id)}`)) changeLabels(cluster, nameIn(id), call, rest);
    call.world.remove("kubernetes", patchId(cluster, nameIn(id), call));
  });
}

function changeLabels(
  cluster: Cluster,
  name: string,
  { world }: Call,
  change: (labels: JsonObject) => JsonObject,
): void {
  const node = world.get("kubernetes", `${cluster.name}/${name}`);
  if (node?.type !== "node") throw new Refusal("NotFound", `nodes "${name}" not found`);
  world.put({ ...node, properties: { ...node.properties, labels: change(record(node.properties.labels)) } });
}

function labelsOf(properties: Properties): JsonObject {
  const labels = member(plainObject(properties), "metadata.labels");
  const entries = isPlainObject(labels) ? Object.entries(labels) : [];
  return Object.fromEntries(entries.flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : [])));
}

function nameOf(properties: Properties): string {
  const name = member(plainObject(properties), "metadata.name");
  return typeof name === "string" ? name : "";
}

function isUnknownName({ metadata }: Properties): boolean {
  const fields = plain(metadata);
  return isPlainObject(fields) && Object.hasOwn(fields, "name") && fields.name === undefined;
}

/** Several patches may change one node, so each is kept by its logical name. */
function patchId(cluster: Cluster, node: string, call: Call): string {
  return `${cluster.name}/NodePatch/${call.name}/${node}`;
}

function nameIn(id: string): string {
  return id.split("/").at(-1) ?? id;
}
