import { randomBytes } from "node:crypto";
import { reachApi } from "../api.ts";
import { type ClusterRecord, changeCluster } from "../cluster.ts";
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
import { commandFlags, commonFlags } from "./command-flags.ts";
import {
  ClusterConfiguration,
  ConfigError,
  type Documents,
  type JoinConfiguration,
  readConfig,
  tokenPattern,
} from "./config.ts";
import { addToken, type Done, durationMs, init, minor, randomToken, uploadCertificates } from "./init.ts";
import { join } from "./join.ts";
import { KubeadmError } from "./preflight.ts";
import { reset } from "./reset.ts";

/** kubeadm of the installed version. */
export const kubeadm: Tool = async (call, host) => {
  const [command = "", ...rest] = call.args;
  if (!isCommand(command))
    return fail(
      `error: unknown command "${command}" for "kubeadm"\nTo see the stack trace of this error execute with --v=5 or higher`,
    );
  const given = parseArguments(rest, commandFlags[command]);
  if (given.unknown !== undefined)
    return fail(
      `error: unknown flag: ${given.unknown}\nTo see the stack trace of this error execute with --v=5 or higher`,
    );
  if (call.user !== "root" && ["init", "join", "reset"].includes(command)) {
    return fail(
      "[preflight] Some fatal errors occurred:\n\t[ERROR IsPrivilegedUser]: user is not running as root\nerror: error execution phase preflight: preflight checks failed",
      2,
    );
  }
  try {
    return await run(command, given, call, host);
  } catch (error) {
    if (error instanceof KubeadmError)
      return {
        ...fail(`${error.message}\nTo see the stack trace of this error execute with --v=5 or higher`, error.code),
        seconds: 10,
      };
    if (error instanceof ConfigError)
      return fail(`error: ${error.message}\nTo see the stack trace of this error execute with --v=5 or higher`);
    throw error;
  }
};

function isCommand(word: string): word is keyof typeof commandFlags {
  return Object.hasOwn(commandFlags, word);
}

async function run(
  command: keyof typeof commandFlags,
  given: Arguments,
  call: ToolCall,
  host: Host,
): Promise<ToolResult> {
  switch (command) {
    case "init":
      return given.words[0] === "phase"
        ? phase(given, call, host)
        : finished(
            init(call, host, initDocuments(given, call, host), {
              ignored: listOf(given, "--ignore-preflight-errors"),
              uploadCerts: given.flags.has("--upload-certs"),
              certificateKey: one(given, "--certificate-key"),
            }),
          );
    case "join":
      return finished(
        await join(call, host, joinConfiguration(given, call, host), listOf(given, "--ignore-preflight-errors")),
      );
    case "reset":
      if (given.flags.has("-f") || given.flags.has("--force")) return finished(reset(call, host));
      return fail(
        "error: error execution phase preflight: aborted reset operation",
        1,
        "[reset] Are you sure you want to proceed? [y/N]: ",
      );
    case "token":
      return token(given, call, host);
    case "config":
      return config(given, call, host);
    case "certs":
      return given.words[0] === "certificate-key"
        ? ok(`${randomBytes(32).toString("hex")}\n`)
        : ok("CERTIFICATE                EXPIRES\nadmin.conf                 364d\n");
    case "version": {
      const version = `v${host.state.packages.kubeadm?.split("-")[0] ?? ""}`;
      return ok(
        one(given, "-o") === "short" || one(given, "--output") === "short"
          ? `${version}\n`
          : `kubeadm version: &version.Info{Major:"1", Minor:"${minor(version)}", GitVersion:"${version}"}\n`,
      );
    }
  }
}

function finished({ stdout, stderr = "", seconds }: Done): ToolResult {
  return { code: 0, stdout, stderr, seconds };
}

function one({ flags: given }: Arguments, name: string): string | undefined {
  return given.get(name)?.at(-1);
}

function listOf({ flags: given }: Arguments, name: string): string[] {
  return (given.get(name) ?? []).flatMap((text) => text.split(",")).filter((word) => word !== "");
}

