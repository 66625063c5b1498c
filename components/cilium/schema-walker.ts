import { isIP, isIPv4 } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../config/untyped.ts";
import { closest } from "./chart-keys.ts";

/** The part of OpenAPI v3 that CRDs use; `rules` are CEL rules with their message. */
export interface Schema {
  readonly $ref?: number;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly intOrString?: boolean;
  readonly anyFields?: boolean;
  readonly rules?: readonly { readonly rule: string; readonly message: string }[];
}

/** One thing a strict API server refuses. */
export interface SchemaProblem {
  /** Field names and list indices, outermost first; empty for the object as a whole. */
  readonly path: readonly (string | number)[];
  /** What is wrong, without the path. */
  readonly problem: string;
  /** Where the field does not exist: what exists beside it. A default API server drops such a field, and refuses everything else. */
  readonly known?: readonly string[];
}

/** `spec.peers[0].peerASN: what is wrong`, or only what is wrong for an object as a whole. */
export function formatProblem({ path, problem }: SchemaProblem): string {
  const dotted = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
  return dotted === "" ? problem : `${dotted.replace(/^\./, "")}: ${problem}`;
}

type Path = SchemaProblem["path"];
type Fields = Readonly<Record<string, unknown>>;
const has = (self: unknown, field: string) => isRecord(self) && self[field] !== undefined;
const when = (type: string, field: string, wanted: boolean) => (self: unknown) =>
  !isRecord(self) || self.advertisementType !== type || has(self, field) === wanted;
const only = (type: string, field: string) => (self: unknown) =>
  !isRecord(self) || self.advertisementType === type || !has(self, field);

/** Every CEL rule of the CRDs, by its text, since a CEL interpreter would outweigh nine rules. */
const celRules: Readonly<Record<string, (self: unknown, old: unknown) => boolean>> = {
  "self.advertisementType != 'Service' || has(self.service)": when("Service", "service", true),
  "self.advertisementType == 'Service' || !has(self.service)": only("Service", "service"),
  "self.advertisementType != 'Interface' || has(self.interface)": when("Interface", "interface", true),
  "self.advertisementType == 'Interface' || !has(self.interface)": only("Interface", "interface"),
  "self.advertisementType != 'PodCIDR' || !has(self.selector)": when("PodCIDR", "selector", false),
  "self.keepAliveTimeSeconds <= self.holdTimeSeconds": (self) =>
    !isRecord(self) || Number(self.keepAliveTimeSeconds) <= Number(self.holdTimeSeconds),
  "has(self.spec) || has(self.specs)": (self) => has(self, "spec") || has(self, "specs"),
  "self == '' || isIP(self)": (self) => self === "" || (typeof self === "string" && isIP(self) !== 0),
  "self == oldSelf": (self, old) => old === undefined || isDeepStrictEqual(self, old),
};

/** Checks objects against schemas as a strict API server does, all at once. */
export class SchemaWalker {
  readonly #shared: readonly Schema[];
  readonly #problems: SchemaProblem[] = [];

  constructor(shared: readonly Schema[]) {
    this.#shared = shared;
  }

  /** `undefined` stands for a value that is not known yet and passes. `old` is the object before an update, for immutable fields. */
  check(schema: Schema, value: unknown, old?: unknown): SchemaProblem[] {
    this.#walk(schema, value, [], old);
    return this.#problems.splice(0);
  }

  #walk(reference: Schema, value: unknown, path: Path, old: unknown): void {
    const schema = this.#resolve(reference);
    if (value === undefined) return;
    const wrong = scalarProblem(schema, value);
    if (wrong !== undefined) {
      this.#report(path, wrong);
      return;
    }
    if (Array.isArray(value)) this.#items(schema, value, path, old);
    else if (isRecord(value)) this.#fields(schema, value, path, old);
    this.#branches(schema, value, path);
    for (const { rule, message } of schema.rules ?? []) {
      const holds = celRules[rule];
      if (holds === undefined) throw new Error(`no code for the CEL rule "${rule}"; add it to celRules`);
      if (!holds(this.#withDefaults(schema, value), old)) this.#report(path, message);
    }
  }

  #items(schema: Schema, value: readonly unknown[], path: Path, old: unknown): void {
    const [least, most] = [schema.minItems ?? 0, schema.maxItems ?? Number.POSITIVE_INFINITY];
    if (value.length < least || value.length > most) {
      this.#report(path, `has ${value.length} elements, wants ${least} to ${most}`);
    }
    const items = schema.items;
    if (items === undefined) return;
    for (const [index, item] of value.entries()) {
      this.#walk(items, item, [...path, index], Array.isArray(old) ? old[index] : undefined);
    }
  }

