import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { type Properties, Secret, Unknown, type Value } from "./stand-in.ts";
import type { Json, JsonObject } from "./world.ts";

/** What the engine's gRPC messages carry properties in. */
export type Struct = InstanceType<typeof struct.Struct>;

type Wire = { [key: string]: JavaScriptValue };

// The engine's own marks (sdk/go/common/resource/properties.go and plugin/rpc.go); they never change, since state files hold them.
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const unknownString = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** One mark per type of the value that is not known yet. */
const unknownMarks: ReadonlySet<unknown> = new Set([
  unknownString,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

/** Properties out of a message; an absent struct is an empty one, and a property named `__proto__` is lost (google-protobuf). */
export function decode(message: Struct | undefined): Properties {
  return message === undefined ? {} : decodeObject(message.toJavaScript());
}

function decodeObject(wire: object): Properties {
  return Object.fromEntries(Object.entries(wire).map(([key, value]) => [key, decodeValue(value)]));
}

function decodeValue(wire: JavaScriptValue): Value {
  if (unknownMarks.has(wire)) return Unknown.value;
  if (Array.isArray(wire)) return wire.map(decodeValue);
  if (wire === null || typeof wire !== "object") return wire;
  const object = decodeObject(wire);
  return object[signatureKey] === secretSignature ? new Secret(object.value ?? null) : object;
}

/** Properties into a message. */
export function encode(properties: Properties): Struct {
  return struct.Struct.fromJavaScript(encodeObject(properties));
}

function encodeObject(properties: Properties): Wire {
  // A property set to `undefined` slips past the type of a spread object; the engine has no such value.
  const present = Object.entries(properties).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present.map(([key, value]) => [key, encodeValue(value)]));
}

function encodeValue(value: Value): JavaScriptValue {
  if (value instanceof Unknown) return unknownString;
  if (value instanceof Secret) return { [signatureKey]: secretSignature, value: encodeValue(value.value) };
  if (Array.isArray(value)) return value.map(encodeValue);
  return value === null || typeof value !== "object" ? value : encodeObject(value);
}

/** The value without its `Secret` wrappers, at any depth. Never log or store the result. */
export function reveal(value: Value): Value {
  if (value instanceof Secret) return reveal(value.value);
  if (Array.isArray(value)) return value.map(reveal);
  return value === null || typeof value !== "object" || value instanceof Unknown ? value : revealAll(value);
}

/** `reveal` for all properties of an object. */
export function revealAll(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, reveal(value)]));
}

/** Names of the top-level properties that differ, secrets compared by content; an unknown value differs from everything. */
export function changedKeys(olds: Properties, news: Properties): string[] {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)]);
  return [...keys].filter((key) => {
    const next = news[key];
    return (next !== undefined && holdsUnknown(next)) || !isDeepStrictEqual(bare(olds[key]), bare(next));
  });
}

function bare(value: Value | undefined): Value | undefined {
  return value === undefined ? undefined : reveal(value);
}

/** Whether any part of the value is not known yet. */
export function holdsUnknown(value: Value): boolean {
  return some(value, (part) => part instanceof Unknown);
}

function some(value: Value, test: (part: Value) => boolean): boolean {
  if (test(value)) return true;
  if (value instanceof Secret) return some(value.value, test);
  if (value === null || typeof value !== "object" || value instanceof Unknown) return false;
  return Object.values(value).some((part) => some(part, test));
}

/** Whether any part of the value is secret. */
export function holdsSecret(value: Value): boolean {
  return some(value, (part) => part instanceof Secret);
}

/** Properties as the world may keep them: each `Secret` is replaced by `sha256:<hex>` of its content, so that equality survives and the bytes do not. */
export function fingerprint(properties: Properties): JsonObject {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, fingerprintValue(value)]));
}

/** `fingerprint` for one value. Throws on `Unknown`: only previews hold it, and previews change nothing in the world. */
export function fingerprintValue(value: Value): Json {
  if (value instanceof Secret) return digest(value);
  if (value instanceof Unknown) throw new Error("an unknown value cannot enter the world");
  if (Array.isArray(value)) return value.map(fingerprintValue);
  return value === null || typeof value !== "object" ? value : fingerprint(value);
}

function digest(secret: Secret): string {
  const content = reveal(secret.value);
  const text = typeof content === "string" ? content : JSON.stringify(content, sortKeys);
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

/** The engine sends an object's keys in any order, and equal secrets must have equal fingerprints. */
function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * What was read back from the world, secret wherever the state is; a fingerprint that matches the state's secret at the same
 * place turns into that secret again.
 */
export function restoreSecrets(read: Properties, state: Properties): Properties {
  return Object.fromEntries(Object.entries(read).map(([key, value]) => [key, restoreValue(value, state[key])]));
}

function restoreValue(read: Value, state: Value | undefined): Value {
  if (state instanceof Secret) {
    if (read instanceof Secret) return read;
    return read === digest(state) || isDeepStrictEqual(read, reveal(state)) ? state : new Secret(read);
  }
  if (read === null || typeof read !== "object" || read instanceof Secret || read instanceof Unknown) return read;
  if (state === null || typeof state !== "object" || state instanceof Unknown) return read;
  if (Array.isArray(read)) {
    return Array.isArray(state) ? read.map((part, index) => restoreValue(part, state[index])) : read;
  }
  return Array.isArray(state) ? read : restoreSecrets(read, state);
}

/** Outputs in which whatever came from a secret input is secret too, by the rule of the real providers (`annotateSecrets` in sdk/go/common/resource/plugin). */
export function keepSecrets(outputs: Properties, inputs: Properties): Properties {
  return Object.fromEntries(
    Object.entries(outputs).map(([key, output]) => {
      const input = inputs[key];
      if (input === undefined || output instanceof Secret) return [key, output];
      if (isProperties(output) && isProperties(input)) return [key, keepSecrets(output, input)];
      return [key, some(input, (part) => part instanceof Secret) ? new Secret(output) : output];
    }),
  );
}

/** Whether a value is an object whose members are at hand. */
export function isProperties(value: Value): value is Properties {
  return (
    value !== null &&
    typeof value === "object" &&
    !Array.isArray(value) &&
    !(value instanceof Secret) &&
    !(value instanceof Unknown)
  );
}
