import { readFileSync } from "node:fs";
import { bundleUrl, type Definition, expectedDefinitions, parseBundle } from "../cilium/service-mesh/gateway-api.ts";
import { ciliumMinors } from "../cilium/versions.ts";
import type { Finding } from "./finding.ts";
import type { StackFile } from "./parse.ts";

/** The definitions of Gateway API that a site's program registers, and what is wrong with the file that they come from. */
export interface GatewayBundle {
  readonly definitions: readonly Definition[];
  readonly findings: readonly Finding[];
}

const none: GatewayBundle = { definitions: [], findings: [] };

/**
 * Reads the file that a site's stack file names. Never throws.
 *
 * A file that is not there is a warning: a plan can be made without it, with the definitions that it must hold. `load.ts` makes it an error.
 */
export function readGatewayBundle(own: StackFile): GatewayBundle {
  if (own.kind !== "site") return none;
  const { cilium, serviceMesh } = own.spec;
  const bundle = serviceMesh?.gatewayApi?.bundle;
  // An unknown minor is a finding of its own.
  if (bundle?.kind !== "file" || !ciliumMinors.some(({ minor }) => cilium.version.startsWith(`${minor}.`))) return none;
  const finding = (rule: Pick<Finding, "code" | "severity">, message: string): Finding => {
    const path = ["gyeongbu:site", "serviceMesh", "gatewayApi", "bundle", "path"];
    const line = own.lineOf(path);
    const fix = `Download ${bundleUrl(cilium.version)}, or take it from a mirror, and put it there.`;
    return { ...rule, file: own.file, path: path.join("."), ...(line === undefined ? {} : { line }), message, fix };
  };
  const text = read(bundle.path);
  if (text === undefined) {
    const message = `There is no file ${bundle.path}, so the definitions of Gateway API are not checked, and nothing can be created yet.`;
    return {
      definitions: expectedDefinitions(cilium.version),
      findings: [finding({ code: "GB-2171", severity: "warning" }, message)],
    };
  }
  const { definitions, problems } = parseBundle(text, cilium.version);
  return {
    definitions,
    findings: problems.map((problem) => finding({ code: "GB-2172", severity: "error" }, `${bundle.path}: ${problem}`)),
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
