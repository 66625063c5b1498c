/** Parts of paths that name one thing of many, and what stands for all of them in a rule. */
const oneOfMany: readonly (readonly [RegExp, string])[] = [
  [/^\d+$/, "[0-9]+"],
  [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, "[0-9A-Fa-f-]{36}"],
  [/^(?=.*\d)[0-9a-f]{12,}$/i, "[0-9A-Fa-f]+"],
  [/^(?=.*\d)(?=.*[A-Za-z])[-\w]{20,}$/, "[0-9A-Za-z_-]+"],
];

/**
 * The expression that a rule has for a path (RE2, anchored by Envoy, compared with the query): numbers, UUIDs and long identifiers stand for
 * any other of their kind, and what comes after `?` for anything.
 */
export function pathPattern(path: string): string {
  const query = path.indexOf("?");
  const bare = query < 0 ? path : path.slice(0, query);
  const pattern = bare
    .split("/")
    .map((part) => oneOfMany.find(([expression]) => expression.test(part))?.[1] ?? literalPattern(part))
    .join("/");
  return query < 0 ? pattern : `${pattern}(\\?.*)?`;
}

/** Everything below the first part of a path: for services with more paths than a rule can list. */
export function widePattern(path: string): string {
  const [, first = ""] = path.split(/[/?]/);
  return `/${literalPattern(first)}([/?].*)?`;
}

/** The expression that a text alone matches. */
export function literalPattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
