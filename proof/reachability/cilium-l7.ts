import { list, record } from "../../components/config/untyped.ts";
import type { OldRules } from "./cilium-kafka.ts";
import type { HttpRule, L7Rules } from "./entry.ts";
import { re2Problem } from "./re2.ts";
import type { Refusals } from "./refusals.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A text that is there and not empty, as Cilium treats both alike. */
function filled(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function httpRule(body: Fields): HttpRule {
  const [method, path, host] = [filled(body.method), filled(body.path), filled(body.host)];
  return {
    ...(method === undefined ? {} : { method }),
    ...(path === undefined ? {} : { path }),
    ...(host === undefined ? {} : { host }),
    headers: list(body.headers).map(String),
    headerMatches: list(body.headerMatches).map((match) => {
      const fields = record(match);
      const [value, mismatch] = [filled(fields.value), mismatchOf(fields.mismatch)];
      return {
        name: String(fields.name),
        ...(value === undefined ? {} : { value }),
        ...(fields.secret === undefined ? {} : { secret: true }),
        ...(mismatch === undefined ? {} : { mismatch }),
      };
    }),
  };
}

function mismatchOf(value: unknown): "LOG" | "ADD" | "DELETE" | "REPLACE" | undefined {
  return value === "LOG" || value === "ADD" || value === "DELETE" || value === "REPLACE" ? value : undefined;
}

/** What a proxy does on the ports of one `toPorts` item; `undefined` where none is involved. */
export function l7Of(item: Fields, { kafka, protocol }: OldRules): L7Rules | undefined {
  const { http, dns } = record(item.rules);
  const servers = list(item.serverNames).map(String);
  const { listener, terminatingTLS, originatingTLS } = item;
  const tls = {
    ...(terminatingTLS === undefined ? {} : { terminatingTls: tlsText(terminatingTLS) }),
    ...(originatingTLS === undefined ? {} : { originatingTls: tlsText(originatingTLS) }),
  };
  const proxy = {
    ...(listener === undefined ? {} : { listener: listenerOf(record(listener)) }),
    ...tls,
    ...(servers.length === 0 ? {} : { serverNames: servers }),
  };
  const l7: L7Rules = {
    ...(list(http).length === 0 ? {} : { http: list(http).map((rule) => httpRule(record(rule))) }),
    ...(list(dns).length === 0 ? {} : { dns: list(dns).map((rule) => nameOf(record(rule))) }),
    ...(kafka.length === 0 ? {} : { kafka }),
    ...(Object.keys(proxy).length === 0 && protocol === undefined ? {} : { proxied: true, ...proxy }),
  };
  return Object.keys(l7).length === 0 ? undefined : l7;
}

/** A CiliumEnvoyConfig, written or meant, is one of the subject's namespace, whichever that is; a CiliumClusterwideEnvoyConfig of none. */
function listenerOf(listener: Fields): NonNullable<L7Rules["listener"]> {
  const { kind, name } = record(listener.envoyConfig);
  const { priority } = listener;
  return {
    name: `${kind === "CiliumClusterwideEnvoyConfig" ? "" : "namespace"}/${String(name)}/${String(listener.name)}`,
    ...(typeof priority === "number" ? { priority } : {}),
    ...(kind === "CiliumEnvoyConfig" ? { namespaced: true } : {}),
  };
}

/** Envoy fetches certificates by the name of their Secret, so two contexts with one Secret are the same. */
function tlsText(context: unknown): string {
  const { namespace, name } = record(record(context).secret);
  return [namespace ?? "", name].join("/");
}

/** `matchName` or `matchPattern`, of DNS rules and of `toFQDNs`. */
export function nameOf(body: Fields): { readonly name?: string; readonly pattern?: string } {
  const [name, pattern] = [filled(body.matchName), filled(body.matchPattern)];
  return { ...(name === undefined ? {} : { name }), ...(pattern === undefined ? {} : { pattern }) };
}

/** What Cilium refuses in HTTP rules beyond their schema (`pkg/policy/api/http.go`). */
export function checkHttp(rules: unknown, path: string, refusals: Refusals): void {
  for (const [index, rule] of list(rules).entries()) {
    const body = record(rule);
    for (const field of ["path", "method"]) {
      const pattern = filled(body[field]);
      const problem = pattern === undefined ? undefined : re2Problem(pattern);
      if (problem !== undefined) {
        const what = `"${pattern}" is no regular expression (${problem})`;
        refusals.add(`${path}[${index}].${field}`, what, "Write it in RE2 syntax.");
      }
    }
    for (const [at, match] of list(body.headerMatches).entries()) {
      const { secret } = record(match);
      if (secret !== undefined && filled(record(secret).name) === undefined) {
        refusals.add(`${path}[${index}].headerMatches[${at}].secret`, "the secret has no name", "Write its name.");
      }
    }
  }
}
