/** A place in a resource's inputs: keys and indices. */
export type Path = readonly (string | number)[];

/** Pulumi's mark of a secret, as a resource's inputs hold it on the wire. */
export const secretMark = "4dabf18193072939515e22adb298388d";

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSecret(value: unknown): boolean {
  return isRecord(value) && secretMark in value;
}

export function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      Array.isArray(inner) && typeof key === "number" ? inner[key] : isRecord(inner) ? inner[key] : undefined,
    value,
  );
}

export function put(value: unknown, [key, ...rest]: Path, other: unknown): unknown {
  if (key === undefined) return other;
  if (Array.isArray(value) && typeof key === "number") return value.with(key, put(value[key], rest, other));
  return { ...record(value), [key]: put(record(value)[key], rest, other) };
}

export function without(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined) return undefined;
  if (Array.isArray(value) && typeof key === "number")
    return rest.length === 0 ? value.toSpliced(key, 1) : value.with(key, without(value[key], rest));
  const { [key]: inner, ...others } = record(value);
  return rest.length === 0 ? others : { ...others, [key]: without(inner, rest) };
}

function toNumber(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

export function shifted(value: string, by: number): string {
  return toText(toNumber(value) + by);
}

/** The block of half the length around this one. */
export function widened(value: unknown): string {
  const [base = "", length = "0"] = text(value).split("/");
  const prefix = Math.max(0, Number(length) - 1);
  const number = toNumber(base);
  return `${toText(number - (number % 2 ** (32 - prefix)))}/${prefix}`;
}

/** The first half of the block; of a single address, another one. */
export function narrowed(value: unknown): string {
  const [base = "", length = "0"] = text(value).split("/");
  return Number(length) === 32 ? `${shifted(base, 1)}/32` : `${base}/${Number(length) + 1}`;
}
