import { record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule } from "../rule.ts";
import { flaw, objectsOf, type Placed } from "./objects.ts";

/** Hex digits of key and salt together, by AEAD (RFC 4106: AES-128, 192 and 256 with 4 bytes of salt). */
const aeads: Readonly<Record<string, readonly number[]>> = { "rfc4106(gcm(aes))": [40, 56, 72] };

/** Rules on the Secret that agents read IPsec keys from. No message shows a key. */
export const ipsecSecretRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1483",
    severity: "error",
    title: "The Secret cilium-ipsec-keys holds lines that agents can read.",
    korean: "Secret cilium-ipsec-keys의 키는 Cilium이 읽을 수 있는 형식이어야 합니다.",
    reason:
      "Agents stop at a key they cannot load: id 1 to 15, an AEAD whose name begins with rfc, hex, ICV (Documentation/security/network/encryption-ipsec.rst, pkg/datapath/linux/ipsec).",
    check: (subject) =>
      objectsOf(subject, "", ["Secret"])
        .filter(({ name }) => name === "cilium-ipsec-keys")
        .flatMap((secret) => {
          const { path, keys } = keysOf(secret);
          if (keys === undefined)
            return [flaw(secret, path, "It has no entry `keys`, so agents wait for ever.", "Write the entry keys.")];
          // Encrypted in the file, or filled in later.
          if (/^ENC\[|[$<{]/.test(keys)) return [];
          const lines = keys.split("\n").filter((line) => line.trim() !== "");
          const problems = lines.length === 0 ? ["it is empty"] : lines.flatMap(lineProblem);
          return problems.map((problem) =>
            flaw(
              secret,
              path,
              `Agents cannot load this key: ${problem}.`,
              "Write `3+ rfc4106(gcm(aes)) <40 hex digits> 128`: an id from 1 to 15, the cipher, 20 random bytes in hex, the ICV.",
            ),
          );
        }),
  },
];

function keysOf({ object }: Placed): { readonly path: readonly string[]; readonly keys: string | undefined } {
  const plain = record(object.stringData).keys;
  if (typeof plain === "string") return { path: ["stringData", "keys"], keys: plain };
  const encoded = record(object.data).keys;
  if (typeof encoded !== "string") return { path: ["data"], keys: undefined };
  const readable = /^[A-Za-z0-9+/=\s]*$/.test(encoded) ? Buffer.from(encoded, "base64").toString("utf8") : encoded;
  return { path: ["data", "keys"], keys: readable };
}

/** What is wrong with `<id>[+] <aead> <key> <icv>`, or with the older `<id> <auth> <key> <cipher> <key>`. */
function lineProblem(line: string): string[] {
  const [id = "", ...rest] = line.trim().split(/\s+/);
  const number = /^(\d+)\+?$/.exec(id)?.[1];
  if (number === undefined) return ["its first word is not an id such as 3+"];
  if (Number(number) < 1 || Number(number) > 15) return [`its id is ${number}, not 1 to 15`];
  if (rest.length === 4) return rest.filter((_, index) => index % 2 === 1).flatMap((key) => hexProblem(key, undefined));
  if (rest.length !== 3) return [`it has ${rest.length + 1} words, not four`];
  const [aead = "", key = "", icv = ""] = rest;
  if (!aead.startsWith("rfc")) return [`its cipher is ${aead}, whose name does not begin with rfc`];
  if (!["96", "128", "256"].includes(icv)) return ["its last word, the ICV, is none of 96, 128, 256"];
  return hexProblem(key, aeads[aead]);
}

function hexProblem(key: string, lengths: readonly number[] | undefined): string[] {
  const digits = key.replace(/^0x/, "");
  if (!/^([0-9a-fA-F]{2})+$/.test(digits)) return ["its key is not an even number of hex digits"];
  if (lengths === undefined || lengths.includes(digits.length)) return [];
  return [`its key has ${digits.length} hex digits, not ${lengths.join(", ")}`];
}
