import { randomBytes } from "node:crypto";
import { resourceProblems } from "../../components/cilium/crd-schemas.ts";
import { type Call, type Created, type Kind, type Properties, Refusal, Unknown, type Value } from "../stand-in.ts";
import { changedKeys, fingerprint, isProperties } from "../wire.ts";
import type { JsonObject, WorldObject } from "../world.ts";
import { type Cluster, givenNamespaces, list, objectId, objectsOf, record, text } from "./cluster.ts";
import { installedCilium } from "./installed.ts";
import { type BuiltIn, builtIn, customScope, type ResourceType } from "./kinds.ts";
import { findCluster, requireCluster } from "./kubeconfig.ts";
import { externalAddress, factsOf } from "./load-balancers.ts";
import { checkObject, newestCilium } from "./object-checks.ts";
import { member, type Plain, plain, plainObject } from "./plain.ts";
import { contentOf, hideData, isSecret } from "./secret-data.ts";

/** Seconds: an object is there after one round trip; pods of a Deployment or DaemonSet want an image and a probe. */
const seconds = { object: 1, pods: 20 };

/** Any object of the API but Helm releases and patches. */
export function objectKind(type: ResourceType): Kind {
  const known = builtIn(type);
  const duration = type.group === "apps" ? seconds.pods : seconds.object;
  return {
    seconds: { create: duration, update: duration, delete: seconds.object },
    deleteBeforeReplace: true,
    check: (inputs, call) => checkObject(type, known, inputs, call),
    replaces: (olds, news) =>
      ["metadata.name", "metadata.namespace", ...(known?.replaces ?? [])].filter((path) => differs(path, olds, news)),
    create: (inputs, call) => createObject(type, known, inputs, call),
    update(id, _olds, news, call) {
      const cluster = requireCluster(call.world, call.config);
      const stored = find(type, id, cluster, call);
      if (stored === undefined) throw new Refusal("NotFound", `${resourceName(type)} "${id}" not found`);
      refuseInvalid(type, cluster, news, call, record(stored.properties.body));
      const name = text(stored.properties.name);
      const namespace = text(stored.properties.namespace);
      const version = Number(text(record(record(stored.properties.outputs).metadata).resourceVersion)) + 1;
      const uid = text(record(record(stored.properties.outputs).metadata).uid);
      const outputs = outputsOf(type, news, { name, namespace, uid, version });
      if (isService(type)) Object.assign(outputs, serviceStatus(cluster, name, news, call));
      store(type, stored.id, cluster, { name, namespace }, news, outputs, call);
      return outputs;
    },
    delete(id, _outputs, call) {
      const cluster = findCluster(call.world, call.config);
      const stored = cluster === undefined ? undefined : find(type, id, cluster, call);
      // A cluster that is gone took its objects along.
      if (cluster === undefined || stored === undefined) return;
      call.world.transaction(() => {
        call.world.remove("kubernetes", stored.id);
        if (type.kind === "Namespace" && type.group === "")
          emptyNamespace(cluster.name, text(stored.properties.name), call);
        if (type.kind === "CustomResourceDefinition") removeDefined(cluster.name, record(stored.properties.body), call);
      });
    },
    read(id, call) {
      const cluster = requireCluster(call.world, call.config);
      const stored = find(type, id, cluster, call);
      if (stored === undefined) return undefined;
      return { inputs: record(stored.properties.inputs), outputs: record(stored.properties.outputs) };
    },
  };
}

