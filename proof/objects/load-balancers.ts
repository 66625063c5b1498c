import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Violation } from "../rule.ts";
import { type AddressRange, addressNumber, blockRange, overlapping, rangesOverlap } from "./address-range.ts";
import { l2Rules } from "./l2-announcements.ts";
import {
  chartValues,
  definitionProblems,
  firstOfEachName,
  flaw,
  knownOnly,
  objectsOf,
  oneOf,
  type Placed,
  records,
  repeated,
  schemaViolations,
  shown,
  text,
} from "./objects.ts";
import { selectorsIn } from "./selector.ts";
import { served } from "./served-kinds.ts";

const poolKind = "CiliumLoadBalancerIPPool";
const l2Kind = "CiliumL2AnnouncementPolicy";

/** One block of a pool that can be used: its addresses, where it stands, how it is written. */
export interface PoolBlock {
  readonly pool: Placed;
  readonly at: number;
  readonly range: AddressRange;
  readonly written: string;
}

const poolsOf = (subject: ObjectsSubject) =>
  objectsOf(subject, "cilium.io", [poolKind]).filter((placed) => served(subject.cilium, placed));

/** A block as Cilium reads it: `cidr` wins, a `start` alone is one address (cilium operator/pkg/lbipam/lbipam.go). */
function blockOf({ cidr, start, stop }: Readonly<Record<string, unknown>>): AddressRange | undefined {
  if (text(cidr) !== "") return blockRange(text(cidr));
  const first = addressNumber(text(start));
  const last = text(stop) === "" ? first : addressNumber(text(stop));
  return first === undefined || last === undefined || first.family !== last.family || first.value > last.value
    ? undefined
    : { family: first.family, first: first.value, last: last.value };
}

/** Every usable block of every pool. */
export function poolBlocks(subject: ObjectsSubject): PoolBlock[] {
  return poolsOf(subject).flatMap((pool) =>
    records(pool.spec.blocks).flatMap(({ at, item }) => {
      const range = blockOf(item);
      const written = text(item.cidr) || [text(item.start), text(item.stop)].filter(Boolean).join(" to ");
      return range === undefined ? [] : [{ pool, at, range, written }];
    }),
  );
}

function blockProblem({
  cidr,
  start,
  stop,
}: Readonly<Record<string, unknown>>): Pick<Violation, "message" | "fix"> | undefined {
  const [block, first, last] = [text(cidr), text(start), text(stop)];
  if (block !== "" && (first !== "" || last !== "")) {
    return {
      message: `The block has cidr ${block} and start or stop; only cidr is used.`,
      fix: "Write either cidr, or start and stop. For both, write two blocks.",
    };
  }
  if (block !== "") {
    // What the schema refuses is GB-1341.
    return undefined;
  }
  if (first === "") {
    return {
      message: last === "" ? "The block has neither cidr nor start." : `The block has stop ${last} but no start.`,
      fix: "Write cidr, or start and stop.",
    };
  }
  const [from, to] = [addressNumber(first), addressNumber(last === "" ? first : last)];
  if (from === undefined || to === undefined) {
    const wrong = from === undefined ? first : last;
    return {
      message: `${wrong} is no IP address; the pool is not used.`,
      fix: wrong.includes("/")
        ? "Write it as cidr, or without the prefix length."
        : "Write an address such as 10.0.0.10.",
    };
  }
  if (from.family !== to.family) {
    return { message: `${first} and ${last} are of two address families.`, fix: "Write one block for each family." };
  }
  return from.value > to.value
    ? { message: `start ${first} is after stop ${last}.`, fix: `Write start: ${last} and stop: ${first}.` }
    : undefined;
}

/** Blocks that hold no address a Service can have (RFC 6890, RFC 5771). */
const unusable: readonly (readonly [block: string, what: string])[] = [
  ["0.0.0.0/8", "this network"],
  ["127.0.0.0/8", "loopback"],
  ["224.0.0.0/4", "multicast"],
  ["::/127", "unspecified and loopback"],
  ["fe80::/10", "link-local"],
  ["ff00::/8", "multicast"],
];

/** Where Helm values name addresses of pods, with what they are called there. */
const podBlocks = ["ipam.operator.clusterPoolIPv4PodCIDRList", "ipam.operator.clusterPoolIPv6PodCIDRList"] as const;

/** What Cilium adds to a Service's labels, and what people write for it. */
const addedLabels = ["io.kubernetes.service.namespace", "io.kubernetes.service.name"];
const addedLike = /^(k8s:)?io\.kubernetes\.service(\.|\/(namespace|name)$)/;

function explainPool({ path }: { readonly path: readonly (string | number)[] }) {
  return path.at(-1) === "cidrs"
    ? {
        message: "cidrs is the old name of blocks; the API server drops it, and the pool has no addresses.",
        fix: "Write blocks: [{cidr: ...}].",
      }
    : undefined;
}

