import * as pulumi from "@pulumi/pulumi";
import { accept } from "../../proof/accepted.ts";
import { askedRules, judge } from "../../proof/judge.ts";
import type { Definition } from "../cilium/service-mesh/gateway-api.ts";
import { InterconnectSecrets, SiteSecrets } from "../secrets/schema.ts";
import { type Finding, formatFindings } from "./finding.ts";
import { readGatewayBundle } from "./gateway-api-bundle.ts";
import { parseSpec, type StackFile } from "./parse.ts";
import { readNamed, readStack } from "./read.ts";
import type { EntrySpec, InterconnectSpec, SiteSpec } from "./schema.ts";

/** What a run of the program is about, proven and with its secrets. */
export type Loaded =
  | {
      readonly kind: "site";
      readonly site: SiteSpec;
      readonly peers: readonly SiteSpec[];
      /** What Gateway API brings; empty where it is not asked for, or there already. */
      readonly gatewayApi: readonly Definition[];
      readonly secrets: pulumi.Output<SiteSecrets>;
    }
  | {
      readonly kind: "interconnect";
      readonly interconnect: InterconnectSpec;
      readonly sites: readonly SiteSpec[];
      readonly secrets: pulumi.Output<InterconnectSecrets>;
    }
  | { readonly kind: "entry"; readonly entry: EntrySpec; readonly sites: readonly SiteSpec[] };

/**
 * The only reader of `pulumi.Config`.
 *
 * @throws pulumi.RunError with every finding, before the first resource; the engine prints it without a stack trace.
 */
export function load(): Loaded {
  const own = ownStack();
  const { others, findings } = readNamed(stackFolder(), own);
  const found = [...findings, ...judge({ own, others }, process.env.PULUMI_BACKEND_URL)];
  const { findings: all } = accept({
    own,
    findings: found,
    rules: askedRules,
    today: new Date().toISOString().slice(0, 10),
  });
  if (all.some(({ severity }) => severity === "error")) refuse(all);
  const warnings = all.filter(({ severity }) => severity === "warning");
  if (warnings.length > 0) void pulumi.log.warn(formatFindings(warnings));

  const sites = others.flatMap((other) => (other.kind === "site" ? [other.spec] : []));
  switch (own.kind) {
    case "site":
      return {
        kind: own.kind,
        site: own.spec,
        peers: sites,
        gatewayApi: gatewayApi(own),
        secrets: siteSecrets(own.file),
      };
    case "interconnect":
      return { kind: own.kind, interconnect: own.spec, sites, secrets: interconnectSecrets(own.file) };
    case "entry":
      return { kind: own.kind, entry: own.spec, sites };
  }
}

/** Folder of the stack files, from the project's root: `gyeongbu:folder` for the examples, else the root itself. */
export function stackFolder(): string {
  return new pulumi.Config().get("folder") ?? ".";
}

/** The engine's values are the truth (a run may override some); the file, where it agrees, gives lines to the findings. */
function ownStack(): StackFile {
  const stack = pulumi.getStack();
  const config = new pulumi.Config();
  const values: Record<string, unknown> = {};
  for (const kind of ["site", "interconnect", "entry", "accepted"]) {
    const value = config.getObject<unknown>(kind);
    if (value !== undefined) values[`gyeongbu:${kind}`] = value;
  }
  for (const [namespace, key] of [
    ["aws", "region"],
    ["azure-native", "location"],
  ] as const) {
    const value = new pulumi.Config(namespace).get(key);
    if (value !== undefined) values[`${namespace}:${key}`] = value;
  }
  const onDisk = readStack(stackFolder(), stack);
  const file = "stack" in onDisk ? onDisk.stack.file : `Pulumi.${stack}.yaml`;
  const lineOf = "stack" in onDisk ? onDisk.stack.lineOf : () => undefined;
  const parsed = parseSpec(file, values, lineOf);
  if ("findings" in parsed) {
    // The file's own findings say the same with lines; without a file, or with one that differs from the engine's values, there are none.
    const sameCodes =
      "findings" in onDisk && onDisk.findings.every(({ code }) => code === "GB-101" || code === "GB-102");
    return refuse(sameCodes ? onDisk.findings : parsed.findings);
  }
  const secretsProvider = "stack" in onDisk ? onDisk.stack.secretsProvider : undefined;
  return { ...parsed.stack, stack, file, config: values, secretsProvider, lineOf };
}

/** What a plan lives without must be there when something is created. */
function gatewayApi(own: StackFile): readonly Definition[] {
  const { definitions, findings } = readGatewayBundle(own);
  return findings.length === 0 ? definitions : refuse(findings.map((finding) => ({ ...finding, severity: "error" })));
}

/** Parsed on arrival, inside the secret: nothing of it is ever printed. */
function siteSecrets(file: string): pulumi.Output<SiteSecrets> {
  return secretValue(file).apply((raw) => {
    const { data } = SiteSecrets.safeParse(raw);
    return data ?? refuse([unreadable(file)]);
  });
}

function interconnectSecrets(file: string): pulumi.Output<InterconnectSecrets> {
  return secretValue(file).apply((raw) => {
    const { data } = InterconnectSecrets.safeParse(raw);
    return data ?? refuse([unreadable(file)]);
  });
}

function secretValue(file: string): pulumi.Output<unknown> {
  const value = new pulumi.Config().getSecretObject<unknown>("secrets");
  return value ?? refuse([secretsProblem(file, "The stack has no secrets yet.")]);
}

const unreadable = (file: string) => secretsProblem(file, "They have not the shape that this version reads.");

function secretsProblem(file: string, message: string): Finding {
  return {
    code: "GB-105",
    severity: "error",
    file,
    path: "gyeongbu:secrets",
    message,
    fix: `Run \`npm run secrets -- ${pulumi.getStack()}\` once; it stores them encrypted.`,
  };
}

/** Ends the run with all findings. */
function refuse(findings: readonly Finding[]): never {
  throw new pulumi.RunError(
    `${findings.length} problem(s), found before anything was created\n\n${formatFindings(findings)}\n`,
  );
}
