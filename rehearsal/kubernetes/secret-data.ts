import { createHash } from "node:crypto";
import { type Properties, Secret, Unknown, type Value } from "../stand-in.ts";
import type { JsonObject } from "../world.ts";
import type { ResourceType } from "./kinds.ts";
import { isPlainObject, plainObject, scalarText } from "./plain.ts";

export function isSecret({ group, kind }: ResourceType): boolean {
  return group === "" && kind === "Secret";
}

/** A Secret whose data the real provider marks as secret, however the program gave it. */
export function hideData(inputs: Properties): Properties {
  const hidden = { ...inputs };
  for (const field of ["data", "stringData"]) {
    const data = hidden[field];
    if (data === undefined || data instanceof Secret || data instanceof Unknown || data === null) continue;
    hidden[field] = typeof data === "object" && !Array.isArray(data) ? seal(data) : new Secret(data);
  }
  return hidden;
}

function seal(data: Properties): Properties {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]): [string, Value] => [
      key,
      value instanceof Secret ? value : new Secret(value),
    ]),
  );
}

/** What a Secret holds per key, as digests of the decoded bytes, so that `data` and `stringData` compare. */
export function contentOf(inputs: Properties): JsonObject {
  const { data, stringData } = plainObject({ data: inputs.data ?? {}, stringData: inputs.stringData ?? {} });
  const digest = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const entries = [
    ...Object.entries(isPlainObject(data) ? data : {}).map(
      ([key, value]) => [key, Buffer.from(scalarText(value), "base64")] as const,
    ),
    ...Object.entries(isPlainObject(stringData) ? stringData : {}).map(
      ([key, value]) => [key, Buffer.from(scalarText(value))] as const,
    ),
  ];
  return Object.fromEntries(entries.map(([key, bytes]) => [key, digest(bytes)]));
}
