/** Which values a chart's templates read: the paths, and those whose whole subtree is printed as it is (`toYaml .Values.resources`). */
export interface TemplateReads {
  readonly reads: Set<string>;
  readonly dumps: Set<string>;
}

/** What an expression may stand for: paths below `.Values` (`""` is all of it), the root context, or a list made by `list`. */
interface Meaning {
  readonly paths: ReadonlySet<string>;
  readonly root: boolean;
  readonly items?: readonly Meaning[];
}
type Scope = Map<string, Meaning>;
type Node = { readonly text: string } & (
  | { readonly kind: "action" }
  | { readonly kind: "block"; readonly word: string; readonly body: Node[]; readonly otherwise: Node[] }
);

const nothing: Meaning = { paths: new Set(), root: false };
const rootMeaning: Meaning = { paths: new Set(), root: true };
const passThrough = new Set([
  "coalesce",
  "default",
  "ternary",
  "or",
  "and",
  "deepCopy",
  "required",
  "empty",
  "fromJson",
]);
const printing = new Set([
  "toYaml",
  "toJson",
  "toPrettyJson",
  "merge",
  "mergeOverwrite",
  "mapToString",
  "omit",
  "pick",
  "tpl",
]);

/** Follows `with`, `range`, variables, `dig`, `index`, `hasKey`, `get` and `include` through every template. */
export function readTemplates(templates: Iterable<string>): TemplateReads {
  const definitions = new Map<string, Node[]>();
  const bodies = [...templates].map((text) => parse(actions(text), definitions));
  const reader = new Reader(definitions);
  for (const body of bodies) reader.walk(body, rootMeaning, [new Map([["$", rootMeaning]])]);
  return reader;
}

