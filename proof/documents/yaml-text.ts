import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseAllDocuments,
  visit,
  type YAMLError,
} from "yaml";

/** One YAML document of a text as plain data, with its lines at hand. */
export interface YamlDocument {
  readonly value: unknown;
  /** 1-based line of a path, else of the nearest thing above it that is there. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** Why a text, or one document of it, could not be read. */
export interface YamlProblem {
  readonly kind: "syntax" | "duplicate" | "template" | "limit";
  readonly line: number;
  readonly message: string;
}

export interface YamlText {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly YamlProblem[];
}

/** Aliases that a document may use; the yaml package counts what they unfold to, so a bomb of ten lines is refused. */
const maxAliases = 200;
/** Deeper than any Kubernetes object, and shallow enough for recursive readers. */
const maxDepth = 100;

/** Go templates and Jinja: what stands between the braces is only known after rendering. */
const template = /\{\{|\{%/;

/**
 * Reads all documents of a YAML or JSON text. Never throws.
 *
 * @param firstLine  Line of the text's first line in its file.
 */
export function parseYaml(text: string, firstLine = 1): YamlText {
  const lines = new LineCounter();
  const offset = firstLine - 1;
  const lineAt = (position: number) => lines.linePos(position).line + offset;
  if (nesting(text) > maxDepth) {
    const message = `It nests more than ${maxDepth} levels deep.`;
    return { documents: [], problems: [{ kind: "limit", line: firstLine, message }] };
  }
  let parsed: Document.Parsed[];
  try {
    const all = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      strict: true,
      uniqueKeys: true,
      logLevel: "silent",
    });
    parsed = "empty" in all ? [] : all;
  } catch (error) {
    return { documents: [], problems: [{ kind: "limit", line: firstLine, message: why(error) }] };
  }
  const documents: YamlDocument[] = [];
  const problems: YamlProblem[] = [];
  for (const document of parsed) {
    const errors = document.errors.filter(({ code }) => code !== "DUPLICATE_KEY");
    const start = lineAt(document.range[0]);
    const source = text.slice(document.range[0], document.range[2]);
    if (template.test(source) && (errors.length > 0 || hasMapAsKey(document))) {
      problems.push({ kind: "template", line: start, message: "It is a template." });
      continue;
    }
    if (errors.length > 0) {
      // The first error is the mistake; the others follow from it.
      problems.push(...errors.slice(0, 1).map((error) => syntaxProblem(error, text, lineAt)));
      continue;
    }
    for (const { pos } of document.errors.slice(0, 20)) {
      const key = /^[^\s:]*/.exec(text.slice(pos[0]))?.[0] ?? "";
      problems.push({ kind: "duplicate", line: lineAt(pos[0]), message: `The key ${key} stands twice in one map.` });
    }
    try {
      const value: unknown = document.toJS({ maxAliasCount: maxAliases });
      if (value === null || value === undefined) continue;
      documents.push({ value, lineOf: (path) => lineOf(document, path, lineAt) ?? start });
    } catch (error) {
      const kind = error instanceof ReferenceError && !/excessive/i.test(error.message) ? "syntax" : "limit";
      problems.push({ kind, line: start, message: why(error) });
    }
  }
  return { documents, problems };
}

function syntaxProblem({ code, message, pos }: YAMLError, text: string, lineAt: (at: number) => number): YamlProblem {
  const line = lineAt(Math.min(pos[0], text.length));
  const tab = code === "TAB_AS_INDENT" ? "A tab indents this line; YAML takes spaces only." : undefined;
  return { kind: "syntax", line, message: tab ?? sentence(message) };
}

function sentence(message: string): string {
  const text = message.replace(/\s+/g, " ").trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function why(error: unknown): string {
  if (error instanceof RangeError) return "It nests too deep.";
  const message = error instanceof Error ? error.message : String(error);
  return /excessive alias/i.test(message) ? "Its aliases unfold to too many values." : sentence(message);
}

/** Levels of brackets and indentation, roughly and without a parser: enough to keep recursive readers from their limits. */
function nesting(text: string): number {
  let deepest = 0;
  let brackets = 0;
  for (const char of text) {
    if (char === "[" || char === "{") deepest = Math.max(deepest, ++brackets);
    else if (char === "]" || char === "}") brackets = Math.max(0, brackets - 1);
    else if (char === "\n" && brackets < 20) brackets = 0;
  }
  let dashes = 0;
  for (const [run] of text.matchAll(/^[ \t]*(?:[-?] +)+/gm)) dashes = Math.max(dashes, run.split(/[-?]/).length - 1);
  const levels: number[] = [];
  let indented = 0;
  for (const [, spaces = ""] of text.matchAll(/^( *)[^\s#]/gm)) {
    while ((levels.at(-1) ?? -1) >= spaces.length) levels.pop();
    levels.push(spaces.length);
    indented = Math.max(indented, levels.length);
  }
  return Math.max(deepest, dashes, indented);
}

/** `key: {{ .Values.x }}` is a map whose key is a map: valid YAML, and always a template. */
function hasMapAsKey(document: Document.Parsed): boolean {
  let found = false;
  visit(document, {
    Pair: (_, pair) => {
      if (!isCollection(pair.key)) return undefined;
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

function lineOf(
  document: Document.Parsed,
  path: readonly PropertyKey[],
  lineAt: (position: number) => number,
): number | undefined {
  let node: unknown = document.contents;
  let line: number | undefined;
  for (const step of path) {
    if (isNode(node) && "resolve" in node && typeof node.resolve === "function") node = resolved(document, node);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (!pair) break;
      if (isScalar(pair.key) && pair.key.range) line = lineAt(pair.key.range[0]);
      node = pair.value;
    } else if (isCollection(node)) {
      const item: unknown = node.items[Number(step)];
      if (item === undefined || isPair(item)) break;
      if (isNode(item) && item.range) line = lineAt(item.range[0]);
      node = item;
    } else break;
  }
  return line;
}

function resolved(document: Document.Parsed, alias: object): unknown {
  const resolve: unknown = Reflect.get(alias, "resolve");
  return typeof resolve === "function" ? Reflect.apply(resolve, alias, [document]) : undefined;
}
