import { createHash } from "node:crypto";
import { parse } from "yaml";
import { type Problem, type Properties, Refusal, Unknown, type Value } from "../stand-in.ts";
import { reveal } from "../wire.ts";
import type { World } from "../world.ts";
import { apiServerPort, type Cluster, clusters, nodesOf } from "./cluster.ts";
import { backendsOf, reaches } from "./frontends.ts";

/** What the chosen context of a kubeconfig says. */
export interface Context {
  readonly host: string;
  readonly port: number;
  readonly caFingerprint: string;
}

/** What is wrong with the provider's `kubeconfig` and `context`. Unset or unknown passes: the real provider is then unconfigured until it must act. */
export function kubeconfigProblems(config: Properties): Problem[] {
  const contents = contentsOf(config);
  if (contents === undefined) return [];
  const context = readContext(contents, contextName(config));
  return typeof context === "string" ? [{ property: "kubeconfig", reason: context }] : [];
}

/** The cluster that the provider is configured for; `undefined` while the kubeconfig is unset, unknown, or leads nowhere. */
export function findCluster(world: World, config: Properties): Cluster | undefined {
  const found = locate(world, config);
  return typeof found === "string" ? undefined : found;
}

/** The cluster that the provider is configured for; throws what the real client answers when there is none. */
export function requireCluster(world: World, config: Properties): Cluster {
  const found = locate(world, config);
  if (typeof found !== "string") return found;
  throw new Refusal("Unreachable", `configured Kubernetes cluster is unreachable: ${found}`);
}

function locate(world: World, config: Properties): Cluster | string {
  const contents = contentsOf(config);
  if (contents === undefined) {
    return "unable to load Kubernetes client configuration: no kubeconfig is set on the provider; pass the cluster's own";
  }
  const context = readContext(contents, contextName(config));
  if (typeof context === "string") return context;
  const { host, port, caFingerprint } = context;
  const answering = clusters(world).filter((cluster) => answers(world, cluster, host, port));
  if (answering.length === 0) return `dial tcp ${host}:${port}: no cluster of the world answers there`;
  const trusted = answering.find((cluster) => cluster.caFingerprint === caFingerprint);
  return trusted ?? `Get "https://${host}:${port}/version": x509: certificate signed by unknown authority`;
}

/**
 * Server and CA of a kubeconfig's current context.
 *
 * @throws RangeError saying what is wrong with the file.
 */
export function serverOf(contents: string): Context {
  const context = readContext(contents, undefined);
  if (typeof context === "string") throw new RangeError(`kubeconfig: ${context}`);
  return context;
}

/** A cluster answers at its endpoint, by name or address, and at each control plane. */
function answers(world: World, cluster: Cluster, host: string, port: number): boolean {
  if (port === cluster.port && (host === cluster.host || cluster.addresses.includes(host))) return true;
  const controlPlanes = nodesOf(world, cluster.name).filter(({ controlPlane }) => controlPlane);
  const machines = controlPlanes.map(({ address }) => address);
  if (port === apiServerPort && machines.includes(host)) return true;
  return reaches(backendsOf(world, host, port) ?? [], machines, apiServerPort);
}

function contentsOf(config: Properties): string | undefined {
  const contents = plainText(config.kubeconfig);
  return contents === "" ? undefined : contents;
}

function contextName(config: Properties): string | undefined {
  return plainText(config.context);
}

function plainText(value: Value | undefined): string | undefined {
  if (value === undefined || value instanceof Unknown) return undefined;
  const revealed = reveal(value);
  return typeof revealed === "string" ? revealed : undefined;
}

/** The context's server and CA, or what is wrong with the file. Its credentials must be there, but nobody checks them. */
function readContext(contents: string, wanted: string | undefined): Context | string {
  const file = parseYaml(contents);
  if (file === undefined) return "is not a kubeconfig: pass the file's contents, not its path";
  const name = wanted ?? file["current-context"];
  const context = named(file.contexts, name, "context");
  if (context === undefined) return `context "${String(name)}" does not exist`;
  const cluster = named(file.clusters, context.cluster, "cluster");
  if (cluster === undefined)
    return `context "${String(name)}" names the cluster "${String(context.cluster)}", which is not in the file`;
  const user = named(file.users, context.user, "user");
  if (user === undefined)
    return `context "${String(name)}" names the user "${String(context.user)}", which is not in the file`;
  const [, host = "", port = "443"] = /^https:\/\/([^/:]+)(?::(\d+))?\/?$/.exec(String(cluster.server)) ?? [];
  if (host === "") return `server "${String(cluster.server)}" is no https URL`;
  const authority = cluster["certificate-authority-data"];
  const caFingerprint = typeof authority === "string" ? fingerprintOf(authority) : undefined;
  if (caFingerprint === undefined) return "certificate-authority-data is not a PEM certificate in base64";
  const credentials = ["client-certificate-data", "token", "exec"].some((field) => user[field] !== undefined);
  return credentials
    ? { host, port: Number(port), caFingerprint }
    : `user "${String(context.user)}" has no credentials`;
}

/** `sha256:<hex>` over the DER bytes of a base64 PEM certificate; `undefined` when it is none. */
export function fingerprintOf(base64Pem: string): string | undefined {
  const pem = Buffer.from(base64Pem, "base64").toString("utf8");
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
  if (body === undefined) return undefined;
  return `sha256:${createHash("sha256").update(Buffer.from(body, "base64")).digest("hex")}`;
}

type Fields = Readonly<Record<string, unknown>>;

function parseYaml(contents: string): Fields | undefined {
  try {
    const file: unknown = parse(contents);
    return isFields(file) && file.kind === "Config" ? file : undefined;
  } catch {
    return undefined;
  }
}

function named(entries: unknown, name: unknown, field: string): Fields | undefined {
  const found: unknown = Array.isArray(entries)
    ? entries.find((entry) => isFields(entry) && entry.name === name)
    : undefined;
  const body = isFields(found) ? found[field] : undefined;
  return isFields(body) ? body : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
