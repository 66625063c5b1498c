import { stringify } from "yaml";
import { reachApi } from "../api.ts";
import { type ClusterRecord, changeCluster, type NodeRecord, nodeRecords, putNode, removeNode } from "../cluster.ts";
import type { Host } from "../host.ts";
import { openKubeconfig } from "../kubeconfig.ts";
import {
  type Arguments,
  fail,
  ok,
  parseArguments,
  readArgument,
  type Tool,
  type ToolCall,
  type ToolResult,
} from "../tool.ts";
import { JsonPathError, jsonPath } from "./json-path.ts";
import { editPairs, editTaints, invalidLabels, patchNode } from "./node-changes.ts";
import { nodeAlive, nodeObject, requestObject } from "./objects.ts";

const flags = {
  "--kubeconfig": true,
  "--context": true,
  "--request-timeout": true,
  "-n": true,
  "--namespace": true,
  "-A": false,
  "--all-namespaces": false,
  "-o": true,
  "--output": true,
  "-l": true,
  "--selector": true,
  "--field-selector": true,
  "--no-headers": false,
  "--ignore-not-found": false,
  "--raw": true,
  "--type": true,
  "-p": true,
  "--patch": true,
  "--patch-file": true,
  "--overwrite": false,
  "--force": false,
  "--grace-period": true,
  "--timeout": true,
  "--wait": false,
  "--now": false,
  "--all": false,
  "--ignore-daemonsets": false,
  "--delete-emptydir-data": false,
  "--disable-eviction": false,
  "--skip-wait-for-delete-timeout": true,
  "--pod-selector": true,
  "--for": true,
  "-f": true,
  "--filename": true,
  "--client": false,
  "--short": false,
  "-w": false,
  "-v": true,
  "--sort-by": true,
  "--show-labels": false,
  "--dry-run": true,
  "--server-side": false,
  "--field-manager": true,
  "--cascade": true,
  "-q": false,
  "--list": false,
} as const;

/** kubectl, for nodes, certificate signing requests and the API server's health. */
export const kubectl: Tool = (call, host) => {
  const given = parseArguments(call.args, flags);
  if (given.unknown !== undefined)
    return fail(`error: unknown flag: ${given.unknown}\nSee 'kubectl --help' for usage.`);
  const [command = "", ...words] = given.words;
  if (command === "version" && given.flags.has("--client"))
    return ok(`Client Version: v${host.state.packages.kubectl?.split("-")[0] ?? ""}\n`);
  const known = [
    "get",
    "patch",
    "label",
    "annotate",
    "taint",
    "cordon",
    "uncordon",
    "drain",
    "delete",
    "wait",
    "version",
    "cluster-info",
    "auth",
    "certificate",
  ];
  if (!known.includes(command))
    return fail(`error: unknown command "${command}" for "kubectl": the rehearsal's plays ${known.join(", ")}`);
  const cluster = connect(given, call, host);
  if ("code" in cluster) return cluster;
  const context = { call, host, cluster, given };
  switch (command) {
    case "get":
      return get(context, words);
    case "version":
      return ok(
        `Client Version: v${host.state.packages.kubectl?.split("-")[0] ?? ""}\nServer Version: ${cluster.version}\n`,
      );
    case "cluster-info":
      return ok(`Kubernetes control plane is running at https://${cluster.endpoint}\n`);
    case "auth":
      return ok("yes\n");
    case "certificate":
      return certificate(context, words);
    case "wait":
      return waitFor(context, words);
    default:
      return changeNodes(context, command, words);
  }
};

interface Context {
  readonly call: ToolCall;
  readonly host: Host;
  readonly cluster: ClusterRecord;
  readonly given: Arguments;
}

function one({ flags: all }: Arguments, ...names: string[]): string | undefined {
  return names.flatMap((name) => all.get(name) ?? []).at(-1);
}