function actions(text: string): string[] {
  const withoutComments = text.replace(/\{\{-?\s*\/\*[\s\S]*?\*\/\s*-?\}\}/g, "");
  return [...withoutComments.matchAll(/\{\{-?\s*((?:"(?:\\.|[^"\\])*"|`[^`]*`|[^"`])*?)\s*-?\}\}/g)].map(
    (match) => match[1] ?? "",
  );
}

function parse(texts: string[], definitions: Map<string, Node[]>): Node[] {
  let next = 0;
  const block = (): { body: Node[]; end: string } => {
    const body: Node[] = [];
    while (next < texts.length) {
      const text = texts[next++] ?? "";
      const word = /^\w+/.exec(text)?.[0] ?? "";
      if (word === "end" || word === "else") return { body, end: text };
      if (!["if", "with", "range", "define", "block"].includes(word)) {
        body.push({ kind: "action", text });
        continue;
      }
      const rest = text.slice(word.length).trim();
      const inner = block();
      const otherwise: Node[] = [];
      let end = inner.end;
      while (end.startsWith("else")) {
        const condition = end.slice("else".length).trim();
        if (condition !== "") otherwise.push({ kind: "action", text: condition.replace(/^(if|with)\s/, "") });
        const more = block();
        otherwise.push(...more.body);
        end = more.end;
      }
      if (word === "define") definitions.set(JSON.parse(rest) as string, inner.body);
      else body.push({ kind: "block", word, text: rest, body: inner.body, otherwise });
    }
    return { body, end: "" };
  };
  return block().body;
}

class Reader implements TemplateReads {
  readonly reads = new Set<string>();
  readonly dumps = new Set<string>();
  readonly #definitions: Map<string, Node[]>;
  readonly #included = new Set<string>();

  constructor(definitions: Map<string, Node[]>) {
    this.#definitions = definitions;
  }

  walk(nodes: Node[], dot: Meaning, scopes: Scope[]): void {
    for (const node of nodes) {
      const value = this.#statement(node.text, dot, scopes, node.kind === "block" && node.word === "range");
      if (node.kind === "action") continue;
      const inner = node.word === "if" ? dot : value;
      this.walk(node.body, inner, [...scopes, new Map()]);
      this.walk(node.otherwise, dot, [...scopes, new Map()]);
    }
  }

  /** An expression, or `$x := expression`, or `$x = expression`; in a `range` the variables stand for an element. */
  #statement(text: string, dot: Meaning, scopes: Scope[], elements: boolean): Meaning {
    const [, names = "", assign, expression = text] = /^(\$\w*(?:\s*,\s*\$\w+)?)\s*(:?=)\s*([\s\S]*)$/.exec(text) ?? [];
    const whole = new Expression(expression, dot, scopes, this).value();
    const value = elements ? element(whole) : whole;
    const name = names.split(",").at(-1)?.trim();
    if (!name) return value;
    const holder = assign === "=" ? scopes.findLast((scope) => scope.has(name)) : undefined;
    const target = holder ?? scopes.at(-1);
    target?.set(name, holder === undefined ? value : union([holder.get(name) ?? nothing, value]));
    return value;
  }

  include(name: string, dot: Meaning): Meaning {
    const key = JSON.stringify([name, dot.root, [...dot.paths], dot.items?.map((item) => [item.root, ...item.paths])]);
    if (!this.#included.has(key)) {
      this.#included.add(key);
      this.walk(this.#definitions.get(name) ?? [], dot, [new Map([["$", dot]])]);
    }
    // The one helper whose printed result is read back as data.
    return name === "clustermesh-clusters" ? { ...nothing, paths: new Set(["clustermesh.config.clusters"]) } : nothing;
  }

  note(value: Meaning, whole: boolean): void {
    for (const path of value.paths) {
      if (path === "") continue;
      this.reads.add(path);
      if (whole) this.dumps.add(path);
    }
    for (const item of value.items ?? []) this.note(item, whole);
  }
}

/** One pipeline; evaluation notes what it reads. */
class Expression {
  readonly #tokens: string[];
  readonly #dot: Meaning;
  readonly #scopes: Scope[];
  readonly #reader: Reader;

  constructor(text: string, dot: Meaning, scopes: Scope[], reader: Reader) {
    this.#tokens = text.match(/"(?:\\.|[^"\\])*"|`[^`]*`|\)(?:\.\w+)*|\$?[\w]*(?:\.\w+)+|\$\w*|\.|\w+|[(|,]/g) ?? [];
    this.#dot = dot;
    this.#scopes = scopes;
    this.#reader = reader;
  }

  /** What the whole pipeline stands for; reading it is noted, and so is printing it. */
  value(): Meaning {
    const printed = this.#tokens.length === 1 && this.#tokens[0] === ".";
    const value = this.#pipeline();
    this.#reader.note(value, printed);
    return value;
  }

  #pipeline(): Meaning {
    let carried: Meaning | undefined;
    for (;;) {
      carried = this.#command(carried);
      if (this.#tokens[0] !== "|") return carried;
      this.#tokens.shift();
    }
  }

  #command(carried: Meaning | undefined): Meaning {
    const head = this.#tokens[0] ?? "";
    const callee = /^[a-zA-Z]\w*$/.test(head) ? this.#tokens.shift() : undefined;
    const values: Meaning[] = [];
    const words: string[] = [];
    while (this.#tokens.length > 0 && !/^[|)]/.test(this.#tokens[0] ?? "")) {
      const token = this.#tokens.shift() ?? "";
      if (/^["`\d]/.test(token)) words.push(token.replace(/^["`]|["`]$/g, ""));
      else values.push(this.#operand(token));
    }
    if (carried !== undefined) values.push(carried);
    if (callee === undefined) return values.length === 1 ? (values[0] ?? nothing) : nothing;
    return this.#call(callee, words, values);
  }

  #operand(token: string): Meaning {
    if (token === "(") {
      const value = this.#pipeline();
      // `(.Values.tls).cert`: the closing token carries the fields.
      const [, ...fields] = (this.#tokens.shift() ?? "").split(".");
      return field(value, fields);
    }
    const [name = "", ...fields] = token.split(".");
    if (token.startsWith("$")) {
      return field(this.#scopes.findLast((scope) => scope.has(name))?.get(name) ?? nothing, fields);
    }
    return token.startsWith(".") ? field(this.#dot, token === "." ? [] : fields) : nothing;
  }

  #call(callee: string, words: string[], values: Meaning[]): Meaning {
    const last = values.at(-1) ?? nothing;
    if (callee === "include" || callee === "template") return this.#reader.include(words[0] ?? "", last);
    if (callee === "list" || callee === "tuple") return { ...nothing, items: values };
    if (callee === "index" && last.items !== undefined) return last.items[Number(words[0])] ?? nothing;
    if (["index", "get", "hasKey"].includes(callee)) return this.#noted(field(values[0] ?? nothing, words));
    // `dig "a" "b" "default" .Values.x`: a literal default is the last word.
    if (callee === "dig") return this.#noted(field(last, values.length > 1 ? words : words.slice(0, -1)));
    for (const value of values) this.#reader.note(value, printing.has(callee));
    return passThrough.has(callee) ? union(values) : nothing;
  }

  #noted(value: Meaning): Meaning {
    this.#reader.note(value, false);
    return value;
  }
}

function field(value: Meaning, names: readonly string[]): Meaning {
  const [first, ...rest] = names;
  if (first === undefined) return value;
  const below = value.root && first === "Values" ? [join("", rest)] : [];
  return { ...nothing, paths: new Set([...below, ...[...value.paths].map((path) => join(path, names))]) };
}

function join(path: string, names: readonly string[]): string {
  return [path, ...names].filter((name) => name !== "" && name !== "AsMap").join(".");
}

function element(value: Meaning): Meaning {
  if (value.items !== undefined) return union(value.items);
  return { ...nothing, paths: new Set([...value.paths].filter((path) => path !== "").map((path) => `${path}[]`)) };
}

function union(values: readonly Meaning[]): Meaning {
  return { paths: new Set(values.flatMap((value) => [...value.paths])), root: values.some((value) => value.root) };
}
