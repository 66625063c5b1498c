import { parse } from "yaml";
import { type Shape, shapeOf } from "./shapes.ts";
import type { YamlDocument } from "./yaml-text.ts";

interface Line {
  readonly number: number;
  /** How many `- ` stand in front. */
  readonly dashes: number;
  readonly key: string | undefined;
  /** Raw text after the key or the dash; empty where a block follows. */
  readonly rest: string;
}

/** An open map or list. `shape` is `undefined` where the kind does not know the field. */
interface Frame {
  readonly node: Record<string, unknown> | unknown[];
  readonly shape: Shape | undefined;
  readonly path: readonly PropertyKey[];
}

/** A key whose block has not begun yet. */
interface Opening {
  readonly holder: Frame;
  readonly key: string;
  readonly shape: Shape | undefined;
}

/** No manifest that people copy from a page has more. */
const maxLines = 2000;

/**
 * Reads manifests that lost their indentation, as text copied from a web page does, by the shape of their kind. Fields that the kind does
 * not have stay where they were written. `undefined` when the text is indented, or of a kind that is not described.
 */
export function readFlattened(text: string, firstLine: number): YamlDocument[] | undefined {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  if (lines.length > maxLines || lines.some((line) => /^\s+[^\s#]/.test(line))) return undefined;
  if (!/^metadata:[ \t]*\n(?:#[^\n]*\n)*(?:name|namespace|labels|annotations):/m.test(text)) return undefined;
  const documents: YamlDocument[] = [];
  let from = 0;
  for (let at = 0; at <= lines.length; at++) {
    if (at < lines.length && !lines[at]?.startsWith("---")) continue;
    const part = lines.slice(from, at).flatMap((line, index) => tokenize(line, firstLine + from + index) ?? []);
    from = at + 1;
    if (part.length === 0) continue;
    const document = rebuild(part);
    if (!document) return undefined;
    documents.push(document);
  }
  return documents;
}

function tokenize(line: string, number: number): Line | undefined {
  if (line.trim() === "" || line.startsWith("#")) return undefined;
  const dashes = /^(?:- +)*/.exec(line)?.[0] ?? "";
  const body = line.slice(dashes.length);
  const pair = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'#:]+):(?:\s+(.*))?$/.exec(body);
  const key = pair?.[1]?.replace(/^["']|["']$/g, "");
  const rest = (pair ? (pair[2] ?? "") : body).replace(/^#.*$/, "").trim();
  return { number, dashes: dashes.split("-").length - 1, key, rest };
}

function rebuild(lines: readonly Line[]): YamlDocument | undefined {
  const kind = lines.find(({ key, dashes }) => key === "kind" && dashes === 0)?.rest ?? "";
  const shape = shapeOf(kind.replace(/["']/g, ""));
  return shape && new Rebuilder(shape).read(lines);
}

class Rebuilder {
  readonly #root: Record<string, unknown> = {};
  #open: Frame[];
  #opening: Opening | undefined;
  readonly #lines = new Map<string, number>();

  constructor(shape: Shape) {
    this.#open = [{ node: this.#root, shape, path: [] }];
  }

  read(lines: readonly Line[]): YamlDocument {
    for (const line of lines) {
      if (line.dashes > 0) this.#item(line);
      else if (line.key !== undefined) this.#pair(line, line.key);
    }
    const start = lines[0]?.number ?? 1;
    return { value: this.#root, lineOf: (path) => this.#lineOf(path) ?? start };
  }

  #lineOf(path: readonly PropertyKey[]): number | undefined {
    for (let depth = path.length; depth > 0; depth--) {
      const line = this.#lines.get(place(path.slice(0, depth)));
      if (line !== undefined) return line;
    }
    return undefined;
  }

  /** `- key: value`, `- key:` or `- value`: into the list just opened, else into the innermost one that takes it. */
  #item(line: Line): void {
    let list = this.#openList();
    if (!list || !this.#takesItem(list, line)) {
      const found = this.#open.findLast((frame) => Array.isArray(frame.node) && this.#takesItem(frame, line));
      // A field that no list here knows is the item of a list of maps rather than of a list of words.
      const maps = this.#open.findLast(({ node, shape }) => Array.isArray(node) && isFields(itemOf(shape)));
      list = found ?? (line.key !== undefined && line.rest === "" ? maps : undefined) ?? list ?? maps;
    }
    if (!list || !Array.isArray(list.node)) return;
    this.#closeTo(list);
    const path = [...list.path, list.node.length];
    this.#lines.set(place(path), line.number);
    const shape = itemOf(list.shape);
    if (line.key === undefined) {
      list.node.push(scalar(line.rest));
      return;
    }
    const node: Record<string, unknown> = {};
    list.node.push(node);
    const frame = { node, shape, path };
    this.#open.push(frame);
    this.#set(frame, line.key, line);
  }

  #openList(): Frame | undefined {
    const opening = this.#opening;
    if (!opening || isFields(opening.shape) || opening.shape === "map") return undefined;
    return this.#begin(opening, []);
  }

  #takesItem({ shape }: Frame, { key }: Line): boolean {
    const item = itemOf(shape);
    if (item === undefined || item === "any") return shape === undefined || item === "any";
    if (key === undefined) return item === "scalar";
    return item === "map" || (isFields(item) && Object.hasOwn(item, key));
  }

  /** `key: value`: into the block just opened if it knows the key, else into the innermost map that does and lacks it. */
  #pair(line: Line, key: string): void {
    const opening = this.#opening;
    if (opening && !Array.isArray(opening.shape) && this.#takesKey(opening.shape, key, line.rest)) {
      this.#set(this.#begin(opening, {}), key, line);
      return;
    }
    this.#opening = undefined;
    const known = this.#open.findLast(
      ({ node, shape }) => !Array.isArray(node) && this.#takesKey(shape, key, line.rest) && !Object.hasOwn(node, key),
    );
    if (!known && opening && !Array.isArray(opening.shape)) {
      this.#set(this.#begin(opening, {}), key, line);
      return;
    }
    const maps = this.#open.filter(({ node, shape }) => !Array.isArray(node) && shape !== "map");
    const target = this.#outer(known, key) ?? known ?? maps.at(-1);
    if (target) this.#set(target, key, line);
  }

  /** In a map of labels every key is allowed, but `namespace:` after the labels is the namespace. */
  #outer(known: Frame | undefined, key: string): Frame | undefined {
    if (known?.shape !== "map" || !/^(?:name|namespace|annotations|labels)$/.test(key)) return undefined;
    const parent = this.#open[this.#open.indexOf(known) - 1];
    const free = parent && !Array.isArray(parent.node) && !Object.hasOwn(parent.node, key);
    return free && isFields(parent.shape) && Object.hasOwn(parent.shape, key) ? parent : undefined;
  }

  #takesKey(shape: Shape | undefined, key: string, rest: string): boolean {
    if (shape === undefined || shape === "any") return this.#opening !== undefined;
    // A label is text: a bare `true` belongs to something above.
    if (shape === "map") return rest !== "" && !/^(?:true|false)\b/.test(rest);
    return isFields(shape) && Object.hasOwn(shape, key);
  }

  #begin({ holder, key, shape }: Opening, node: Record<string, unknown> | unknown[]): Frame {
    this.#closeTo(holder);
    if (!Array.isArray(holder.node)) holder.node[key] = node;
    const frame = { node, shape, path: [...holder.path, key] };
    this.#open.push(frame);
    return frame;
  }

  #closeTo(frame: Frame): void {
    this.#opening = undefined;
    const at = this.#open.indexOf(frame);
    if (at !== -1) this.#open = this.#open.slice(0, at + 1);
  }

  #set(frame: Frame, key: string, { rest, number }: Line): void {
    this.#closeTo(frame);
    if (Array.isArray(frame.node)) return;
    this.#lines.set(place([...frame.path, key]), number);
    const shape = isFields(frame.shape) ? fieldOf(frame.shape, key) : guess(key);
    Object.defineProperty(frame.node, key, {
      value: rest === "" ? null : scalar(rest),
      enumerable: true,
      configurable: true,
      writable: true,
    });
    if (rest === "") this.#opening = { holder: frame, key, shape };
  }
}

/** Label maps look alike wherever they stand, also below a field that does not exist. */
function guess(key: string): Shape | undefined {
  return key === "matchLabels" || key === "labels" || key === "annotations" ? "map" : undefined;
}

function fieldOf(shape: { readonly [field: string]: Shape }, key: string): Shape | undefined {
  return Object.hasOwn(shape, key) ? shape[key] : guess(key);
}

function itemOf(shape: Shape | undefined): Shape | undefined {
  return isList(shape) ? shape[0] : undefined;
}

function isList(shape: Shape | undefined): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function isFields(shape: Shape | undefined): shape is { readonly [field: string]: Shape } {
  return typeof shape === "object" && !Array.isArray(shape);
}

function place(path: readonly PropertyKey[]): string {
  return path.map(String).join("\u0000");
}

/** A value on one line, flow style included. */
function scalar(text: string): unknown {
  try {
    const value: unknown = parse(text, { maxAliasCount: 0, logLevel: "silent", prettyErrors: false });
    return value;
  } catch {
    return text;
  }
}