  #fields(schema: Schema, value: Fields, path: Path, old: unknown): void {
    const before = (name: string) => (isRecord(old) ? old[name] : undefined);
    for (const name of schema.required ?? []) {
      if (!Object.hasOwn(value, name)) this.#report([...path, name], "required value is missing");
    }
    for (const [name, child] of Object.entries(value)) {
      const known = schema.properties?.[name] ?? schema.additionalProperties;
      if (known !== undefined) this.#walk(known, child, [...path, name], before(name));
      else if (schema.properties !== undefined && schema.anyFields !== true) {
        const known = Object.keys(schema.properties);
        const near = closest(name, known);
        const problem = `unknown field; ${near ? `did you mean ${near}?` : `known here: ${known.join(", ")}`}`;
        this.#problems.push({ path: [...path, name], problem, known });
      }
    }
  }

  #branches(schema: Schema, value: unknown, path: Path): void {
    const matching = (branches: readonly Schema[]) =>
      branches.filter((branch) => new SchemaWalker(this.#shared).#matches(branch, value));
    const { anyOf, oneOf } = schema;
    if (anyOf !== undefined && schema.intOrString !== true && matching(anyOf).length === 0) {
      this.#report(path, `wants at least one of ${describe(anyOf)}`);
    }
    if (oneOf !== undefined && matching(oneOf).length !== 1) {
      this.#report(path, `wants exactly one of ${describe(oneOf)}`);
    }
  }

  /** A branch of `oneOf` or `anyOf` adds conditions; fields it does not name are none of its business. */
  #matches(branch: Schema, value: unknown): boolean {
    const { required = [], properties = {} } = branch;
    if (scalarProblem(branch, value) !== undefined) return false;
    if (!isRecord(value)) return true;
    return (
      required.every((name) => Object.hasOwn(value, name)) &&
      Object.entries(properties).every(([name, child]) => {
        return !Object.hasOwn(value, name) || this.#matches(this.#resolve(child), value[name]);
      })
    );
  }

  #withDefaults(schema: Schema, value: unknown): unknown {
    if (!isRecord(value)) return value;
    const defaults = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
      const preset = this.#resolve(child).default;
      return preset === undefined ? [] : [[name, preset] as const];
    });
    return { ...Object.fromEntries(defaults), ...value };
  }

  #resolve(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const shared = this.#shared[schema.$ref];
    if (shared === undefined) throw new RangeError(`no shared schema ${schema.$ref}`);
    return shared;
  }

  #report(path: Path, problem: string): void {
    this.#problems.push({ path, problem });
  }
}

/** What each branch asks for, in a word. */
function describe(branches: readonly Schema[]): string {
  return branches.map(({ required, format }) => required?.join("+") ?? format ?? "other").join(", ");
}

/** What is wrong with a value by itself: type, enum, pattern, format, range. */
function scalarProblem(schema: Schema, value: unknown): string | undefined {
  const shown = JSON.stringify(value);
  if (schema.intOrString === true) {
    if (typeof value === "string") return patternProblem(schema, value);
    return Number.isInteger(value) ? undefined : `wants an integer or a string, got ${shown}`;
  }
  if (schema.type !== undefined && !hasType(schema.type, value)) return `wants ${schema.type}, got ${shown}`;
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return `${shown} is none of ${schema.enum.map((item) => JSON.stringify(item)).join(", ")}`;
  }
  if (typeof value === "number") {
    const [least, most] = [schema.minimum ?? Number.NEGATIVE_INFINITY, schema.maximum ?? Number.POSITIVE_INFINITY];
    if (value < least || value > most) return `${value} is outside ${least} to ${most}`;
  }
  if (typeof value !== "string") return undefined;
  if (value.length < (schema.minLength ?? 0) || value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) {
    return `has ${value.length} characters, wants ${schema.minLength ?? 0} to ${schema.maxLength ?? "any number"}`;
  }
  const mismatch = patternProblem(schema, value);
  if (mismatch !== undefined) return mismatch;
  return schema.format === undefined || hasFormat(schema.format, value)
    ? undefined
    : `${shown} is not a valid ${schema.format}`;
}

function patternProblem({ pattern }: Schema, value: string): string | undefined {
  if (pattern === undefined) return undefined;
  // Go writes a class of one letter without braces, JavaScript with them and the flag.
  const classes = pattern.replaceAll(/\\([pP])([A-Z])/g, "\\$1{$2}");
  return new RegExp(classes, classes === pattern ? "" : "u").test(value)
    ? undefined
    : `${JSON.stringify(value)} does not match ${pattern}`;
}

function hasType(type: string, value: unknown): boolean {
  switch (type) {
    case "object":
      return isRecord(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

/** Formats that the API server knows and enforces; the others are notes. */
function hasFormat(format: string, value: string): boolean {
  if (format === "ipv4") return isIPv4(value);
  if (format !== "cidr") return true;
  const [address = "", prefix = ""] = value.split("/");
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return /^\d+$/.test(prefix) && Number(prefix) <= bits;
}
