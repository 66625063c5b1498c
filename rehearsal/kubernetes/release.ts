import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, unknownValues } from "../../components/cilium/chart-keys.ts";
import { chartRefusals } from "../../components/cilium/chart-refusals.ts";
import { speedOf } from "../serve.ts";
import {
  type Call,
  type Kind,
  type Problem,
  type Properties,
  Refusal,
  Secret,
  Unknown,
  type Value,
} from "../stand-in.ts";
import { changedKeys, fingerprint, holdsUnknown, isProperties, reveal } from "../wire.ts";
import type { JsonObject, World, WorldObject } from "../world.ts";
import { type Cluster, objectId, record, text } from "./cluster.ts";
import { type InstalledCilium, releaseOf } from "./installed.ts";
import { releaseType, repositoryType } from "./kinds.ts";
import { findCluster, requireCluster } from "./kubeconfig.ts";
import { hasNamespace } from "./objects.ts";
import { isPlainObject, type PlainObject, plain, plainObject, scalarText } from "./plain.ts";
import { releaseObstacles, waitObstacles } from "./readiness.ts";
import { classProblem, missingGatewayKinds } from "./service-mesh.ts";

/** Inputs of `kubernetes:helm.sh/v3:Release` (the SDK's `ReleaseArgs`, 4.34.2). */
const inputNames = (
  "allowNullValues atomic chart cleanupOnFail compat createNamespace dependencyUpdate description devel disableCRDHooks " +
  "disableOpenapiValidation disableWebhooks forceUpdate keyring lint manifest maxHistory name namespace postrender recreatePods " +
  "renderSubchartNotes replace repositoryOpts resetValues resourceNames reuseValues skipAwait skipCrds takeOwnership timeout " +
  "valueYamlFiles values verify version waitForJobs"
).split(" ");

/** Seconds. Helm itself takes 5 (measured); images pulled and agents ready on a fresh node about 150. */
const seconds = { create: 150, update: 90, delete: 20 };
/** Seconds that the provider waits by default (`defaultTimeoutSeconds`). */
const defaultTimeout = 300;

/** The `cilium` chart as a Helm release. Other charts are refused: nobody has indexed their values. */
export const releaseKind: Kind = {
  seconds,
  deleteBeforeReplace: true,
  check: checkRelease,
  replaces: (olds, news) =>
    ["name", "namespace"].filter((key) => changedKeys(pick(olds, key), pick(news, key)).length > 0),
  async create(inputs, call) {
    const cluster = requireCluster(call.world, call.config);
    const { name, namespace } = identityOf(inputs, call);
    refuseToRender(cluster, inputs, call);
    if (!hasNamespace(cluster, namespace, call)) {
      throw new Refusal("NotFound", `create: failed to create: namespaces "${namespace}" not found`);
    }
    const id = releaseId(cluster, namespace, name);
    if (call.world.get("kubernetes", id) !== undefined) {
      throw new Refusal("Conflict", "cannot re-use a name that is still in use");
    }
    await becomeReady(cluster, inputs, namespace, name, call);
    return { id: `${namespace}/${name}`, outputs: store(cluster, id, inputs, 1, call) };
  },
  async update(id, _olds, news, call) {
    const cluster = requireCluster(call.world, call.config);
    const stored = find(id, cluster, call);
    if (stored === undefined) throw new Refusal("NotFound", `"${id}" has no deployed releases`);
    refuseToRender(cluster, news, call);
    const { name, namespace } = identityOf(news, call);
    await becomeReady(cluster, news, namespace, name, call);
    return store(cluster, stored.id, news, Number(text(record(stored.properties.body).revision)) + 1, call);
  },
  delete(id, _outputs, call) {
    const cluster = findCluster(call.world, call.config);
    const stored = cluster === undefined ? undefined : find(id, cluster, call);
    if (stored !== undefined) call.world.remove("kubernetes", stored.id);
  },
  read(id, call) {
    const stored = find(id, requireCluster(call.world, call.config), call);
    if (stored === undefined) return undefined;
    return { inputs: record(stored.properties.inputs), outputs: record(stored.properties.outputs) };
  },
};