function connect(given: Arguments, call: ToolCall, host: Host): ClusterRecord | ToolResult {
  const { KUBECONFIG, HOME } = call.environment;
  const path = one(given, "--kubeconfig") ?? (KUBECONFIG === "" ? `${HOME}/.kube/config` : KUBECONFIG);
  if (one(given, "--kubeconfig") === undefined && !host.files.exists(path)) {
    return fail(
      'E1120 memcache.go:265] "Unhandled Error" err="couldn\'t get current server API group list: Get \\"http://localhost:8080/api?timeout=32s\\": dial tcp 127.0.0.1:8080: connect: connection refused"\nThe connection to the server localhost:8080 was refused - did you specify the right host or port?',
    );
  }
  if (call.user !== "root" && ((host.files.mode(path) ?? 0) & 0o004) === 0 && path.startsWith("/etc/"))
    return fail(`error: error loading config file "${path}": open ${path}: permission denied`);
  const opened = openKubeconfig(host, path);
  if (typeof opened === "string") return fail(`error: ${opened}`);
  const reached = reachApi(host, call.world, opened.server);
  if (typeof reached === "string") {
    const server = opened.server.replace(/^https:\/\//, "");
    if (reached.endsWith("connection refused"))
      return fail(`The connection to the server ${server} was refused - did you specify the right host or port?`);
    return { ...fail(`Unable to connect to the server: ${reached}`), seconds: 5 };
  }
  if (reached.cluster.caFingerprint !== opened.caFingerprint)
    return fail(
      "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority",
    );
  return reached.cluster;
}

function get({ call, cluster, given }: Context, words: readonly string[]): ToolResult {
  const raw = one(given, "--raw");
  if (raw !== undefined) return getRaw(call, cluster, raw);
  const [kind, ...names] = (words[0] ?? "").includes("/") ? words.flatMap((word) => word.split("/")) : words;
  const nodes = nodeRecords(call.world, cluster.name);
  const label = one(given, "-l", "--selector");
  const field = one(given, "--field-selector");
  if (/^(nodes?|no)$/.test(kind ?? "")) {
    const missing = names.find((name) => !nodes.some((node) => node.name === name));
    if (missing !== undefined)
      return given.flags.has("--ignore-not-found")
        ? ok()
        : fail(`Error from server (NotFound): nodes "${missing}" not found`);
    const chosen = nodes.filter(
      (node) => (names.length === 0 || names.includes(node.name)) && selected(node.labels, label),
    );
    return print(
      given,
      chosen.map((node) => nodeObject(node, cluster, call.world)),
      names.length === 1,
      "node",
      (object) => {
        const node = chosen.find(({ name }) => name === nameOf(object));
        return [
          nameOf(object),
          node !== undefined && nodeAlive(node, call.world) ? "Ready" : "NotReady",
          node?.role === "control-plane" ? "control-plane" : "<none>",
          "1d",
          cluster.version,
        ];
      },
    );
  }
  if (/^(csr|certificatesigningrequests?)$/.test(kind ?? "")) {
    if (field !== undefined && !/^(spec\.signerName=kubernetes\.io\/kubelet-serving|metadata\.name=.+)$/.test(field))
      return print(given, [], false, "csr", () => []);
    const chosen = cluster.kubeadm.requests
      .filter(({ name }) => names.length === 0 || names.includes(name))
      .map(requestObject);
    return print(given, chosen, names.length === 1, "certificatesigningrequest.certificates.k8s.io", (object) => [
      nameOf(object),
    ]);
  }
  return fail(`error: the rehearsal's kubectl shows nodes and certificatesigningrequests, not "${kind ?? ""}"`);
}

/** Health of the API server, or of a kubelet through it: that needs the serving certificate which somebody approved. */
function getRaw(call: ToolCall, cluster: ClusterRecord, path: string): ToolResult {
  if (/^\/(readyz|livez|healthz)(\?.*)?$/.test(path)) return ok("ok");
  const name = /^\/api\/v1\/nodes\/([^/]+)\/proxy\/healthz$/.exec(path)?.[1];
  if (name === undefined) return fail("Error from server (NotFound): the server could not find the requested resource");
  const node = nodeRecords(call.world, cluster.name).find((one) => one.name === name);
  if (node === undefined) return fail(`Error from server (NotFound): nodes "${name}" not found`);
  if (!nodeAlive(node, call.world))
    return fail(
      `Error from server (ServiceUnavailable): error trying to reach service: dial tcp ${node.address}:10250: i/o timeout`,
    );
  const request = cluster.kubeadm.requests.find(({ user }) => user === `system:node:${name}`);
  if (request?.approved === false)
    return fail(
      "Error from server (ServiceUnavailable): error trying to reach service: remote error: tls: internal error",
    );
  return ok("ok");
}

function nameOf(object: Record<string, unknown>): string {
  const metadata = object.metadata;
  return metadata !== null && typeof metadata === "object" && "name" in metadata ? String(metadata.name) : "";
}

function selected(labels: Readonly<Record<string, string>>, selector: string | undefined): boolean {
  return (selector ?? "").split(",").every((term) => {
    if (term === "") return true;
    if (term.startsWith("!")) return labels[term.slice(1)] === undefined;
    const match = /^([^=!]+)(!=|==?)(.*)$/.exec(term);
    if (match === null) return labels[term] !== undefined;
    return (labels[match[1] ?? ""] === match[3]) === (match[2] !== "!=");
  });
}

function print(
  given: Arguments,
  objects: readonly Record<string, unknown>[],
  single: boolean,
  kind: string,
  row: (object: Record<string, unknown>) => string[],
): ToolResult {
  const format = one(given, "-o", "--output") ?? "";
  const document = single ? (objects[0] ?? {}) : { apiVersion: "v1", kind: "List", items: objects };
  if (format === "json") return ok(`${JSON.stringify(document, undefined, 4)}\n`);
  if (format === "yaml") return ok(stringify(document));
  if (format === "name") return ok(objects.map((object) => `${kind}/${nameOf(object)}\n`).join(""));
  const template = /^jsonpath=([\s\S]*)$/.exec(format)?.[1];
  if (template !== undefined) {
    try {
      return ok(jsonPath(template.replace(/^'([\s\S]*)'$/, "$1"), document));
    } catch (error) {
      if (error instanceof JsonPathError) return fail(`error: error parsing jsonpath ${template}, ${error.message}`);
      throw error;
    }
  }
  if (format !== "" && format !== "wide")
    return fail(
      `error: unable to match a printer suitable for the output format "${format}", allowed formats are: json,jsonpath,name,wide,yaml`,
    );
  if (objects.length === 0) return { code: 0, stderr: "No resources found\n" };
  const head =
    given.flags.has("--no-headers") || kind !== "node" ? [] : [["NAME", "STATUS", "ROLES", "AGE", "VERSION"]];
  return ok([...head, ...objects.map(row)].map((cells) => `${cells.join("   ")}\n`).join(""));
}

function certificate({ call, cluster }: Context, [verb = "", ...names]: readonly string[]): ToolResult {
  if (verb !== "approve" && verb !== "deny") return fail(`error: unknown command "certificate ${verb}"`);
  const missing = names.find((name) => !cluster.kubeadm.requests.some((request) => request.name === name));
  if (missing !== undefined)
    return fail(`Error from server (NotFound): certificatesigningrequests.certificates.k8s.io "${missing}" not found`);
  changeCluster(call.world, cluster.name, ({ kubeadm }) => {
    for (const request of kubeadm.requests)
      if (names.includes(request.name) && verb === "approve") request.approved = true;
  });
  return ok(names.map((name) => `certificatesigningrequest.certificates.k8s.io/${name} approved\n`).join(""));
}

function waitFor(context: Context, words: readonly string[]): ToolResult {
  const { call, cluster, given } = context;
  const names = words.flatMap((word) => word.split("/")).filter((word) => !/^nodes?$/.test(word));
  const condition = one(given, "--for");
  if (condition !== "condition=Ready") return fail(`error: unrecognized condition: "${condition ?? ""}"`);
  const nodes = nodeRecords(call.world, cluster.name).filter(
    ({ name }) => given.flags.has("--all") || names.includes(name),
  );
  const waiting = nodes.find((node) => !nodeAlive(node, call.world));
  return waiting === undefined
    ? ok(nodes.map(({ name }) => `node/${name} condition met\n`).join(""))
    : { ...fail(`error: timed out waiting for the condition on nodes/${waiting.name}`), seconds: 30 };
}

function changeNodes(context: Context, command: string, words: readonly string[]): ToolResult {
  const { call, cluster, given } = context;
  const takesKind = !["cordon", "uncordon", "drain"].includes(command);
  const [kind, first, ...rest] = (words[0] ?? "").includes("/")
    ? [...(words[0] ?? "").split("/"), ...words.slice(1)]
    : takesKind
      ? words
      : ["node", ...words];
  if (!/^(nodes?|no)$/.test(kind ?? ""))
    return fail(`error: the rehearsal's kubectl changes nodes, not "${kind ?? ""}"`);
  if (first === undefined) return fail("error: resource name may not be empty");
  const names = takesKind && command !== "delete" ? [first] : [first, ...rest];
  const results: string[] = [];
  for (const name of names) {
    const node = nodeRecords(call.world, cluster.name).find((one) => one.name === name);
    if (node === undefined) {
      if (command === "delete" && given.flags.has("--ignore-not-found")) continue;
      return fail(`Error from server (NotFound): nodes "${name}" not found`);
    }
    if (command === "delete") removeNode(call.world, cluster.name, name);
    else {
      const problem = change(context, command, node, rest);
      if (problem !== undefined) return fail(problem);
      putNode(call.world, node);
    }
    results.push(`node${command === "delete" ? ` "${name}" deleted` : `/${name} ${past[command] ?? command}`}\n`);
  }
  return ok(results.join(""), command === "drain" ? 20 : 0);
}

const past: Readonly<Record<string, string>> = {
  patch: "patched",
  label: "labeled",
  annotate: "annotated",
  taint: "tainted",
  cordon: "cordoned",
  uncordon: "uncordoned",
  drain: "drained",
};

function change(
  { call, host, given }: Context,
  command: string,
  node: NodeRecord,
  words: readonly string[],
): string | undefined {
  const overwrite = given.flags.has("--overwrite");
  switch (command) {
    case "patch": {
      const file = one(given, "--patch-file");
      const text = one(given, "-p", "--patch") ?? (file === undefined ? undefined : readArgument(call, host, file));
      return text === undefined
        ? "error: must specify --patch or --patch-file containing the contents of the patch"
        : patchNode(node, text);
    }
    case "label":
      return editPairs(node.labels, words, overwrite, "label") ?? invalidLabels(node);
    case "annotate":
      return editPairs(node.annotations, words, overwrite, "annotation");
    case "taint":
      return editTaints(node, words, overwrite);
    default:
      node.unschedulable = command !== "uncordon";
      return undefined;
  }
}