function documentsOf(given: Arguments, call: ToolCall, host: Host): Documents | undefined {
  const path = one(given, "--config");
  if (path === undefined) return undefined;
  const text = readArgument(call, host, path);
  if (text === undefined)
    throw new ConfigError(`unable to read config from "${path}" : open ${path}: no such file or directory`);
  return readConfig(text);
}

function mixed(given: Arguments, allowed: readonly string[]): void {
  const extra = [...given.flags.keys()].filter(
    (flag) => !["--config", ...allowed, ...Object.keys(commonFlags)].includes(flag),
  );
  if (extra.length > 0)
    throw new KubeadmError(
      `error: can not mix '--config' with arguments [${extra.map((flag) => flag.replace(/^--/, "")).join(" ")}]`,
      3,
    );
}

function initDocuments(given: Arguments, call: ToolCall, host: Host): Documents {
  const documents = documentsOf(given, call, host);
  if (documents !== undefined) {
    mixed(given, [
      "--ignore-preflight-errors",
      "--skip-token-print",
      "--skip-certificate-key-print",
      "--upload-certs",
      "--certificate-key",
      "--dry-run",
      "--skip-phases",
      "--node-name",
      "--cri-socket",
      "--patches",
      "--kubeconfig",
    ]);
    if (documents.join !== undefined)
      throw new ConfigError("no InitConfiguration or ClusterConfiguration kind was found in the YAML file");
    return documents;
  }
  const cluster = ClusterConfiguration.parse({
    ...entry("kubernetesVersion", one(given, "--kubernetes-version")),
    ...entry("controlPlaneEndpoint", one(given, "--control-plane-endpoint")),
    networking: {
      ...entry("podSubnet", one(given, "--pod-network-cidr")),
      ...entry("serviceSubnet", one(given, "--service-cidr")),
    },
  });
  return { cluster, init: undefined, join: undefined, kubelet: undefined };
}

function entry(key: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [key]: value };
}

function joinConfiguration(given: Arguments, call: ToolCall, host: Host): JoinConfiguration {
  const documents = documentsOf(given, call, host);
  if (documents !== undefined) {
    mixed(given, [
      "--ignore-preflight-errors",
      "--dry-run",
      "--skip-phases",
      "--node-name",
      "--cri-socket",
      "--patches",
    ]);
    if (documents.join === undefined) throw new ConfigError("no JoinConfiguration kind was found in the YAML file");
    return documents.join;
  }
  const value = one(given, "--token") ?? one(given, "--discovery-token") ?? "";
  const key = one(given, "--certificate-key");
  return {
    nodeRegistration: { name: one(given, "--node-name"), kubeletExtraArgs: [], ignorePreflightErrors: [] },
    caCertPath: "/etc/kubernetes/pki/ca.crt",
    controlPlane: given.flags.has("--control-plane")
      ? { localAPIEndpoint: { bindPort: 6443 }, certificateKey: key }
      : undefined,
    discovery: {
      bootstrapToken: {
        token: value,
        apiServerEndpoint: given.words[0] ?? "",
        caCertHashes: listOf(given, "--discovery-token-ca-cert-hash"),
        unsafeSkipCAVerification: given.flags.has("--discovery-token-unsafe-skip-ca-verification"),
      },
    },
    skipPhases: [],
  };
}

/** The cluster that the caller's kubeconfig leads to. */
function ownCluster(given: Arguments, call: ToolCall, host: Host): ClusterRecord {
  const path =
    one(given, "--kubeconfig") ??
    (call.environment.KUBECONFIG === "" ? "/etc/kubernetes/admin.conf" : call.environment.KUBECONFIG);
  const opened = openKubeconfig(host, path);
  if (typeof opened === "string") throw new KubeadmError(`error: ${opened}`);
  const reached = reachApi(host, call.world, opened.server);
  if (typeof reached === "string")
    throw new KubeadmError(
      `error: Get "${opened.server}/api/v1/namespaces/kube-system/secrets?timeout=10s": ${reached}`,
    );
  if (reached.cluster.caFingerprint !== opened.caFingerprint)
    throw new KubeadmError(
      `error: Get "${opened.server}/api/v1": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    );
  return reached.cluster;
}

function phase(given: Arguments, call: ToolCall, host: Host): ToolResult {
  const name = given.words[1] ?? "";
  if (name !== "upload-certs")
    return fail(`error: the rehearsal plays \`kubeadm init phase upload-certs\` and no other phase, not "${name}"`);
  if (!given.flags.has("--upload-certs")) return ok("[upload-certs] Skipping phase. Please see --upload-certs\n");
  if (!host.files.exists("/etc/kubernetes/pki/ca.key"))
    return fail(
      "error: error execution phase upload-certs: error uploading certs: error loading secret data: open /etc/kubernetes/pki/ca.crt: no such file or directory",
    );
  return ok(uploadCertificates(call, ownCluster(given, call, host).name, one(given, "--certificate-key")), 3);
}

