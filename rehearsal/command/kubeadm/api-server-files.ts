import { parse } from "yaml";
import { z } from "zod";
import { flagOf } from "./flags.ts";

type Args = readonly { readonly name: string; readonly value: string }[];

const levels = z.enum(["None", "Metadata", "Request", "RequestResponse"]);
const texts = z.array(z.string());
const AuditPolicy = z.strictObject({
  apiVersion: z.literal("audit.k8s.io/v1"),
  kind: z.literal("Policy"),
  metadata: z.unknown().optional(),
  omitStages: z.array(z.enum(["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"])).optional(),
  omitManagedFields: z.boolean().optional(),
  rules: z
    .array(
      z.strictObject({
        level: levels,
        users: texts.optional(),
        userGroups: texts.optional(),
        verbs: texts.optional(),
        resources: z
          .array(
            z.strictObject({
              group: z.string().optional(),
              resources: texts.optional(),
              resourceNames: texts.optional(),
            }),
          )
          .optional(),
        namespaces: texts.optional(),
        nonResourceURLs: texts.optional(),
        omitStages: texts.optional(),
        omitManagedFields: z.boolean().optional(),
      }),
    )
    .min(1, "audit policy with 0 rules"),
});

const key = (sizes: readonly number[]) =>
  z.strictObject({
    name: z.string().min(1),
    secret: z
      .base64("secrets must be base64 encoded")
      .refine((secret) => sizes.includes(Buffer.from(secret, "base64").length), {
        error: `secret is not of the expected length, got wrong number of bytes, expected one of ${sizes.join(", ")}`,
      }),
  });
const keys = (sizes: readonly number[]) => z.strictObject({ keys: z.array(key(sizes)).min(1) });
const Encryption = z.strictObject({
  apiVersion: z.enum(["apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1alpha1"]),
  kind: z.literal("EncryptionConfiguration"),
  resources: z
    .array(
      z.strictObject({
        resources: texts.min(1),
        providers: z
          .array(
            z.union([
              z.strictObject({ secretbox: keys([32]) }),
              z.strictObject({ aescbc: keys([16, 24, 32]) }),
              z.strictObject({ aesgcm: keys([16, 24, 32]) }),
              z.strictObject({ identity: z.strictObject({}) }),
              z.strictObject({ kms: z.looseObject({ name: z.string(), endpoint: z.string() }) }),
            ]),
          )
          .min(1),
      }),
    )
    .min(1),
});

const Admission = z.strictObject({
  apiVersion: z.enum(["apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1alpha1"]),
  kind: z.literal("AdmissionConfiguration"),
  plugins: z.array(
    z.strictObject({
      name: z.string(),
      path: z.string().optional(),
      configuration: z.looseObject({ apiVersion: z.string(), kind: z.string() }).optional(),
    }),
  ),
});

/** `AuthenticationConfiguration`; anonymous access by path since 1.32 (KEP-4633). */
const Authentication = z.strictObject({
  apiVersion: z.enum([
    "apiserver.config.k8s.io/v1",
    "apiserver.config.k8s.io/v1beta1",
    "apiserver.config.k8s.io/v1alpha1",
  ]),
  kind: z.literal("AuthenticationConfiguration"),
  jwt: z.array(z.unknown()).optional(),
  anonymous: z
    .strictObject({ enabled: z.boolean(), conditions: z.array(z.strictObject({ path: z.string() })).optional() })
    .optional(),
});

const files = {
  "audit-policy-file": { words: "loading audit policy file: failed to load audit policy from", schema: AuditPolicy },
  "encryption-provider-config": {
    words: "error while parsing encryption provider configuration file",
    schema: Encryption,
  },
  "admission-control-config-file": {
    words: "failed to read plugin config: unable to read admission control configuration from",
    schema: Admission,
  },
  "authentication-config": { words: "failed to load authentication configuration from file", schema: Authentication },
} as const;

const otherFiles = [
  "tls-cert-file",
  "tls-private-key-file",
  "client-ca-file",
  "kubelet-certificate-authority",
  "authorization-config",
  "egress-selector-config-file",
  "tracing-config-file",
  "oidc-ca-file",
  "audit-webhook-config-file",
  "authorization-webhook-config-file",
];

/**
 * Why an API server with these flags would end when it reads its files.
 *
 * @param hostPath  From a path in the container to the host's; `undefined` when nothing is mounted there.
 */
export function apiServerFileProblem(
  args: Args,
  hostPath: (path: string) => string | undefined,
  read: (path: string) => string | undefined,
): string | undefined {
  for (const [flag, { words, schema }] of Object.entries(files)) {
    const path = flagOf(args, flag);
    if (path === undefined) continue;
    const content = contentOf(path, hostPath, read);
    if (content === undefined) return `Error: ${words} "${path}": open ${path}: no such file or directory`;
    const problem = problemOf(content, schema);
    if (problem !== undefined) return `Error: ${words} "${path}": ${problem}`;
  }
  if (
    flagOf(args, "authentication-config") !== undefined &&
    flagOf(args, "anonymous-auth") !== undefined &&
    /^\s*anonymous:/m.test(contentOf(flagOf(args, "authentication-config") ?? "", hostPath, read) ?? "")
  ) {
    return "Error: anonymous: Forbidden: --anonynous-auth flag cannot be set when anonymous field is configured in authentication configuration file";
  }
  for (const flag of otherFiles) {
    const path = flagOf(args, flag);
    if (path !== undefined && contentOf(path, hostPath, read) === undefined)
      return `Error: open ${path}: no such file or directory`;
  }
  return undefined;
}

function contentOf(
  path: string,
  hostPath: (path: string) => string | undefined,
  read: (path: string) => string | undefined,
): string | undefined {
  const own = hostPath(path);
  return own === undefined ? undefined : read(own);
}

function problemOf(content: string, schema: z.ZodType): string | undefined {
  let value: unknown;
  try {
    value = parse(content);
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  }
  const result = schema.safeParse(value);
  // Paths and rules only: the file holds the encryption key.
  return result.error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
}

/** Whether someone without credentials may read `path`. */
export function allowsAnonymous(args: Args, path: string, read: (file: string) => string | undefined): boolean {
  if (flagOf(args, "anonymous-auth") === "false") return false;
  const file = flagOf(args, "authentication-config");
  const content = file === undefined ? undefined : read(file);
  const anonymous = content === undefined ? undefined : Authentication.safeParse(parse(content)).data?.anonymous;
  if (anonymous === undefined) return true;
  return (
    anonymous.enabled &&
    (anonymous.conditions === undefined || anonymous.conditions.some((condition) => condition.path === path))
  );
}
