import { BlockList, isIP } from "node:net";
import { list } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import {
  asText,
  type Entry,
  entriesOf,
  isNetworkPolicy,
  matching,
  type Path,
  peersOf,
  record,
  records,
  violation,
} from "./policy-view.ts";

/** A block in a policy that parses. */
interface Block {
  readonly path: Path;
  readonly text: string;
  readonly address: string;
  readonly bits: number;
}

export function parseBlock(text: unknown): { readonly address: string; readonly bits: number } | undefined {
  if (typeof text !== "string") return undefined;
  const [address = "", bits = "", ...rest] = text.split("/");
  const family = isIP(address);
  const valid =
    rest.length === 0 && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
  return valid ? { address, bits: Number(bits) } : undefined;
}

/** Whether the first block holds the whole second one. */
export function holds(outer: { address: string; bits: number }, inner: { address: string; bits: number }): boolean {
  const family = (address: string) => (isIP(address) === 4 ? "ipv4" : "ipv6");
  if (family(outer.address) !== family(inner.address) || inner.bits < outer.bits) return false;
  const blocks = new BlockList();
  blocks.addSubnet(outer.address, outer.bits, family(outer.address));
  return blocks.check(inner.address, family(inner.address));
}

/** Blocks with exceptions: elements of fromCIDRSet and toCIDRSet, and the ipBlocks of NetworkPolicies. */
export function blocksWithExceptions(
  subject: ObjectsSubject,
): { readonly path: Path; readonly body: Readonly<Record<string, unknown>> }[] {
  const cilium = entriesOf(subject).flatMap(({ path, body }) =>
    ["fromCIDRSet", "toCIDRSet"].flatMap((field) => records(body[field], [...path, field])),
  );
  const kubernetes = matching(subject, isNetworkPolicy).flatMap(({ index, object }) => {
    const spec = record(object.spec) ?? {};
    return (["ingress", "egress"] as const).flatMap((direction) =>
      records(spec[direction], [index, "spec", direction]).flatMap(({ path, body }) => {
        const field = direction === "ingress" ? "from" : "to";
        return records(body[field], [...path, field]).flatMap((peer) => {
          const block = record(peer.body.ipBlock);
          return block === undefined ? [] : [{ path: [...peer.path, "ipBlock"], body: block }];
        });
      }),
    );
  });
  return [...cilium, ...kubernetes];
}

/** Every block that a policy names, exceptions aside. */
export function blocksOf(subject: ObjectsSubject): Block[] {
  const plain = entriesOf(subject).flatMap(({ path, body }) =>
    ["fromCIDR", "toCIDR"].flatMap((field) =>
      list(body[field]).map((text, index) => ({ path: [...path, field, index], text })),
    ),
  );
  const sets = blocksWithExceptions(subject).map(({ path, body }) => ({ path: [...path, "cidr"], text: body.cidr }));
  return [...plain, ...sets].flatMap(({ path, text }) => {
    const block = parseBlock(text);
    return block === undefined ? [] : [{ path, text: asText(text), ...block }];
  });
}

/** The block's first address where the text names another one: `10.0.0.0` of `10.0.0.5/8`. IPv4 only. */
function networkAddress({ address, bits }: Block): string | undefined {
  if (isIP(address) !== 4) return undefined;
  const value = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - bits);
  const first = Math.floor(value / size) * size;
  if (first === value) return undefined;
  return [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".");
}

function combined(entry: Entry): Violation[] {
  const kinds = peersOf(entry).filter((field) => list(entry.body[field]).length > 0);
  if (kinds.length < 2) return [];
  const message = `${kinds.join(" and ")} stand in one entry, so Cilium refuses the whole policy: nothing is enforced.`;
  return [
    violation(
      entry.path,
      message,
      `Write one entry for each, with its own toPorts: ${kinds.map((kind) => `- ${kind}: [...]`).join("  ")}`,
    ),
  ];
}

export const policyPeerRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1214",
    severity: "error",
    title: "An entry of a Cilium policy names one kind of peer.",
    korean: "Cilium 정책의 항목 하나에는 한 종류의 상대(peer)만 씁니다.",
    reason:
      "Cilium refuses the policy: combining fromEndpoints and fromCIDR is not supported yet, and so on (pkg/policy/api/rule_validation.go).",
    check: (subject) => entriesOf(subject).flatMap(combined),
  },
  {
    code: "GB-1215",
    severity: "warning",
    title: "Lists of peers and ports are left out rather than left empty.",
    korean: "상대나 포트 목록은 비워 두지 말고 아예 생략합니다.",
    reason:
      "An empty list of peers selects nobody, an empty toPorts means every port: the opposite of each other, and both of what one may expect (pkg/policy/api/ingress.go, l4.go).",
    check: (subject) =>
      entriesOf(subject).flatMap((entry) => [
        ...peersOf(entry)
          .filter((field) => Array.isArray(entry.body[field]) && list(entry.body[field]).length === 0)
          .map((field) =>
            violation(
              [...entry.path, field],
              `\`${field}: []\` selects nobody, so the entry ${entry.deny ? "refuses" : "allows"} nothing.`,
              field.endsWith("Endpoints")
                ? `Write ${field}: [{}] for every pod, or delete the entry.`
                : "List the peers, or delete the entry.",
            ),
          ),
        ...(Array.isArray(entry.body.toPorts) && entry.body.toPorts.length === 0
          ? [
              violation(
                [...entry.path, "toPorts"],
                `\`toPorts: []\` does not limit the ports: the entry ${entry.deny ? "refuses" : "allows"} all of them.`,
                "List the ports, or delete toPorts if every port is meant.",
              ),
            ]
          : []),
      ]),
  },
  {
    code: "GB-1216",
    severity: "error",
    title: "Exceptions lie inside the block that they are taken from.",
    korean: "except 대역은 cidr 대역 안에 있어야 합니다.",
    reason:
      "Cilium and the API server refuse the policy otherwise (pkg/policy/api/rule_validation.go; Kubernetes ValidateIPBlock).",
    check: (subject) =>
      blocksWithExceptions(subject).flatMap(({ path, body }) => {
        const block = parseBlock(body.cidr);
        if (block === undefined) return [];
        return list(body.except).flatMap((text, index) => {
          const except = parseBlock(text);
          if (except === undefined || (holds(block, except) && except.bits > block.bits)) return [];
          const cilium = holds(block, except);
          const message = cilium
            ? `except ${asText(text)} is the whole of ${asText(body.cidr)}, so nothing is left.`
            : `except ${asText(text)} is not inside ${asText(body.cidr)}, so the whole policy is refused.`;
          return [
            violation(
              [...path, "except", index],
              message,
              `Write a part of ${asText(body.cidr)}, or delete the exception.`,
            ),
          ];
        });
      }),
  },
  {
    code: "GB-1217",
    severity: "warning",
    title: "Blocks are written with their first address.",
    korean: "CIDR는 네트워크의 첫 주소로 씁니다.",
    reason:
      "10.0.0.5/8 is read as 10.0.0.0/8: a forgotten /32 opens a network (netip.Prefix.Masked; Kubernetes warns since 1.34).",
    check: (subject) =>
      blocksOf(subject).flatMap((block) => {
        const first = networkAddress(block);
        if (first === undefined) return [];
        const message = `${block.text} is not one address: it means all of ${first}/${block.bits}.`;
        return [
          violation(block.path, message, `Write ${block.address}/32 for the one address, or ${first}/${block.bits}.`),
        ];
      }),
  },
];
