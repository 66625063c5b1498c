import { type AddressRange, blockRange, rangesOverlap } from "../objects/address-range.ts";
import type { Rule, ValuesSubject, Violation } from "../rule.ts";
import {
  inMesh,
  ipamMode,
  masquerades,
  onValues,
  routingMode,
  type Settings,
  texts,
  wrong,
  wrongIf,
} from "./settings.ts";

/** A cluster pool of one family, as the user wrote it. */
interface Pool {
  readonly family: 4 | 6;
  readonly listKey: string;
  readonly maskKey: string;
  readonly blocks: readonly { text: string; prefix: number; range: AddressRange }[];
  /** Prefix length of a node's own block. */
  readonly mask: number;
}

function pools(settings: Settings): Pool[] {
  if (ipamMode(settings) !== "cluster-pool") return [];
  return ([4, 6] as const)
    .filter((family) => settings.on(`ipv${family}.enabled`))
    .map((family) => {
      const listKey = `ipam.operator.clusterPoolIPv${family}PodCIDRList`;
      const maskKey = `ipam.operator.clusterPoolIPv${family}MaskSize`;
      const blocks = texts(settings.given(listKey)).flatMap((text) => {
        const range = blockRange(text);
        // What cannot be read is GB-1111's.
        return range?.family === family ? [{ text, prefix: Number(text.split("/")[1]), range }] : [];
      });
      return { family, listKey, maskKey, blocks, mask: Number(settings.at(maskKey)) };
    });
}

const inside = (outer: AddressRange, inner: AddressRange) =>
  outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;

/** Bits between a pool and a node's block that the operator can count, IPv6 only (`pkg/ipam/cidrset/cidr_set.go`). */
const widestV6 = 16;

function masks({ family, listKey, maskKey, blocks, mask }: Pool, settings: Settings): Violation[] {
  const where = settings.given(maskKey) === undefined ? listKey : maskKey;
  const longest = family === 4 ? 30 : 126;
  return [
    ...blocks.flatMap(({ text, prefix }) => [
      ...wrongIf(
        mask < prefix,
        where,
        `A node's block of /${mask} does not fit into the pool ${text}.`,
        `Write ${maskKey} of more than ${prefix}, or a wider pool.`,
      ),
      ...wrongIf(
        family === 6 && mask - prefix > widestV6,
        where,
        `${maskKey} ${mask} is more than ${widestV6} longer than the pool ${text}, and the operator stops.`,
        `Write ${maskKey}: ${Math.min(prefix + widestV6, 128)} or less.`,
      ),
    ]),
    ...wrongIf(
      mask > longest && mask <= (family === 4 ? 32 : 128),
      maskKey,
      `${maskKey} ${mask} leaves a node no address for pods.`,
      `Write ${maskKey}: ${family === 4 ? 24 : 112}.`,
    ),
  ];
}

const poolKeys = [
  "clusterPoolIPv4PodCIDRList",
  "clusterPoolIPv4MaskSize",
  "clusterPoolIPv6PodCIDRList",
  "clusterPoolIPv6MaskSize",
];

