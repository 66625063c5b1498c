import { closest } from "fastest-levenshtein";
import { type Document, isMap, isNode, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import type { Finding } from "./finding.ts";
import { type Acceptance, Acceptances, EntrySpec, InterconnectSpec, SiteSpec } from "./schema.ts";
import { isRecord } from "./untyped.ts";

/** A stack file holds exactly one of these keys, each with its shape. */
const shapes = { site: SiteSpec, interconnect: InterconnectSpec, entry: EntrySpec } as const;
export type StackKind = keyof typeof shapes;
/** Beside it: the warnings that are accepted. */
export const acceptedKey = "gyeongbu:accepted";
export type StackSpec =
  | { readonly kind: "site"; readonly spec: SiteSpec }
  | { readonly kind: "interconnect"; readonly spec: InterconnectSpec }
  | { readonly kind: "entry"; readonly spec: EntrySpec };

/** A stack file that has the right shape, with its text at hand for line numbers. */
export type StackFile = StackSpec & {
  readonly accepted: readonly Acceptance[];
  readonly stack: string;
  readonly file: string;
  /** Everything below `config`, secrets still encrypted. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The stack file's `secretsprovider`, where it names one. */
  readonly secretsProvider: string | undefined;
  /** Line of a path below `config`, 1-based. */
  readonly lineOf: (path: readonly PropertyKey[]) => number | undefined;
};

export type Parsed = { readonly stack: StackFile } | { readonly findings: readonly Finding[] };

/** More than any real stack file, and little enough to answer at once. */
const maxBytes = 1_000_000;

/**
 * Reads one stack file's text. Never throws: whatever is wrong with the text comes back as findings, all at once.
 *
 * @param file  The path as findings show it; its name is `Pulumi.<stack>.yaml`.
 */
export function parseStackFile(file: string, text: string): Parsed {
  const problem = (message: string, fix: string, line?: number): Finding => ({
    code: "GB-100",
    severity: "error",
    file,
    path: "",
    ...(line === undefined ? {} : { line }),
    message,
    fix,
  });
  if (text.length > maxBytes) {
    return {
      findings: [
        problem(`The file has ${text.length} bytes; a stack file has a few thousand.`, "Name the stack file."),
      ],
    };
  }
  const lines = new LineCounter();
  // No aliases: a stack file is read line by line by auditors, and a merge key hides what a site has.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false });
  if (document.errors.length > 0) {
    return {
      findings: document.errors.map(({ message, pos }) =>
        problem(`Not valid YAML: ${message}`, "Mend the line; indent by spaces.", lines.linePos(pos[0]).line),
      ),
    };
  }
  const root = plain(document);
  if ("failure" in root) return { findings: [problem(root.failure, "Write the value out.")] };
  const config = isRecord(root.value) ? root.value.config : undefined;
  if (!isRecord(config)) {
    return {
      findings: [problem("The file has no `config:` map.", "Start it with `config:` and indent the keys below it.")],
    };
  }
  const lineOf = (path: readonly PropertyKey[]) => lineAt(document, lines, ["config", ...path]);
  const spec = parseSpec(file, config, lineOf);
  if ("findings" in spec) return spec;
  const provider = isRecord(root.value) ? root.value.secretsprovider : undefined;
  return {
    stack: {
      ...spec.stack,
      stack: stackName(file),
      file,
      config,
      secretsProvider: typeof provider === "string" ? provider : undefined,
      lineOf,
    },
  };
}

/** `Pulumi.prod-seoul.yaml` is the file of stack `prod-seoul`. */
export function stackName(file: string): string {
  return /Pulumi\.(.+)\.ya?ml$/.exec(file)?.[1] ?? file;
}

/** The values below `config`, as the engine or a file gives them; `lineOf` is asked where a file's text is at hand. */
export function parseSpec(
  file: string,
  config: Readonly<Record<string, unknown>>,
  lineOf: (path: readonly PropertyKey[]) => number | undefined = () => undefined,
): { readonly stack: StackSpec & Pick<StackFile, "accepted"> } | { readonly findings: Finding[] } {
  const kinds = Object.keys(shapes).filter((kind): kind is StackKind => `gyeongbu:${kind}` in config);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const found = kinds.length === 0 ? "none" : kinds.map((each) => `gyeongbu:${each}`).join(" and ");
    return {
      findings: [
        {
          code: "GB-101",
          severity: "error",
          file,
          path: "",
          message: `A stack is one thing, but this file holds ${found} of gyeongbu:site, gyeongbu:interconnect, gyeongbu:entry.`,
          fix: "Keep exactly one of the three.",
        },
      ],
    };
  }
  const parsed = parseShape(kind, config[`gyeongbu:${kind}`]);
  const accepted = Acceptances.safeParse(config[acceptedKey] ?? []);
  if (parsed.success && accepted.success) return { stack: { ...parsed.stack, accepted: accepted.data } };
  const findings = (key: string, schema: z.core.$ZodType, issues: readonly z.core.$ZodIssue[]) =>
    issues.flatMap((issue) =>
      explain(issue, schema, config[key]).map(({ path, message, fix }): Finding => {
        const line = lineOf([key, ...path]);
        return {
          code: "GB-102",
          severity: "error",
          file,
          path: [key, ...path].map(String).join("."),
          ...(line === undefined ? {} : { line }),
          message,
          fix,
        };
      }),
    );
  return {
    findings: [
      ...(parsed.success ? [] : findings(`gyeongbu:${kind}`, shapes[kind], parsed.issues)),
      ...(accepted.success ? [] : findings(acceptedKey, Acceptances, accepted.error.issues)),
    ],
  };
}