export const loadBalancerRules = knownOnly([
  {
    code: "GB-1341",
    severity: "error",
    title: "Pools and L2 policies have the fields and values of their resource definition.",
    korean: "IP 풀과 L2 정책의 필드와 값은 리소스 정의(CRD)와 맞아야 합니다.",
    reason:
      "The API server refuses wrong values and silently drops unknown fields (cilium pkg/k8s/apis/cilium.io/client/crds); spec.cidrs became spec.blocks in 1.15.",
    check: (subject) =>
      objectsOf(subject, "cilium.io", [poolKind, l2Kind])
        .filter((placed) => served(subject.cilium, placed))
        .flatMap((placed) => schemaViolations(placed, definitionProblems(subject, placed), explainPool)),
  },
  {
    code: "GB-1342",
    severity: "error",
    title: "Every block of a pool is a cidr, or a start with a stop that is not before it.",
    korean: "풀의 블록은 cidr이거나 start와 그 뒤의 stop이어야 합니다.",
    reason:
      "The operator stops at a block that it cannot read and uses none of the pool (cilium operator/pkg/lbipam/lbipam.go).",
    check: (subject) =>
      poolsOf(subject).flatMap((pool) => {
        if (pool.spec.cidrs === undefined && list(pool.spec.blocks).length === 0) {
          return [
            flaw(
              pool,
              ["spec"],
              `Pool ${pool.name} has no blocks, so no addresses.`,
              "Write blocks: [{cidr: 10.90.0.0/24}].",
            ),
          ];
        }
        return records(pool.spec.blocks).flatMap(({ at, item }) => {
          const problem = blockProblem(item);
          return problem === undefined ? [] : [flaw(pool, ["spec", "blocks", at], problem.message, problem.fix)];
        });
      }),
  },
  {
    code: "GB-1343",
    severity: "error",
    title: "Blocks of pools share no address.",
    korean: "풀의 블록끼리 주소가 겹치면 안 됩니다.",
    reason:
      "The newer of two overlapping pools is not used at all, whatever their selectors; only the condition cilium.io/PoolConflict tells (cilium operator/pkg/lbipam/lbipam.go, settleConflicts).",
    check: (subject) => {
      const pools = new Set(firstOfEachName(poolsOf(subject)).map(({ index }) => index));
      return overlapping(poolBlocks(subject).filter(({ pool }) => pools.has(pool.index))).map(({ item, other }) =>
        flaw(
          item.pool,
          ["spec", "blocks", item.at],
          `${item.written} shares addresses with ${other.written} of ${other.pool.index === item.pool.index ? "the same pool" : `pool ${other.pool.name}`}.`,
          "Write blocks that share no address.",
        ),
      );
    },
  },
  {
    code: "GB-1344",
    severity: "error",
    title: "Blocks hold addresses that a Service can have and nobody else has.",
    korean: "풀의 주소는 서비스가 쓸 수 있어야 하고 파드 대역과 겹치면 안 됩니다.",
    reason: "Loopback and multicast addresses are routed nowhere; a pod's address given to a Service cuts the pod off.",
    check: (subject) => {
      const values = chartValues(subject);
      const taken = [
        ...unusable.map(([written, what]) => ({ written, what })),
        ...podBlocks.flatMap((path) =>
          list(values?.text("ipam.mode") === "cluster-pool" ? values.given(path) : []).map((block) => ({
            written: text(block),
            what: "pods",
          })),
        ),
      ];
      return poolBlocks(subject).flatMap((block) =>
        taken.flatMap(({ written, what }) => {
          const range = blockRange(written);
          // 0.0.0.0/0 and the like hold everything; that is a mistake, too, but one line is enough.
          return range !== undefined && rangesOverlap(range, block.range)
            ? [
                flaw(
                  block.pool,
                  ["spec", "blocks", block.at],
                  `${block.written} reaches into ${written} (${what}).`,
                  "Write a block that nothing else uses.",
                ),
              ]
            : [];
        }),
      );
    },
  },
  {
    code: "GB-1345",
    severity: "error",
    title: "Service selectors use Kubernetes labels or the two names that Cilium adds.",
    korean: "서비스 selector는 서비스의 레이블이나 Cilium이 붙이는 두 이름만 쓸 수 있습니다.",
    reason:
      "Cilium adds io.kubernetes.service.namespace and io.kubernetes.service.name to a Service's labels (Documentation/network/lb-ipam.rst); another name in that form matches nothing.",
    check: (subject) =>
      objectsOf(subject, "cilium.io", [poolKind, l2Kind, "CiliumBGPAdvertisement"]).flatMap((placed) =>
        selectorsIn(placed.spec, ["spec"])
          .filter(({ path }) => ["serviceSelector", "selector"].includes(String(path.at(-1))))
          .flatMap(({ path, selector }) => {
            const keys = [
              ...Object.keys(record(selector.matchLabels)).map((key) => ({ key, at: ["matchLabels", key] })),
              ...records(selector.matchExpressions).map(({ at, item }) => ({
                key: text(item.key),
                at: ["matchExpressions", at, "key"],
              })),
            ];
            return keys
              .filter(({ key }) => addedLike.test(key) && !addedLabels.includes(key))
              .map(({ key, at }) =>
                flaw(placed, [...path, ...at], `No Service has the label ${key}.`, oneOf(key, addedLabels)),
              );
          }),
      ),
  },
  {
    code: "GB-1349",
    severity: "error",
    title: "Pools have different names.",
    korean: "풀의 이름은 서로 달라야 합니다.",
    reason: "Pools are cluster-scoped: the second of a name replaces the first and takes its addresses from Services.",
    check: (subject) =>
      subject.complete
        ? repeated(poolsOf(subject), ({ name }) => name || undefined).map((placed) =>
            flaw(
              placed,
              ["metadata", "name"],
              `There are two pools named ${shown(placed.name)}.`,
              "Rename one of them.",
            ),
          )
        : [],
  },
  ...l2Rules,
]);
