import type { Finding } from "../../components/config/finding.ts";
import type { Rule, Violation } from "../rule.ts";

/** Where the violations of one subject stand. */
export interface Located {
  readonly file: string;
  /** YAML path as it is shown; `undefined` leaves it out. */
  readonly path: readonly PropertyKey[];
  readonly line: number;
  /** What stands at the path, as it is written. */
  readonly value: unknown;
}

/** Filled in by a tool before anybody reads it: Flux and envsubst, Jinja and Helm, SOPS, and the blanks of a guide. */
const placeholder =
  /\$\{[^}]*\}|\$\([^)]*\)|\$[A-Za-z_]\w*|\{\{|ENC\[|<[A-Za-z][\w .-]*>|^(?:\.\.\.|…)$|\b\d+\.(?:\d+\.)*[xX]{1,3}\b|(?:^|[^A-Z])(?:YOUR|CHANGE|REPLACE)[-_]?(?:ME|[A-Z_]+)/;

/** Runs rules over a subject. What stands there as a placeholder is not judged. */
export function run<Subject>(
  rules: readonly Rule<Subject>[],
  subject: Subject,
  locate: (path: readonly PropertyKey[]) => Located,
): Finding[] {
  return rules.flatMap((rule) =>
    violations(rule, subject).flatMap((violation) => {
      const located = locate(violation.path);
      return hasPlaceholder(located.value) ? [] : [finding(rule, violation, located)];
    }),
  );
}

/** Rules expect what people write; over anything stranger a rule may fall, and the reader wants a sentence then. */
function violations<Subject>({ code, check }: Rule<Subject>, subject: Subject): readonly Violation[] {
  try {
    return check(subject);
  } catch {
    return [{ path: [], message: `${code} cannot judge what stands here.`, fix: "Write it in the usual form." }];
  }
}

export function finding(
  { code, severity }: Pick<Finding, "code" | "severity">,
  { message, fix }: Omit<Violation, "path">,
  { file, path, line }: Omit<Located, "value">,
): Finding {
  return { code, severity, file, path: path.map(String).join("."), line, message, fix };
}

function hasPlaceholder(value: unknown): boolean {
  if (typeof value === "string") return placeholder.test(value);
  return Array.isArray(value) && value.some((item) => typeof item === "string" && placeholder.test(item));
}

/** The value at a path, or `undefined`. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, step) ? Reflect.get(inner, step) : undefined,
    root,
  );
}

/** The same finding twice, as two rules or two snippets may give it, counts once. */
export function distinct(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ code, file, line, path, message }) => {
    const key = JSON.stringify([code, file, line, path, message]);
    return seen.size !== seen.add(key).size;
  });
}