function checkRelease(inputs: Properties, call: Call): Problem[] {
  const problems: Problem[] = [];
  for (const key of Object.keys(inputs)) {
    if (!inputNames.includes(key)) problems.push({ property: key, reason: "unknown property of helm.sh/v3:Release" });
  }
  if (plain(inputs.createNamespace) === true) {
    problems.push({
      property: "createNamespace",
      reason: "Helm never removes such a namespace; make it a resource of its own",
    });
  }
  const version = chartVersion(inputs, call, problems);
  const values = plain(inputs.values);
  if (version === undefined || values === undefined || problems.length > 0) return problems;
  if (!isPlainObject(values)) return [{ property: "values", reason: "wants an object" }];
  try {
    for (const problem of unknownValues(version, values)) {
      const ignored = problem.wrongType === undefined ? ". Helm itself would take it and nothing would read it" : "";
      problems.push({ property: `values.${problem.path}`, reason: describe(problem, version) + ignored });
    }
    if (inputs.values !== undefined && !holdsUnknown(inputs.values)) {
      problems.push(...chartRefusals(version, values).map((reason) => ({ property: "values", reason })));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.push({ property: "version", reason: error.message });
  }
  if (problems.length > 0) call.log(`values of the cilium ${version} chart have ${problems.length} problem(s)`);
  return problems;
}

/** The chart's version; what is wrong with its source goes into `problems`. */
function chartVersion(inputs: Properties, { world }: Call, problems: Problem[] = []): string | undefined {
  const { chart, version, repositoryOpts } = plainObject(inputs);
  if (chart === undefined) {
    if (inputs.chart === undefined) problems.push({ property: "chart", reason: "Missing required property 'chart'" });
    return undefined;
  }
  const place = scalarText(chart);
  const archive = /(?:^|\/)cilium-(\d+\.\d+\.\d+)\.tgz$/.exec(place)?.[1];
  if (place.endsWith(".tgz")) {
    if (!existsSync(place)) problems.push({ property: "chart", reason: `path "${place}" not found` });
    else if (archive === undefined)
      problems.push({
        property: "chart",
        reason: `the rehearsal reads the version off a name like cilium-1.20.2.tgz, not "${place}"`,
      });
    else if (version !== undefined && version !== archive) {
      problems.push({ property: "version", reason: `"${scalarText(version)}" differs from the archive's ${archive}` });
    }
    return archive;
  }
  const repository = isPlainObject(repositoryOpts) ? repositoryOpts.repo : undefined;
  if (place.split("/").at(-1) !== "cilium") {
    problems.push({ property: "chart", reason: `the rehearsal knows the cilium chart only, not "${place}"` });
  } else if (place !== "cilium" && !place.startsWith("oci://") && !isKnown(place, world)) {
    problems.push({
      property: "chart",
      reason: `repo ${place.split("/")[0]} not found; write chart: cilium and repositoryOpts.repo, or an oci:// address`,
    });
  } else if (place === "cilium" && inputs.repositoryOpts === undefined) {
    problems.push({
      property: "chart",
      reason: "non-absolute URLs should be in form of repo_name/path_to_chart, got: cilium; set repositoryOpts.repo",
    });
  } else if (place === "cilium" && repository !== undefined && !/^https?:\/\//.test(scalarText(repository))) {
    problems.push({
      property: "repositoryOpts.repo",
      reason: `could not find protocol handler for: ${JSON.stringify(repository)}`,
    });
  }
  if (inputs.version === undefined) {
    problems.push({ property: "version", reason: "without a version Helm takes the newest chart of the day; pin one" });
  }
  return typeof version === "string" ? version : undefined;
}

/** `cilium/cilium` when `helm repo add cilium` was done on this machine. */
function isKnown(place: string, world: World): boolean {
  return world.find("kubernetes", repositoryType).some(({ properties }) => place === `${text(properties.name)}/cilium`);
}

/** What passed a preview as unknown is known now; and Helm asks the API server for the kind of each object before it makes the first. */
function refuseToRender(cluster: Cluster, inputs: Properties, call: Call): void {
  const { values = {} } = plainObject(inputs);
  const version = chartVersion(inputs, call) ?? "";
  const [first] = chartRefusals(version, values);
  if (first !== undefined) throw new Refusal("InvalidArgument", first);
  const unmapped = classProblem(call.world, cluster.name, releaseOf(version, values, call.world, cluster.name));
  if (unmapped !== undefined) throw new Refusal("Unknown", unmapped);
}

/** Helm's `--wait`: judged by what is in the world, so a release that would hang does hang, until the timeout. */
async function becomeReady(
  cluster: Cluster,
  inputs: Properties,
  namespace: string,
  name: string,
  call: Call,
): Promise<void> {
  const {
    skipAwait,
    timeout,
    version,
    values = {},
  } = plainObject({ ...inputs, version: chartVersion(inputs, call) ?? "" });
  if (skipAwait === true) return;
  const candidate: InstalledCilium = releaseOf(scalarText(version), values, call.world, cluster.name);
  const obstacles = [
    ...waitObstacles(call.world, cluster, candidate),
    ...releaseObstacles(call.world, cluster, candidate),
  ];
  if (obstacles.length === 0) return;
  const limit = typeof timeout === "number" && timeout > 0 ? timeout : defaultTimeout;
  call.log(`waiting up to ${limit} s: ${obstacles[0] ?? ""}`);
  await sleep((Math.max(0, limit - seconds.create) * 1000) / speedOf(process.env), undefined, { signal: call.signal });
  throw new Refusal(
    "DeadlineExceeded",
    `Helm release "${namespace}/${name}" was created, but failed to initialize completely. Use Helm CLI to investigate: ` +
      `failed to become available within allocated timeout. Error: Helm Release ${namespace}/${name}: timed out waiting for the condition\n` +
      obstacles.map((line) => `  ${line}`).join("\n"),
  );
}

function store(cluster: Cluster, id: string, inputs: Properties, revision: number, call: Call): Properties {
  const { name, namespace } = identityOf(inputs, call);
  const version = chartVersion(inputs, call) ?? "";
  const status = { appVersion: version, chart: "cilium", name, namespace, revision, status: "deployed", version };
  const outputs: Properties = {
    ...inputs,
    name,
    namespace,
    version,
    status,
    resourceNames: resourceNames(plain(inputs.values)),
  };
  const values = inputs.values === undefined ? {} : storable(inputs.values, "");
  const properties: JsonObject = {
    name,
    namespace,
    body: {
      chart: "cilium",
      version,
      revision,
      skipAwait: plain(inputs.skipAwait) === true,
      values,
      // The operator restarts with every upgrade of ours, and looks then only.
      missingGatewayKinds: missingGatewayKinds(call.world, cluster.name, version),
    },
    inputs: fingerprint(inputs),
    outputs: fingerprint(outputs),
  };
  call.world.put({ provider: "kubernetes", type: releaseType, id, urn: call.urn, place: cluster.name, properties });
  return outputs;
}

/** Values as the world may hold them even if the program marked all of them secret: keys and certificates as digests, the rest to read. */
function storable(value: Value, path: string): JsonObject[string] {
  if (value instanceof Secret) {
    const inner = value.value;
    return isProperties(inner) || Array.isArray(inner) ? storable(inner, path) : digest(inner);
  }
  if (Array.isArray(value)) return value.map((item) => storable(item, `${path}[]`));
  if (isProperties(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, storable(child, path === "" ? key : `${path}.${key}`)]),
    );
  }
  if (value instanceof Unknown) throw new Error("an unknown value cannot enter the world");
  const sensitive = typeof value === "string" && /^tls\.ca\.|\.(key|cert|caCert|password|token|secret)$/i.test(path);
  return sensitive ? digest(value) : value;
}

