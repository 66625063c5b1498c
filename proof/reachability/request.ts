import { isIP } from "node:net";
import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";
import { ciliumMinors } from "../../components/cilium/versions.ts";
import type { Finding } from "../../components/config/finding.ts";
import { isRecord, list, record } from "../../components/config/untyped.ts";
import type { EngineOptions } from "./entry.ts";
import { reservedNames, reservedPrefix } from "./party.ts";

/** A question to `npm run reach`: policies, who is there, and who wants to talk to whom. */

const Text = z.string().min(1);
const Labels = z.record(z.string(), z.string());

/** Whole numbers are taken as text, too. */
const Port = z.preprocess(
  (value) => (typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value),
  z.int().min(0).max(65_535),
);

const NamedPort = z
  .preprocess((value) => (typeof value === "number" ? String(value) : value), z.string())
  .transform((text) => text.toUpperCase())
  .refine((text) => /^\d{1,5}(\/(TCP|UDP|SCTP))?$/.test(text), {
    error: "Write a port and its protocol, such as 8080/TCP.",
  })
  .transform((text) => ({ port: Number.parseInt(text, 10), protocol: portProtocol(text.split("/")[1]) }))
  .refine(({ port }) => port >= 1 && port <= 65_535, { error: "Write a port from 1 to 65535." });

const Address = z.string().refine((text) => isIP(text) !== 0, { error: "Write an address such as 10.0.0.5." });

const endpointShape = {
  name: Text,
  /** `default` for a pod that names none. */
  namespace: Text.optional(),
  labels: Labels.optional(),
  namespaceLabels: Labels.optional(),
  serviceAccount: Text.optional(),
  /** The cluster of `options` where it is missing. */
  cluster: Text.optional(),
  /** By name: `8080/TCP`. */
  namedPorts: z.record(Text, NamedPort).optional(),
  /** In place of a pod: a node, the outside, another reserved identity. */
  reserved: z
    .string()
    .transform((text) => text.replace(reservedPrefix, ""))
    .pipe(z.enum(reservedNames))
    .optional(),
  ip: Address.optional(),
  /** Names whose lookups gave the address of an endpoint that is no pod. */
  fqdns: z.array(Text).optional(),
};
const httpShape = {
  method: z.string().optional(),
  path: z.string().optional(),
  host: z.string().optional(),
  headers: Labels.optional(),
};
const queryShape = {
  from: Text,
  to: Text,
  /** For ICMP the type; 0 for a protocol without ports. */
  port: Port.default(0),
  /** In capitals. */
  proto: z
    .string()
    .transform((text) => text.toUpperCase())
    .default("TCP"),
  /** One side alone: `egress` of `from`, or `ingress` of `to`. */
  direction: small(z.enum(["ingress", "egress"])).optional(),
  http: lenient(httpShape).optional(),
};
const optionsShape = {
  cluster: Text.default("default"),
  enablePolicy: small(z.enum(["default", "always", "never"])).default("default"),
  policyDefaultLocalCluster: z.boolean().optional(),
  hostFirewall: z.boolean().default(false),
  version: z
    .string()
    .refine((text) => ciliumMinors.some(({ minor }) => text === minor || text.startsWith(`${minor}.`)), {
      error: `Write ${ciliumMinors.map(({ minor }) => minor).join(", ")}, or an exact version of one of them.`,
    })
    .default(ciliumMinors.at(-1)?.newest ?? ""),
};

const EndpointSpec = lenient(endpointShape);
export type EndpointSpec = z.infer<typeof EndpointSpec>;
const QuerySpec = lenient(queryShape);
export type QuerySpec = z.infer<typeof QuerySpec>;

const requestShape = {
  /** YAML texts, each of one document or more. */
  policies: z.array(z.string()),
  endpoints: z.array(EndpointSpec),
  queries: z.array(QuerySpec),
  options: lenient(optionsShape).prefault({}),
};
export const ReachRequest = lenient(requestShape);
export type ReachRequest = z.infer<typeof ReachRequest>;

