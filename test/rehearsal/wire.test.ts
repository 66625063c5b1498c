import * as rpc from "@pulumi/pulumi/runtime/rpc.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Properties, Secret, Unknown, type Value } from "../../rehearsal/stand-in.ts";
import {
  changedKeys,
  decode,
  encode,
  fingerprint,
  holdsUnknown,
  keepSecrets,
  restoreSecrets,
  revealAll,
} from "../../rehearsal/wire.ts";

/** google-protobuf's Struct, which the SDK reads by too, drops this one name; no property of a cloud has it. */
const name = fc.string().filter((text) => text !== "__proto__");

const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Value>(null, true, false, Unknown.value),
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("value").map((inner) => new Secret(inner)),
    fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const properties: fc.Arbitrary<Properties> = fc.dictionary(name, anyValue, {
  maxKeys: 4,
  noNullPrototype: true,
});

describe("encode and decode", () => {
  it("bring back every value, secrets and unknowns at any depth among them", () => {
    fc.assert(
      fc.property(properties, (given) => {
        expect(decode(encode(given))).toEqual(given);
      }),
    );
  });

  it("use the marks of the SDK", () => {
    const wire = encode({ unknown: Unknown.value, secret: new Secret("s") }).toJavaScript();
    expect(wire).toEqual({
      unknown: rpc.unknownValue,
      secret: { [rpc.specialSigKey]: rpc.specialSecretSig, value: "s" },
    });
  });

  it("leave out what is undefined, which the wire cannot carry", () => {
    const given: Properties = { kept: 1 };
    Object.assign(given, { dropped: undefined });
    expect(decode(encode(given))).toEqual({ kept: 1 });
  });
});

describe("changedKeys", () => {
  it("names nothing when both sides are equal, whatever is secret on either", () => {
    fc.assert(
      fc.property(properties, (given) => {
        fc.pre(!Object.values(given).some(holdsUnknown));
        expect(changedKeys(given, revealAll(given))).toEqual([]);
      }),
    );
  });

  it.each([
    ["a new value", { a: 1 }, { a: 2 }, ["a"]],
    ["a property that comes", {}, { a: null }, ["a"]],
    ["a property that goes", { a: 1, b: 1 }, { b: 1 }, ["a"]],
    ["a secret's content", { a: new Secret("x") }, { a: new Secret("y") }, ["a"]],
    ["an unknown deep inside", { a: { b: [1] } }, { a: { b: [Unknown.value] } }, ["a"]],
  ] satisfies [string, Properties, Properties, string[]][])("sees %s", (_, olds, news, changed) => {
    expect(changedKeys(olds, news)).toEqual(changed);
  });
});

describe("fingerprint", () => {
  it("keeps no secret's bytes, and equal secrets stay equal", () => {
    const print = fingerprint({ a: [new Secret("hunter2")], b: { c: new Secret("hunter2") }, d: "plain" });
    expect(JSON.stringify(print)).not.toContain("hunter2");
    expect(print).toEqual({
      a: ["sha256:f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7"],
      b: { c: "sha256:f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7" },
      d: "plain",
    });
  });

  it("does not depend on the order of an object's keys", () => {
    const one = fingerprint({ a: new Secret({ host: "h", user: { x: 1, y: 2 } }) });
    expect(fingerprint({ a: new Secret({ user: { y: 2, x: 1 }, host: "h" }) })).toEqual(one);
  });

  it("refuses an unknown", () => {
    expect(() => fingerprint({ a: Unknown.value })).toThrow("unknown");
  });

  it("is undone by restoreSecrets against the state it was made from", () => {
    fc.assert(
      fc.property(properties, (state) => {
        fc.pre(!Object.values(state).some(holdsUnknown));
        expect(revealAll(restoreSecrets(fingerprint(state), state))).toEqual(revealAll(state));
      }),
    );
  });

  it("stays, and stays secret, where the world holds another secret than the state", () => {
    const { a } = restoreSecrets(fingerprint({ a: new Secret("new") }), { a: new Secret("old") });
    expect(a).toBeInstanceOf(Secret);
    expect(revealAll({ a: a ?? null }).a).toMatch(/^sha256:/);
  });
});

describe("keepSecrets", () => {
  it("marks an output whose input holds a secret, and only that", () => {
    const outputs = keepSecrets(
      { password: "p", list: ["a", "b"], inner: { key: "k", name: "n" }, free: 1 },
      { password: new Secret("p"), list: ["a", new Secret("b")], inner: { key: new Secret("k"), name: "n" } },
    );
    expect(outputs).toEqual({
      password: new Secret("p"),
      list: new Secret(["a", "b"]),
      inner: { key: new Secret("k"), name: "n" },
      free: 1,
    });
  });
});