function digest(value: Value): JsonObject[string] {
  // What is empty is no secret, and "not set" must stay readable.
  if (value === "") return "";
  return fingerprint({ value: new Secret(reveal(value)) }).value ?? null;
}

/** A few of the objects that the chart makes, as the provider lists them. */
function resourceNames(values: unknown): Properties {
  const mesh = isMesh(values);
  return {
    "ConfigMap/v1": ["kube-system/cilium-config"],
    "DaemonSet.apps/apps/v1": ["kube-system/cilium", "kube-system/cilium-envoy"],
    "Deployment.apps/apps/v1": ["kube-system/cilium-operator", ...(mesh ? ["kube-system/clustermesh-apiserver"] : [])],
  };
}

function isMesh(values: unknown): boolean {
  const mesh = isPlainRecord(values) ? values.clustermesh : undefined;
  return isPlainRecord(mesh) && mesh.useAPIServer === true;
}

function isPlainRecord(value: unknown): value is PlainObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function identityOf(inputs: Properties, call: Call): { name: string; namespace: string } {
  const { name, namespace } = plainObject(inputs);
  const configured = plain(call.config.namespace);
  return {
    name: typeof name === "string" && name !== "" ? name : call.name,
    namespace:
      typeof namespace === "string" && namespace !== ""
        ? namespace
        : typeof configured === "string"
          ? configured
          : "default",
  };
}

function releaseId(cluster: Cluster, namespace: string, name: string): string {
  return objectId(cluster.name, { group: "helm.sh", kind: "Release", namespace, name });
}

/** By Pulumi's id, or by the world's, which a recovery imports with. */
function find(id: string, cluster: Cluster, { world }: Call): WorldObject | undefined {
  const [name = "", namespace = ""] = id.split("/").toReversed();
  return world.get("kubernetes", releaseId(cluster, namespace, name)) ?? world.get("kubernetes", id);
}

function pick(properties: Properties, key: string): Properties {
  return { [key]: properties[key] ?? null };
}