function token(given: Arguments, call: ToolCall, host: Host): ToolResult {
  const [command = "", value] = given.words;
  if (command === "generate") return ok(`${randomToken()}\n`);
  if (!["create", "list", "delete"].includes(command))
    return fail(`error: unknown command "${command}" for "kubeadm token"`);
  const cluster = ownCluster(given, call, host);
  if (command === "list")
    return ok(
      cluster.kubeadm.tokens
        .map(({ id, expires }) => `${id}.****************   ${new Date(expires).toISOString()}\n`)
        .join(""),
    );
  if (command === "delete") {
    changeCluster(call.world, cluster.name, ({ kubeadm }) => {
      kubeadm.tokens = kubeadm.tokens.filter(({ id }) => id !== value?.slice(0, 6));
    });
    return ok(`bootstrap token "${value?.slice(0, 6) ?? ""}" deleted\n`);
  }
  const made = value ?? randomToken();
  if (!tokenPattern.test(made))
    return fail(
      `error: the bootstrap token "${made.slice(0, 6)}..." was not of the form "\\\\A([a-z0-9]{6})\\\\.([a-z0-9]{16})\\\\z"`,
    );
  addToken(call, cluster.name, made, durationMs(one(given, "--ttl")) ?? 24 * 3600 * 1000);
  if (!given.flags.has("--print-join-command")) return ok(`${made}\n`, 2);
  const key = one(given, "--certificate-key");
  return ok(
    `kubeadm join ${cluster.endpoint} --token ${made} --discovery-token-ca-cert-hash ${cluster.kubeadm.publicKeyHash} ${key === undefined ? "" : `--control-plane --certificate-key ${key}`}\n`,
    2,
  );
}

/** Images of 1.35 to 1.37 besides Kubernetes' own (cmd/kubeadm/app/constants). */
const images = { pause: "3.10.1", coredns: "v1.13.1", etcd: "3.6.6-0" };

function config(given: Arguments, call: ToolCall, host: Host): ToolResult {
  const [noun = "", verb = ""] = given.words;
  const documents = documentsOf(given, call, host);
  if (noun === "validate") return documents === undefined ? fail("error: the --config flag is mandatory") : ok("ok\n");
  if (noun !== "images" || !["list", "pull"].includes(verb))
    return fail(`error: unknown command "${noun} ${verb}" for "kubeadm config"`);
  const version =
    one(given, "--kubernetes-version") ??
    documents?.cluster?.kubernetesVersion ??
    `v${host.state.packages.kubeadm?.split("-")[0] ?? ""}`;
  const repository = one(given, "--image-repository") ?? documents?.cluster?.imageRepository ?? "registry.k8s.io";
  const names = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"].map(
    (name) => `${repository}/${name}:${version}`,
  );
  const coredns = repository === "registry.k8s.io" ? `${repository}/coredns/coredns` : `${repository}/coredns`;
  const all = [
    ...names,
    `${coredns}:${images.coredns}`,
    `${repository}/pause:${images.pause}`,
    `${repository}/etcd:${images.etcd}`,
  ];
  return verb === "list"
    ? ok(all.map((image) => `${image}\n`).join(""))
    : ok(all.map((image) => `[config/images] Pulled ${image}\n`).join(""), 40);
}
