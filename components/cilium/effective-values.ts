import { isRecord } from "../config/untyped.ts";
import { chartDefault, indexedVersion } from "./chart-keys.ts";

/** Reads values as the chart's templates see them: the user's, else the chart's default. */
export class EffectiveValues {
  readonly #version: string;
  readonly #values: unknown;

  /** @throws RangeError for a chart minor that is not indexed. */
  constructor(chartVersion: string, values: unknown) {
    this.#version = indexedVersion(chartVersion);
    this.#values = values;
  }

  /** The user's value of a dotted path; `null` where it takes the chart's default away. */
  given(path: string): unknown {
    let value = this.#values;
    for (const key of path.split(".")) value = isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    return value;
  }

  at(path: string): unknown {
    const given = this.given(path);
    return given === undefined ? chartDefault(this.#version, path) : (given ?? undefined);
  }

  /** A scalar as a template prints it, `""` where there is none. */
  text(path: string): string {
    const value = this.at(path);
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
  }

  /** Whether a Go template takes it for true: not false, 0, "", null, or empty. */
  on(path: string): boolean {
    return truthy(this.at(path));
  }

  /** Whether the chart's minor lies in [`first`, `last`]. */
  within(first?: string, last?: string): boolean {
    const minor = Number(this.#version.split(".")[1]);
    return (first === undefined || minor >= minorOf(first)) && (last === undefined || minor <= minorOf(last));
  }
}

/** What a Go template takes for true: anything but false, 0, "", null, and empty lists and maps. */
export function truthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isRecord(value) ? Object.keys(value).length > 0 : Boolean(value);
}

/** Text that a tool fills in before Helm sees it: Flux's `${NAME}`, a template's `{{ name }}`, a document's `<name>`. */
export function isPlaceholder(value: unknown): boolean {
  return typeof value === "string" && /\$\{|\{\{|^<[^<>]*>$|^\$[A-Za-z_]/.test(value);
}

function minorOf(version: string): number {
  return Number(version.split(".")[1]);
}