export const ipamRules: readonly Rule<ValuesSubject>[] = [
  {
    code: "GB-1140",
    severity: "error",
    title: "Blocks of nodes fit into the cluster pool.",
    korean: "노드별 블록은 클러스터 풀에 들어가야 합니다.",
    reason:
      "The operator stops at start (pkg/ipam/cidrset/cidr_set.go); Documentation/network/concepts/ipam/cluster-pool.rst.",
    check: onValues((settings) => pools(settings).flatMap((pool) => masks(pool, settings))),
  },
  {
    code: "GB-1141",
    severity: "error",
    title: "Blocks of the cluster pool are disjoint.",
    korean: "클러스터 풀의 블록들은 서로 겹치지 않아야 합니다.",
    reason: "The operator stops at start (pkg/ipam/allocator/clusterpool/cidralloc ErrCIDRCollision).",
    check: onValues((settings) =>
      pools(settings).flatMap(({ listKey, blocks }) =>
        blocks.flatMap((block, at) =>
          blocks
            .slice(0, at)
            .filter((other) => rangesOverlap(other.range, block.range))
            .map((other) =>
              wrong(
                listKey,
                `${block.text} and ${other.text} in ${listKey} overlap.`,
                "Keep the wider one, or write blocks that do not overlap.",
              ),
            ),
        ),
      ),
    ),
  },
  {
    code: "GB-1142",
    severity: "warning",
    title: "The cluster pool has room for a second node.",
    korean: "클러스터 풀에는 노드 두 대 이상의 블록이 들어가야 합니다.",
    reason: "Each node takes one block of the mask size; nodes beyond 2^(mask - prefix) get no pods.",
    check: onValues((settings) =>
      pools(settings).flatMap(({ listKey, maskKey, blocks, mask }) => {
        const nodes = blocks.reduce(
          (sum, { prefix }) => sum + (mask >= prefix ? 2 ** Math.min(mask - prefix, 30) : 0),
          0,
        );
        return wrongIf(
          nodes === 1,
          listKey,
          `${blocks.map(({ text }) => text).join(", ")} holds one block of /${mask}: the second node gets no pod addresses.`,
          `Write a wider pool, or a longer ${maskKey}.`,
        );
      }),
    ),
  },
  {
    code: "GB-1143",
    severity: "error",
    title: "The native routing block holds the cluster pool.",
    korean: "네이티브 라우팅 대역은 클러스터 풀을 포함해야 합니다.",
    reason:
      "Pods outside of it are reached with the node's address as source, and policies see the node instead of the pod (Documentation/network/concepts/masquerading.rst).",
    check: onValues((settings) =>
      pools(settings).flatMap(({ family, blocks }) => {
        const key = `ipv${family}NativeRoutingCIDR`;
        const native = blockRange(settings.text(key));
        const used =
          routingMode(settings) === "native" && masquerades(settings, family) && !settings.on("ipMasqAgent.enabled");
        if (!used || native?.family !== family) return [];
        return blocks
          .filter(({ range }) => !inside(native, range))
          .map(({ text }) =>
            wrong(
              key,
              `${key} ${settings.text(key)} does not hold the pod pool ${text}.`,
              "Write a block that holds the pods of this and of every connected cluster.",
            ),
          );
      }),
    ),
  },
  {
    code: "GB-1144",
    severity: "warning",
    title: "Pool settings are read by the IPAM mode in use.",
    korean: "클러스터 풀 설정은 ipam.mode: cluster-pool일 때만 쓰입니다.",
    reason:
      "templates/cilium-configmap.yaml prints them in mode cluster-pool only; in mode kubernetes the node's podCIDR counts.",
    check: onValues((settings) => {
      const mode = ipamMode(settings);
      if (mode === "cluster-pool" || settings.on("aksbyocni.enabled")) return [];
      const given = poolKeys.filter((key) => {
        const value = settings.given(`ipam.operator.${key}`);
        // The chart's own defaults, copied along, mislead nobody.
        return (
          value !== undefined &&
          value !== null &&
          key.endsWith("List") &&
          !texts(value).every((text) => defaults.has(text))
        );
      });
      return given.map((key) =>
        wrong(
          `ipam.operator.${key}`,
          `ipam.operator.${key} is not read, because ipam.mode is ${mode}.`,
          mode === "kubernetes"
            ? "Remove it; pods get the node's podCIDR from kube-controller-manager."
            : "Remove it, or write ipam.mode: cluster-pool.",
        ),
      );
    }),
  },
  {
    code: "GB-1145",
    severity: "warning",
    title: "A mesh member names its own pod pool.",
    korean: "메시 클러스터는 자기 Pod 풀을 명시해야 합니다(기본값 10.0.0.0/8은 클러스터끼리 겹침).",
    reason:
      "The chart's default pool 10.0.0.0/8 is that of every cluster, and pods of mesh members must not overlap (Documentation/network/clustermesh/clustermesh.rst, cilium issue 20375).",
    check: onValues((settings) =>
      wrongIf(
        inMesh(settings) &&
          ipamMode(settings) === "cluster-pool" &&
          settings.on("ipv4.enabled") &&
          settings.given("ipam.operator.clusterPoolIPv4PodCIDRList") === undefined &&
          settings.given("ipam.operator.clusterPoolIPv4PodCIDR") === undefined,
        "ipam.operator.clusterPoolIPv4PodCIDRList",
        "The cluster is in a mesh and takes pods from the chart's default pool 10.0.0.0/8, like every other cluster that does not say otherwise.",
        "Write ipam.operator.clusterPoolIPv4PodCIDRList with a block of this cluster's own, e.g. [10.128.0.0/16].",
      ),
    ),
  },
];

const defaults = new Set(["10.0.0.0/8", "fd00::/104"]);
