import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import services from "@pulumi/pulumi/proto/language_grpc_pb.js";
import type * as messages from "@pulumi/pulumi/proto/language_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { z } from "zod";
import { sdkVersion } from "./engine.ts";
import { answer, endWithParent, servePlugin } from "./plugin.ts";

type Empty = InstanceType<typeof empty.Empty>;

/** The program ended with an error that it has told the engine itself (`cmd/run/index.js` of the SDK). */
const alreadyReported = 32;

/**
 * Runs a minimal Node.js language host for the plain CLI where the official one is not installed: enough for
 * `preview`, `up`, `refresh` and `destroy` of a project whose packages are there.
 */
export function serveLanguage(): void {
  const engine = process.argv.slice(2).find((argument) => !argument.startsWith("-")) ?? "";
  const ended = endWithParent();
  servePlugin(services.LanguageRuntimeService, {
    handshake: answer<messages.LanguageHandshakeRequest, messages.LanguageHandshakeResponse>(
      () => new language.LanguageHandshakeResponse(),
    ),
    getPluginInfo: answer<Empty, plugin.PluginInfo>(() => new plugin.PluginInfo().setVersion(sdkVersion())),
    // None: the stand-ins are on PATH, and whoever has the official plugins has the official host too.
    getRequiredPlugins: answer<messages.GetRequiredPluginsRequest, messages.GetRequiredPluginsResponse>(
      () => new language.GetRequiredPluginsResponse(),
    ),
    getRequiredPackages: answer<messages.GetRequiredPackagesRequest, messages.GetRequiredPackagesResponse>(
      () => new language.GetRequiredPackagesResponse(),
    ),
    getProgramDependencies: answer<messages.GetProgramDependenciesRequest, messages.GetProgramDependenciesResponse>(
      () => new language.GetProgramDependenciesResponse(),
    ),
    runtimeOptionsPrompts: answer<messages.RuntimeOptionsRequest, messages.RuntimeOptionsResponse>(
      () => new language.RuntimeOptionsResponse(),
    ),
    about: answer<messages.AboutRequest, messages.AboutResponse>(() =>
      new language.AboutResponse().setExecutable(process.execPath).setVersion(process.version),
    ),
    run: answer<messages.RunRequest, messages.RunResponse>((request, signal) => run(request, engine, signal), ended),
    cancel: answer<Empty, Empty>(() => new empty.Empty()),
  });
}

async function run(request: messages.RunRequest, engine: string, signal: AbortSignal): Promise<messages.RunResponse> {
  const info = request.getInfo();
  const { typescript = true, nodeargs = "" } = RuntimeOptions.parse(info?.getOptions()?.toJavaScript() ?? {});
  const nodeArguments = nodeargs.split(" ").filter((word) => word !== "");
  const child = spawn(process.execPath, [...nodeArguments, ...runArguments(request, engine)], {
    // The program's own output goes to the engine, which reads ours.
    stdio: ["ignore", "inherit", "inherit"],
    signal,
    env: {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().entries())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      PULUMI_NODEJS_TYPESCRIPT: String(typescript),
    },
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const response = new language.RunResponse();
  if (code === 0) return response;
  return code === alreadyReported ? response.setBail(true) : response.setError(`the program ended with code ${code}`);
}

/** `runtime.options` of Pulumi.yaml, as far as the official host knows them too. */
const RuntimeOptions = z.object({ typescript: z.boolean(), nodeargs: z.string() }).partial();

/** What the SDK's own runner takes (`@pulumi/pulumi/cmd/run`). Configuration goes through the environment, never through here. */
function runArguments(request: messages.RunRequest, engine: string): string[] {
  const info = request.getInfo();
  const runner = createRequire(import.meta.url).resolve("@pulumi/pulumi/cmd/run/index.js");
  const values: readonly (readonly [string, string])[] = [
    ["monitor", request.getMonitorAddress()],
    ["engine", engine],
    ["project", request.getProject()],
    ["stack", request.getStack()],
    ["organization", request.getOrganization()],
    ["parallel", String(request.getParallel())],
    ["pwd", request.getPwd()],
    ["root-directory", info?.getRootDirectory() ?? request.getPwd()],
  ];
  const flags = values.flatMap(([name, value]) => [`--${name}`, value]);
  const dryRun = request.getDryrun() ? ["--dry-run"] : [];
  return [runner, ...flags, ...dryRun, info?.getEntryPoint() ?? ".", ...request.getArgsList()];
}
