import { isRecord, record } from "../components/config/untyped.ts";

/** Reading the inputs of resources as the engine records them. */

/** Pulumi's mark of a secret in JSON. */
const envelope = "4dabf18193072939515e22adb298388d";

export function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** A scalar as text, `""` for anything else. */
export function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** Whether the path leads to a value and no envelope stands on the way, or around every part of it. */
export function isOpen(value: unknown, path: readonly string[]): boolean {
  if (value === undefined || value === null || value === "" || isEnvelope(value)) return false;
  const [key, ...rest] = path;
  if (key !== undefined) return isOpen(record(value)[key], rest);
  return isRecord(value) ? Object.values(value).some((part) => isOpen(part, [])) : true;
}

/** A value without its envelope; `undefined` where only the ciphertext is at hand. */
export function unwrapped(value: unknown): unknown {
  return isEnvelope(value) ? record(value).value : value;
}

function isEnvelope(value: unknown): boolean {
  return isRecord(value) && envelope in value;
}

/** What a machine will read, a secret too where its value is at hand; documents inside it in base64 are appended in clear. */
export function readable(value: unknown): string {
  const given = text(unwrapped(value));
  const words = given.match(/[A-Za-z0-9+/]{40,}={0,2}/g) ?? [];
  return [given, ...words.map((word) => Buffer.from(word, "base64").toString("utf8"))].join("\n");
}