function createObject(type: ResourceType, known: BuiltIn | undefined, inputs: Properties, call: Call): Created {
  const cluster = requireCluster(call.world, call.config);
  refuseInvalid(type, cluster, inputs, call);
  const scope = known ?? customScope(call.world, cluster.name, type);
  if (scope === undefined) {
    throw new Refusal(
      "NoMatch",
      `creation of resource "${call.urn}" with kind ${type.apiVersion}/${type.kind} failed because the Kubernetes API server reported that ` +
        `the apiVersion for this resource does not exist. Verify that any required CRDs have been created: ` +
        `no matches for kind "${type.kind}" in version "${type.apiVersion}"`,
    );
  }
  const metadata = plain(inputs.metadata);
  const name = nameOf(metadata, call);
  const namespace = scope.namespaced ? namespaceOf(metadata, call) : "";
  const id = objectId(cluster.name, { ...type, namespace, name });
  return call.world.transaction(() => {
    if (namespace !== "" && !hasNamespace(cluster, namespace, call)) {
      throw notCreated(call, "NotFound", `namespaces "${namespace}" not found`);
    }
    if (
      call.world.get("kubernetes", id) !== undefined ||
      (type.kind === "Namespace" && givenNamespaces.includes(name))
    ) {
      const reason = `${resourceName(type)} "${name}" already exists\n\nThe resource already exists in the cluster.`;
      throw notCreated(call, "AlreadyExists", reason);
    }
    const uid = `00000000-0000-4000-8000-${call.world.next("kubernetes-uid").toString(16).padStart(12, "0")}`;
    const outputs = outputsOf(type, inputs, { name, namespace, uid, version: 1 });
    if (type.kind === "Service" && type.group === "")
      Object.assign(outputs, serviceStatus(cluster, name, inputs, call));
    if (type.kind === "Ingress") awaitIngress(cluster, { name, namespace }, inputs, call);
    store(type, id, cluster, { name, namespace }, inputs, outputs, call);
    return { id: namespace === "" ? name : `${namespace}/${name}`, outputs };
  });
}

/** The real provider waits for a load balancer's address; without anyone to give one it never comes. */
function serviceStatus(cluster: Cluster, name: string, inputs: Properties, call: Call): Properties {
  const facts = factsOf(fingerprint(inputs));
  if (facts.type !== "LoadBalancer" || facts.annotations["pulumi.com/skipAwait"] === "true") return {};
  const address = externalAddress(call.world, cluster.name, facts);
  if (address !== undefined) return { status: { loadBalancer: { ingress: [{ ip: address }] } } };
  const reason = `Service "${name}" was not allocated an IP address: no CiliumLoadBalancerIPPool of ${cluster.name} serves it, and a self-managed cluster has no cloud controller`;
  throw notCreated(call, "Timeout", reason);
}

/** The real provider waits ten minutes for the backends of an Ingress and for its address, unless it is told not to. */
function awaitIngress(
  cluster: Cluster,
  { name, namespace }: { name: string; namespace: string },
  inputs: Properties,
  call: Call,
): void {
  const { metadata, spec } = fingerprint(inputs);
  if (text(record(record(metadata).annotations)["pulumi.com/skipAwait"]) === "true") return;
  const services = objectsOf(call.world, cluster.name, "Service", "");
  const backends = list(record(spec).rules).flatMap((rule) =>
    list(record(record(rule).http).paths).map((path) => text(record(record(record(path).backend).service).name)),
  );
  const absent = backends.find(
    (backend) => !services.some((service) => service.name === backend && service.namespace === namespace),
  );
  if (absent === undefined) return;
  throw notCreated(call, "Timeout", `Ingress "${name}": no Endpoints for its backend Service "${absent}"`);
}

function store(
  type: ResourceType,
  id: string,
  cluster: Cluster,
  { name, namespace }: { name: string; namespace: string },
  inputs: Properties,
  outputs: Properties,
  call: Call,
): void {
  const hidden = isSecret(type) ? hideData(inputs) : inputs;
  const properties: JsonObject = {
    name,
    namespace,
    body: { ...fingerprint(hidden), ...(isSecret(type) ? { content: contentOf(inputs) } : {}) },
    inputs: fingerprint(hidden),
    outputs: fingerprint(outputs),
  };
  const token = `kubernetes:${type.group === "" ? "core/" : ""}${type.apiVersion}:${type.kind}`;
  call.world.put({ provider: "kubernetes", type: token, id, urn: call.urn, place: cluster.name, properties });
}

function isService({ group, kind }: ResourceType): boolean {
  return group === "" && kind === "Service";
}