type Shape = { success: true; stack: StackSpec } | { success: false; issues: readonly z.core.$ZodIssue[] };

function parseShape(kind: StackKind, value: unknown): Shape {
  switch (kind) {
    case "site": {
      const { data, error } = SiteSpec.safeParse(value);
      return error ? { success: false, issues: error.issues } : { success: true, stack: { kind, spec: data } };
    }
    case "interconnect": {
      const { data, error } = InterconnectSpec.safeParse(value);
      return error ? { success: false, issues: error.issues } : { success: true, stack: { kind, spec: data } };
    }
    case "entry": {
      const { data, error } = EntrySpec.safeParse(value);
      return error ? { success: false, issues: error.issues } : { success: true, stack: { kind, spec: data } };
    }
  }
}

interface Explained {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly fix: string;
}

/** Turns a shape problem into what is there and what to write. */
function explain(issue: z.core.$ZodIssue, schema: z.core.$ZodType, root: unknown): Explained[] {
  const { path } = issue;
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schema, root, path);
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `"${key}" is not a key here.`,
        fix: known.length > 0 ? `Did you mean "${closest(key, known)}"? Known: ${known.join(", ")}.` : "Remove it.",
      }));
    }
    case "invalid_type": {
      const value = at(root, path);
      const message = value === undefined ? "It is missing." : `It is ${show(value)}.`;
      if (value === undefined && issue.expected === "string")
        return [{ path, message, fix: textHint(schema, root, path) }];
      const keys = issue.expected === "object" ? knownKeys(schema, root, path) : [];
      return [
        {
          path,
          message,
          fix: keys.length > 0 ? `Write a map with ${keys.join(", ")}.` : `Write ${kindOf(issue.expected)}.`,
        },
      ];
    }
    case "invalid_value": {
      const value = at(root, path);
      const fix = `Write one of ${issue.values.map(String).join(", ")}.`;
      return [{ path, message: value === undefined ? "It is missing." : `It is ${show(value)}.`, fix }];
    }
    case "too_small":
    case "too_big": {
      const { code, origin } = issue;
      const bound = code === "too_small" ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
      const unit = origin === "array" ? " entries" : origin === "string" ? " characters" : "";
      return [{ path, message: `It is ${show(at(root, path))}.`, fix: `Write ${bound}${unit}.` }];
    }
    case "invalid_union": {
      const discriminator =
        "discriminator" in issue && typeof issue.discriminator === "string" ? issue.discriminator : undefined;
      const where = discriminator && path.at(-1) !== discriminator ? [...path, discriminator] : path;
      const value = at(root, where);
      const choices = choicesOf(issue);
      const message = value === undefined ? "It is missing." : `It is ${show(value)}.`;
      return [
        {
          path: where,
          message,
          fix: choices ? `Write one of ${choices}.` : "Write one of the forms in components/config/schema.ts.",
        },
      ];
    }
    default:
      return [{ path, message: `It is ${show(at(root, path))}.`, fix: sentence(issue.message) }];
  }
}

