import type { HttpRule } from "./entry.ts";
import { re2Matches } from "./re2.ts";

/** What Envoy sees of a request. */
export interface HttpRequest {
  readonly method?: string;
  /** With its query string. */
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whether a request meets all conditions of a rule; several rules are alternatives (`pkg/envoy/policy/envoy_l7_rules_translator.go`). */
export function matchesRequest(rule: HttpRule, request: HttpRequest): boolean {
  const headers = new Map(
    Object.entries({
      ":method": request.method,
      ":path": request.path,
      ":authority": request.host,
      host: request.host,
      ...request.headers,
    }).flatMap(([name, value]) => (value === undefined ? [] : [[name.toLowerCase(), value] as const])),
  );
  return (
    matchesWhole(rule.path, request.path) &&
    matchesWhole(rule.method, request.method) &&
    matchesWhole(rule.host, request.host) &&
    rule.headers.every((header) => matchesHeader(header, headers)) &&
    rule.headerMatches.every(
      // A value that is written goes before one from a Secret, which nobody knows here.
      ({ name, value = "", secret, mismatch }) =>
        mismatch !== undefined ||
        ((value !== "" || secret === undefined) && matchesValue(headers.get(name.toLowerCase()), value)),
    )
  );
}

/** `X-Key: true` is a name and its value, `X-Key` a name alone. */
function matchesHeader(header: string, headers: ReadonlyMap<string, string>): boolean {
  const space = header.indexOf(" ");
  const [name, value] =
    space < 0 ? [header, undefined] : [header.slice(0, space).replace(/:+$/, ""), header.slice(space + 1)];
  return matchesValue(headers.get(name.toLowerCase()), value);
}

/** No value, or an empty one, asks for the header alone. */
function matchesValue(actual: string | undefined, wanted: string | undefined): boolean {
  return actual !== undefined && (wanted === undefined || wanted === "" || actual === wanted);
}

function matchesWhole(pattern: string | undefined, text: string | undefined): boolean {
  if (pattern === undefined || pattern === "") return true;
  return text !== undefined && text !== "" && re2Matches(pattern, text);
}
