/**
 * Derives the schemas of Cilium's custom resources from its CRDs: `node tools/crd-schemas.ts VERSION FOLDER`, a folder with the YAML files
 * of `pkg/k8s/apis/cilium.io/client/crds` of that version; prints the JSON of `components/cilium/data/crd-schemas.json`. Descriptions go, and
 * what occurs more than once (a policy's `spec` and `specs`, label selectors) is kept once.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";

/** Schema keywords that decide whether an object is accepted; `default` since the API server applies it before the CEL rules. */
const kept = new Set(
  (
    "type properties required items additionalProperties enum pattern format default nullable minimum maximum " +
    "minLength maxLength minItems maxItems minProperties maxProperties oneOf anyOf allOf not"
  ).split(" "),
);
const renamed: Readonly<Record<string, string>> = {
  "x-kubernetes-int-or-string": "intOrString",
  "x-kubernetes-preserve-unknown-fields": "anyFields",
};

type Tree = null | boolean | number | string | Tree[] | { [key: string]: Tree };

/** The schema without prose; CEL rules become `rules`. */
function compact(schema: Tree): Tree {
  if (Array.isArray(schema)) return schema.map(compact);
  if (!isObject(schema)) return schema;
  const result: { [key: string]: Tree } = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === "properties" && isObject(value)) {
      result[keyword] = Object.fromEntries(Object.entries(value).map(([name, child]) => [name, compact(child)]));
    } else if (keyword === "x-kubernetes-validations" && Array.isArray(value)) {
      result.rules = value.filter(isObject).map(({ rule = "", message = rule }) => ({ rule, message }));
    } else if (renamed[keyword] !== undefined) result[renamed[keyword]] = value;
    else if (kept.has(keyword))
      result[keyword] = ["enum", "default", "required"].includes(keyword) ? value : compact(value);
  }
  return result;
}

/** Replaces every object schema that occurs twice or more by `{ "$ref": index }` into `shared`. */
function share(schemas: Tree[]): { shared: Tree[]; schemas: Tree[] } {
  const counts = new Map<string, number>();
  const count = (tree: Tree): void => {
    if (Array.isArray(tree)) for (const item of tree) count(item);
    if (!isObject(tree)) return;
    const text = JSON.stringify(tree);
    const seen = counts.get(text) ?? 0;
    counts.set(text, seen + 1);
    if (seen === 0) for (const child of Object.values(tree)) count(child);
  };
  for (const schema of schemas) count(schema);

  const indices = new Map<string, number>();
  const shared: Tree[] = [];
  const replace = (tree: Tree): Tree => {
    if (Array.isArray(tree)) return tree.map(replace);
    if (!isObject(tree)) return tree;
    const text = JSON.stringify(tree);
    const known = indices.get(text);
    if (known !== undefined) return { $ref: known };
    const children = () => Object.fromEntries(Object.entries(tree).map(([key, child]) => [key, replace(child)]));
    // Only whole schemas carry a type; shorter ones cost less than the reference.
    if ((counts.get(text) ?? 0) < 2 || text.length < 80 || typeof tree.type !== "string") return children();
    const index = shared.push(null) - 1;
    indices.set(text, index);
    shared[index] = children();
    return { $ref: index };
  };
  return { schemas: schemas.map(replace), shared };
}

function isObject(value: Tree | undefined): value is { [key: string]: Tree } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function get(tree: Tree | undefined, ...path: string[]): Tree {
  let value = tree;
  for (const key of path) value = isObject(value) ? value[key] : undefined;
  if (value === undefined) throw new Error(`a CRD lacks ${path.join(".")}`);
  return value;
}

function lines(items: Tree[]): string {
  return `[\n${items.map((item) => JSON.stringify(item)).join(",\n")}\n]`;
}

function render(version: string, folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".yaml"));
  const found = files.sort().flatMap((name) => {
    const crd: Tree = parse(readFileSync(join(folder, name), "utf8"));
    const served = get(crd, "spec", "versions");
    return (Array.isArray(served) ? served : []).map((entry) => ({
      kind: get(crd, "spec", "names", "kind"),
      version: get(entry, "name"),
      namespaced: get(crd, "spec", "scope") === "Namespaced",
      schema: compact(get(entry, "schema", "openAPIV3Schema")),
    }));
  });
  const { shared, schemas } = share(found.map(({ schema }) => schema));
  const resources = found.map((entry, index) => ({ ...entry, schema: schemas[index] ?? null }));
  return `{"ciliumVersion":${JSON.stringify(version)},\n"resources":${lines(resources)},\n"shared":${lines(shared)}}\n`;
}

if (import.meta.main) {
  const [version, folder] = process.argv.slice(2);
  if (version === undefined || folder === undefined) {
    console.error(`usage: node tools/${basename(import.meta.filename)} CILIUM_VERSION FOLDER`);
    process.exit(2);
  }
  process.stdout.write(render(version, folder));
}
