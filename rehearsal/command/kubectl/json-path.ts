type Node =
  | { readonly text: string }
  | { readonly path: readonly Step[] }
  | { readonly range: readonly Step[]; readonly body: readonly Node[] };
type Step =
  | { readonly key: string }
  | { readonly index: number }
  | { readonly every: true }
  | { readonly filter: readonly Step[]; readonly equals: string };

/** kubectl's words for a template that cannot be read. */
export class JsonPathError extends Error {}

/**
 * Fills in a kubectl JSONPath template: text, `{.a.b\.c}`, `{.items[*].x}`, `{.items[0]}`, `{.conditions[?(@.type=="Ready")].status}`,
 * `{range ...}...{end}` and `{"literal"}`.
 */
export function jsonPath(template: string, value: unknown): string {
  const tokens = tokenize(template);
  const { nodes } = parseNodes(tokens, 0, false);
  return render(nodes, value);
}

function tokenize(template: string): { text: string; inside: boolean }[] {
  const tokens: { text: string; inside: boolean }[] = [];
  for (const [, text, inside] of template.matchAll(/([^{}]+)|\{((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^{}"'])*)\}/g)) {
    tokens.push(text === undefined ? { text: (inside ?? "").trim(), inside: true } : { text, inside: false });
  }
  if (template.replace(/\{((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^{}"'])*)\}/g, "").includes("{"))
    throw new JsonPathError("unclosed action");
  return tokens;
}

function parseNodes(
  tokens: readonly { text: string; inside: boolean }[],
  from: number,
  ranged: boolean,
): { nodes: Node[]; next: number } {
  const nodes: Node[] = [];
  for (let at = from; at < tokens.length; at++) {
    const { text, inside } = tokens[at] ?? { text: "", inside: false };
    if (!inside) nodes.push({ text });
    else if (text === "end") {
      if (!ranged) throw new JsonPathError("not in range, nothing to end");
      return { nodes, next: at };
    } else if (text.startsWith("range ")) {
      const { nodes: body, next } = parseNodes(tokens, at + 1, true);
      nodes.push({ range: steps(text.slice(6).trim()), body });
      at = next;
    } else if (/^["']/.test(text)) nodes.push({ text: unquote(text) });
    else nodes.push({ path: steps(text) });
  }
  if (ranged) throw new JsonPathError("unclosed range");
  return { nodes, next: tokens.length };
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => ({ n: "\n", t: "\t" })[letter] ?? letter);
}

function steps(text: string): Step[] {
  const found: Step[] = [];
  let rest = text.replace(/^[$@]/, "");
  while (rest !== "" && rest !== ".") {
    const filter = /^\[\?\(@((?:\.(?:\\.|[\w-])+)+)\s*==\s*["']([^"']*)["']\)\]/.exec(rest);
    const index = /^\[(-?\d+)\]/.exec(rest);
    const every = /^(\[\*\]|\.\*)/.exec(rest);
    const quoted = /^\['((?:[^'\\]|\\.)*)'\]/.exec(rest);
    const key = /^\.((?:\\.|[\w/-])+)/.exec(rest);
    const match = filter ?? index ?? every ?? quoted ?? key;
    if (match === null) throw new JsonPathError(`unrecognized character in action: ${rest.slice(0, 12)}`);
    if (filter !== null) found.push({ filter: steps(filter[1] ?? ""), equals: filter[2] ?? "" });
    else if (index !== null) found.push({ index: Number(index[1]) });
    else if (every !== null) found.push({ every: true });
    else found.push({ key: (match[1] ?? "").replace(/\\(.)/g, "$1") });
    rest = rest.slice(match[0].length);
  }
  return found;
}

function render(nodes: readonly Node[], value: unknown): string {
  return nodes
    .map((node) => {
      if ("text" in node) return node.text;
      if ("path" in node) return walk([value], node.path).map(show).join(" ");
      return walk([value], node.range)
        .map((item) => render(node.body, item))
        .join("");
    })
    .join("");
}

function walk(values: readonly unknown[], path: readonly Step[]): unknown[] {
  let current = [...values];
  for (const step of path) {
    current = current.flatMap((value) => {
      if ("every" in step) return Array.isArray(value) ? value : Object.values(record(value));
      if ("filter" in step)
        return Array.isArray(value)
          ? value.filter((item) => walk([item], step.filter).some((one) => show(one) === step.equals))
          : [];
      if ("index" in step)
        return Array.isArray(value) && value.at(step.index) !== undefined ? [value.at(step.index)] : [];
      const own = record(value);
      return Object.hasOwn(own, step.key) ? [own[step.key]] : [];
    });
  }
  return current;
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" ? Object.fromEntries(Object.entries(value)) : {};
}

function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