function choicesOf(issue: z.core.$ZodIssueInvalidUnion): string | undefined {
  if ("options" in issue && Array.isArray(issue.options)) return issue.options.map(String).join(", ");
  const values = issue.errors.flat().flatMap((each) => (each.code === "invalid_value" ? each.values.map(String) : []));
  return values.length > 0 ? [...new Set(values)].join(", ") : undefined;
}

/** A YAML value of this type, in words that need no schema. */
function kindOf(type: string): string {
  const words: Readonly<Record<string, string>> = {
    array: "a list",
    boolean: "true or false, without quotes",
    int: "a whole number, without quotes",
    number: "a number, without quotes",
    string: "text",
  };
  return words[type] ?? `a value of type ${type}`;
}

/** Keys of the object at `path` that are known. */
function knownKeys(root: z.core.$ZodType, value: unknown, path: readonly PropertyKey[]): string[] {
  const found = schemaAt(root, value, path);
  const object = objectOf(found.schema, found.value);
  return object ? Object.keys(object._zod.def.shape) : [];
}

/** What a missing text should look like: what its schema says of an empty one. */
function textHint(root: z.core.$ZodType, value: unknown, path: readonly PropertyKey[]): string {
  const { schema } = schemaAt(root, value, path);
  const [issue] = (schema && z.core.safeParse(schema, "").error?.issues) ?? [];
  return issue === undefined || /^(Invalid|Too small)/.test(issue.message)
    ? "Write text."
    : sentence(issue.message.replace(/^"" [^.]*\. /, ""));
}

/** The schema of the value at `path`, and the value itself. */
function schemaAt(root: z.core.$ZodType, start: unknown, path: readonly PropertyKey[]) {
  let schema: z.core.$ZodType | undefined = root;
  let value = start;
  for (const step of path) {
    schema = childOf(schema, value, step);
    value = isRecord(value) || Array.isArray(value) ? Reflect.get(value, step) : undefined;
  }
  return { schema, value };
}

/** Looks through wrappers and picks the member of a union that fits the value. */
function objectOf(schema: z.core.$ZodType | undefined, value: unknown): z.core.$ZodObject | undefined {
  if (!schema) return undefined;
  if (schema instanceof z.core.$ZodObject) return schema;
  if (schema instanceof z.core.$ZodUnion) {
    const members = schema._zod.def.options.flatMap((option) => objectOf(option, value) ?? []);
    const fits = (member: z.core.$ZodObject) =>
      ["platform", "kind"].every((key) => {
        const literal = member._zod.def.shape[key];
        return (
          !(literal instanceof z.core.$ZodLiteral) ||
          !isRecord(value) ||
          literal._zod.def.values.includes(value[key] as never)
        );
      });
    return members.find(fits);
  }
  const inner = "innerType" in schema._zod.def ? schema._zod.def.innerType : undefined;
  return inner instanceof z.core.$ZodType ? objectOf(inner, value) : undefined;
}

function childOf(schema: z.core.$ZodType | undefined, value: unknown, step: PropertyKey): z.core.$ZodType | undefined {
  if (typeof step === "number") return elementOf(schema);
  return objectOf(schema, value)?._zod.def.shape[String(step)];
}

function elementOf(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  if (schema instanceof z.core.$ZodArray) return schema._zod.def.element;
  const inner = schema && "innerType" in schema._zod.def ? schema._zod.def.innerType : undefined;
  return inner instanceof z.core.$ZodType ? elementOf(inner) : undefined;
}

/** The document as plain data; aliases are refused, so that no file can unfold into gigabytes. */
function plain(document: Document): { value: unknown } | { failure: string } {
  try {
    return { value: document.toJS({ maxAliasCount: 0 }) as unknown };
  } catch (error) {
    return {
      failure: `Anchors and aliases are not read here: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

function lineAt(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = document.getIn(path.slice(0, depth - 1), true);
    const key = path[depth - 1];
    const pair = isMap(parent)
      ? parent.items.find((item) => isNode(item.key) && String(item.key) === String(key))
      : undefined;
    const node = pair && isNode(pair.key) ? pair.key : document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined),
    root,
  );
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function sentence(text: string): string {
  const [first = ""] = text;
  return `${first.toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? "" : "."}`;
}