interface Identity {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly version: number;
}

function outputsOf(type: ResourceType, inputs: Properties, { name, namespace, uid, version }: Identity): Properties {
  const { metadata } = inputs;
  const given = metadata !== undefined && isProperties(metadata) ? metadata : {};
  const object = isSecret(type) ? hideData(inputs) : inputs;
  return {
    ...object,
    apiVersion: type.apiVersion,
    kind: type.kind,
    metadata: { ...given, name, ...(namespace === "" ? {} : { namespace }), uid, resourceVersion: String(version) },
  };
}

function refuseInvalid(
  type: ResourceType,
  cluster: Cluster,
  inputs: Properties,
  call: Call,
  previous?: JsonObject,
): void {
  if (type.group !== "cilium.io") return;
  const version = installedCilium(call.world, cluster.name)?.version ?? newestCilium;
  const problems = resourceProblems(version, { metadata: {}, ...plainObject(inputs) }, previous);
  if (problems.length === 0) return;
  throw notCreated(
    call,
    "Invalid",
    `${type.kind}.cilium.io "${nameOf(plain(inputs.metadata), call)}" is invalid: ${problems.join("; ")}`,
  );
}

function notCreated(call: Call, code: string, reason: string): Refusal {
  return new Refusal(
    code,
    `resource "${call.urn}" was not successfully created by the Kubernetes API server: ${reason}`,
  );
}

function nameOf(metadata: Plain, call: Call): string {
  const name = member(metadata, "name");
  return typeof name === "string" && name !== "" ? name : `${call.name}-${randomBytes(4).toString("hex")}`;
}

function namespaceOf(metadata: Plain, call: Call): string {
  const candidates = [member(metadata, "namespace"), plain(call.config.namespace)];
  const found = candidates.find((namespace) => typeof namespace === "string" && namespace !== "");
  return typeof found === "string" ? found : "default";
}

export function hasNamespace(cluster: Cluster, namespace: string, call: Pick<Call, "world">): boolean {
  const key = { group: "", kind: "Namespace", namespace: "", name: namespace };
  return givenNamespaces.includes(namespace) || call.world.get("kubernetes", objectId(cluster.name, key)) !== undefined;
}

function emptyNamespace(cluster: string, namespace: string, { world }: Call): void {
  for (const { provider, id, place, properties } of world.all()) {
    if (provider === "kubernetes" && place === cluster && text(properties.namespace) === namespace)
      world.remove(provider, id);
  }
}

/** With its definition the API server deletes every object of a kind. */
function removeDefined(cluster: string, definition: JsonObject, { world }: Call): void {
  const { group, names } = record(definition.spec);
  const kind = text(record(names).kind);
  for (const { provider, id, place, type } of world.all()) {
    const [, apiVersion = "", own = ""] = type.split(":");
    if (provider === "kubernetes" && place === cluster && own === kind && apiVersion.split("/")[0] === text(group))
      world.remove(provider, id);
  }
}

/** By Pulumi's id, or by the world's, which a recovery imports with. */
function find(type: ResourceType, id: string, cluster: Cluster, { world }: Call): WorldObject | undefined {
  const [name = "", namespace = ""] = id.split("/").toReversed();
  return world.get("kubernetes", objectId(cluster.name, { ...type, namespace, name })) ?? world.get("kubernetes", id);
}

function resourceName({ kind, group }: ResourceType): string {
  const plural = `${kind.toLowerCase()}${/(s|x|ch)$/.test(kind) ? "es" : "s"}`.replace(/([^aeiou])ys$/, "$1ies");
  return group === "" ? plural : `${plural}.${group}`;
}

function differs(path: string, olds: Properties, news: Properties): boolean {
  const at = (properties: Properties): Value => {
    let value: Value | undefined = properties;
    for (const key of path.split("."))
      value = value !== undefined && isProperties(value) ? value[key] : value instanceof Unknown ? value : undefined;
    return value ?? null;
  };
  return changedKeys({ value: at(olds) }, { value: at(news) }).length > 0;
}
