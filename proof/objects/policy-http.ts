import { list } from "../../components/config/untyped.ts";
import { re2Matches, re2Problem } from "../reachability/re2.ts";
import type { ObjectsSubject, Rule } from "../rule.ts";
import { asText, portRulesIn, records, violation } from "./policy-view.ts";

interface HttpRule {
  readonly path: readonly PropertyKey[];
  readonly body: Readonly<Record<string, unknown>>;
}

function httpRules(subject: ObjectsSubject): HttpRule[] {
  return portRulesIn(subject).flatMap(({ path, rules }) => records(rules.http, [...path, "rules", "http"]));
}

const fieldsOf = ({ body }: HttpRule, ...fields: readonly string[]) =>
  fields.flatMap((field): [string, string][] => {
    const value = body[field];
    return typeof value === "string" && value !== "" ? [[field, value]] : [];
  });

/** Methods of RFC 9110 and WebDAV; a pattern that matches none of them matches no request. */
const methods =
  "GET HEAD POST PUT PATCH DELETE CONNECT OPTIONS TRACE PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH PURGE LINK UNLINK".split(
    " ",
  );

function unmatched([field, pattern]: [string, string]): { message: string; fix: string } | undefined {
  if (field === "method") {
    if (methods.some((method) => re2Matches(pattern, method))) return undefined;
    return {
      message: `method: ${pattern} matches none of ${methods.slice(0, 6).join(", ")}, ...: methods are capitals, and the whole word must match.`,
      fix: /^(any|all)$/i.test(pattern)
        ? "Delete method to allow every one."
        : `Write ${pattern.toUpperCase().replaceAll(/\s*[,/]\s*|\s+/g, "|")}.`,
    };
  }
  if (field !== "path") return undefined;
  if (/^https?:/i.test(pattern) || /^[\w-]/.test(pattern)) {
    return {
      message: `path: ${pattern} does not start with /, and every request's path does, so it matches none.`,
      fix: `Write ${pattern.replace(/^(https?:\/\/[^/]*)?\/?/i, "/")}.`,
    };
  }
  if (/[\w/-]\*+$/.test(pattern) || /\/\*+\//.test(pattern)) {
    return {
      message: `path: ${pattern} is a regular expression, not a shell pattern: * only repeats the character before it, and /x below it is refused.`,
      fix: `Write ${pattern.replaceAll(/(?<![.)\]])\*+/g, ".*")}.`,
    };
  }
  return undefined;
}

export const policyHttpRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1224",
    severity: "error",
    title: "Patterns of HTTP rules are regular expressions that Cilium and Envoy can read.",
    korean: "HTTP 규칙의 path·method·host는 RE2 정규식이어야 합니다.",
    reason:
      "Cilium compiles path and method with Go's regexp and refuses the policy; Envoy refuses a host it cannot compile (pkg/policy/api/http.go).",
    check: (subject) =>
      httpRules(subject).flatMap((rule) =>
        fieldsOf(rule, "path", "method", "host").flatMap(([field, pattern]) => {
          const problem = re2Problem(pattern);
          if (problem === undefined) return [];
          const message = `${field}: ${pattern} is no regular expression (${problem}), so the whole policy is refused.`;
          const fix = pattern.startsWith("*")
            ? `Write ${pattern.replace(/^\*/, ".*")}.`
            : "Write it in RE2 syntax (github.com/google/re2/wiki/Syntax).";
          return [violation([...rule.path, field], message, fix)];
        }),
      ),
  },
  {
    code: "GB-1225",
    severity: "warning",
    title: "Patterns of HTTP rules match requests that exist.",
    korean: "HTTP 규칙의 패턴은 실제 요청과 일치할 수 있어야 합니다.",
    reason:
      "Patterns are anchored at both ends; a path begins with /, a method is written in capitals (pkg/policy/api/http.go, pkg/envoy/policy).",
    check: (subject) =>
      httpRules(subject).flatMap((rule) =>
        fieldsOf(rule, "path", "method")
          .filter(([, pattern]) => re2Problem(pattern) === undefined)
          .flatMap((found) => {
            const wrong = unmatched(found);
            return wrong === undefined ? [] : [violation([...rule.path, found[0]], wrong.message, wrong.fix)];
          }),
      ),
  },
  {
    code: "GB-1226",
    severity: "warning",
    title: "Headers of HTTP rules are written out, not as patterns.",
    korean: "HTTP 규칙의 헤더 값은 패턴이 아니라 정확한 문자열로 씁니다.",
    reason:
      "A header's value is compared literally; the name alone asks for its presence (pkg/envoy/policy/envoy_l7_rules_translator.go).",
    check: (subject) =>
      httpRules(subject).flatMap((rule) => {
        const plain = list(rule.body.headers).map((text, index) => {
          const [name, value = ""] = asText(text).split(/ (.*)/s);
          return {
            path: [...rule.path, "headers", index],
            name: asText(name).replace(/:+$/, ""),
            value,
            text: asText(text),
          };
        });
        const matches = records(rule.body.headerMatches, [...rule.path, "headerMatches"]).map(({ path, body }) => ({
          path: [...path, "value"],
          name: asText(body.name),
          value: asText(body.value ?? ""),
          text: asText(body.value ?? ""),
        }));
        return [...plain, ...matches].flatMap(({ path, name, value, text }) => {
          if (/\.[*+]|\[[^\]]+\][*+]|\\d|^\^|\$$|^\*$/.test(value)) {
            const message = `The header ${name} must equal "${value}" to the letter: it is no pattern, so no request has it.`;
            return [
              violation(path, message, `Write ${name} alone to ask that the header is there, or its exact value.`),
            ];
          }
          if (/^[\w-]+[:=]\S/.test(text) && !text.includes(" ") && path.includes("headers")) {
            const message = `"${text}" has no space after the name, so Cilium asks for a header called "${text}".`;
            return [violation(path, message, `Write "${text.replace(/[:=]/, ": ")}".`)];
          }
          return [];
        });
      }),
  },
  {
    code: "GB-1239",
    severity: "warning",
    title: "HTTP rules stand on ports that speak HTTP in clear, or with terminatingTLS.",
    korean: "HTTP 규칙은 평문 HTTP 포트에만 쓰거나 terminatingTLS와 함께 씁니다.",
    reason:
      "The proxy reads requests, and TLS hides them: it answers a handshake with an error (Documentation/security/tls-visibility.rst).",
    check: (subject) =>
      portRulesIn(subject)
        .filter(({ body, rules }) => list(rules.http).length > 0 && body.terminatingTLS === undefined)
        .flatMap(({ path, body }) =>
          records(body.ports, [...path, "ports"])
            .filter(({ body: { port } }) => port === "443" || port === "https")
            .map((port) =>
              violation(
                [...port.path, "port"],
                `HTTP rules stand on port ${asText(port.body.port)}, where clients speak TLS: Cilium cannot read the requests and breaks the connection.`,
                "Write terminatingTLS and originatingTLS, allow names with serverNames instead of rules, or delete the rules.",
              ),
            ),
        ),
  },
];