/** An object whose keys may be null or empty text where they may be missing; keys that nobody reads are left alone. */
function lenient<Shape extends Record<string, z.ZodType>>(shape: Shape) {
  return z.preprocess(
    (value) =>
      isRecord(value)
        ? Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null && each !== ""))
        : value,
    z.object(shape),
  );
}

/** Text in capitals or not. */
function small<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => (typeof value === "string" ? value.toLowerCase() : value), schema);
}

/** The request, or everything that is wrong with its text: GB-2301 where it is no JSON, GB-2302 for what has a wrong shape. */
export function parseRequest(
  text: string,
  file = "request",
): { readonly request: ReachRequest } | { readonly findings: readonly Finding[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = `It is no JSON: ${error instanceof Error ? error.message : String(error)}.`;
    const fix = "Write {policies: [...], endpoints: [...], queries: [...]} as JSON.";
    return { findings: [{ code: "GB-2301", severity: "error", file, path: "", message, fix }] };
  }
  const { data, error } = ReachRequest.safeParse(value);
  const problems = [...slips(value), ...(error?.issues ?? []).flatMap((issue) => explain(issue, value))];
  if (data !== undefined && problems.length === 0) return { request: data };
  return {
    findings: problems.map(({ path, message, fix }): Finding => {
      return { code: "GB-2302", severity: "error", file, path: shownPath(path), message, fix };
    }),
  };
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly fix: string;
}

/** Keys that nobody reads and that look like slips of the pen: what they were to say would be missing. */
function slips(root: unknown): Problem[] {
  const { options, endpoints, queries } = record(root);
  return [
    ...slipsIn(root, [], requestShape),
    ...slipsIn(options, ["options"], optionsShape),
    ...list(endpoints).flatMap((endpoint, index) => slipsIn(endpoint, ["endpoints", index], endpointShape)),
    ...list(queries).flatMap((query, index) => [
      ...slipsIn(query, ["queries", index], queryShape),
      ...slipsIn(record(query).http, ["queries", index, "http"], httpShape),
    ]),
  ];
}

function slipsIn(value: unknown, path: readonly PropertyKey[], shape: Readonly<Record<string, unknown>>): Problem[] {
  const known = Object.keys(shape);
  return Object.keys(record(value)).flatMap((key) => {
    if (known.includes(key) || key.length < 4) return [];
    const meant = closest(key, known);
    if (distance(key, meant) > 2) return [];
    const fix = `Did you mean "${meant}"? Known: ${known.join(", ")}.`;
    return [{ path: [...path, key], message: `"${key}" is no key here.`, fix }];
  });
}

/** What the engine is asked to assume. Cilium took a selector without a cluster for the local one from 1.19 on. */
export function engineOptions({ policyDefaultLocalCluster, ...options }: ReachRequest["options"]): EngineOptions {
  const isOld = options.version.startsWith("1.18");
  return { ...options, policyDefaultLocalCluster: policyDefaultLocalCluster ?? !isOld };
}

function portProtocol(text: string | undefined): "TCP" | "UDP" | "SCTP" {
  return text === "UDP" || text === "SCTP" ? text : "TCP";
}

function explain(issue: z.core.$ZodIssue, root: unknown): readonly Problem[] {
  const { path } = issue;
  const value = path.reduce<unknown>((inner, step) => (isStepInto(inner) ? Reflect.get(inner, step) : undefined), root);
  const message = value === undefined ? "It is missing." : `It is ${shown(value)}.`;
  switch (issue.code) {
    case "invalid_type":
      return [{ path, message, fix: `Write ${words[issue.expected] ?? issue.expected}.` }];
    case "invalid_value":
      return [{ path, message, fix: `Write one of ${issue.values.map(String).join(", ")}.` }];
    case "too_small":
      return [{ path, message, fix: issue.origin === "string" ? "Write text." : `Write at least ${issue.minimum}.` }];
    case "too_big":
      return [{ path, message, fix: `Write at most ${issue.maximum}.` }];
    default:
      return [{ path, message, fix: issue.message }];
  }
}

const words: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a whole number",
  object: "an object",
  record: "an object whose values are text",
  string: "text",
};

function isStepInto(value: unknown): value is object {
  return isRecord(value) || Array.isArray(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function shownPath(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
    .join("")
    .replace(/^\./, "");
}
