/** How names of `toFQDNs` match what was looked up (`pkg/fqdn/matchpattern`). */

const character = "[-a-z0-9_]";
const known = new Map<string, RegExp>();

/** A name as it stands in a DNS question: small letters, a dot at the end. */
function absolute(name: string): string {
  const small = name.trim().toLowerCase();
  return small.endsWith(".") ? small : `${small}.`;
}

/**
 * Whether a name matches a pattern: `*` stands for any characters of one label, and alone for every name. From 1.19 on `**.` at the front stands
 * for one label or more, and any number of `*` alone for every name.
 *
 * @param minor  Of Cilium 1.x.
 */
export function matchesName(pattern: string, name: string, minor: number): boolean {
  const key = `${minor < 19} ${pattern}`;
  const expression = known.get(key) ?? toExpression(pattern.trim(), minor);
  known.set(key, expression);
  return expression.test(absolute(name));
}

function toExpression(pattern: string, minor: number): RegExp {
  if (pattern === "*" || (minor >= 19 && /^\*+\.?$/.test(pattern))) return new RegExp(`^(${character}+[.])+$|^[.]$`);
  const escaped = absolute(pattern).replaceAll(".", "[.]");
  const labels = `(${character}+([.]${character}+){0,})[.]`;
  const body = minor < 19 ? escaped : escaped.replace(/^\*{2,}\[\.\]/, labels);
  return new RegExp(`^${body.replaceAll(/\*+/g, `${character}*`)}$`);
}
