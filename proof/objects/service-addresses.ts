import { isIP } from "node:net";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { holding } from "./address-range.ts";
import { poolBlocks } from "./load-balancers.ts";
import { flaw, objectsOf, oneOf, type Placed, records, sameObject, shown, text, words } from "./objects.ts";
import { matches } from "./selector.ts";
import { annotationOf as read } from "./service-annotations.ts";

/** Classes that Cilium serves (Documentation/network/lb-ipam.rst, node-ipam.rst). */
const loadBalancerClasses = ["io.cilium/bgp-control-plane", "io.cilium/l2-announcer", "io.cilium/node"];

const services = (subject: ObjectsSubject) => objectsOf(subject, "", ["Service"]);
const list = (value: string | undefined) => (value ?? "").split(",").map((part) => part.trim());

/** Addresses a Service asks LB-IPAM for, with where they stand. */
function requested(placed: Placed): { readonly address: string; readonly path: readonly string[] }[] {
  const { loadBalancerIP } = placed.spec;
  const named = Object.keys(placed.annotations).find((key) => key === ipsName || key === ipsAlias);
  return [
    ...(text(loadBalancerIP) === "" ? [] : [{ address: text(loadBalancerIP), path: ["spec", "loadBalancerIP"] }]),
    ...(named === undefined
      ? []
      : list(text(placed.annotations[named]))
          .filter((address) => address !== "")
          .map((address) => ({ address, path: ["metadata", "annotations", named] }))),
  ];
}
const ipsName = "lbipam.cilium.io/ips";
const ipsAlias = "io.cilium/lb-ipam-ips";

/** Why Cilium will not give both Services one address (cilium operator/pkg/lbipam/service_store.go, isCompatible). */
function unshareable(one: Placed, other: Placed): string | undefined {
  const [key, otherKey] = [read(one, "lbipam.cilium.io/sharing-key"), read(other, "lbipam.cilium.io/sharing-key")];
  if (key === undefined || key !== otherKey) return "they have no common lbipam.cilium.io/sharing-key";
  const allows = (placed: Placed, { namespace }: Placed) => {
    const allowed = list(read(placed, "lbipam.cilium.io/sharing-cross-namespace"));
    return allowed.includes("*") || allowed.includes(namespace ?? "");
  };
  const known = one.namespace !== undefined && other.namespace !== undefined;
  if (known && one.namespace !== other.namespace && !(allows(one, other) && allows(other, one))) {
    return "lbipam.cilium.io/sharing-cross-namespace does not allow it in both";
  }
  const ports = (placed: Placed) =>
    records(placed.spec.ports).map(({ item }) => `${shown(item.port)}/${text(item.protocol) || "TCP"}`);
  const common = ports(one).find((entry) => ports(other).includes(entry));
  if (common !== undefined) return `both have port ${common}`;
  const policy = (placed: Placed) => text(placed.spec.externalTrafficPolicy) || "Cluster";
  return policy(one) === policy(other) ? undefined : "their externalTrafficPolicy differs";
}

/** What Services ask of LB-IPAM. */
export const serviceAddressRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1455",
    severity: "error",
    title: "Addresses asked of LB-IPAM are single addresses of a load balancer's Service.",
    korean: "LB-IPAM에 요청하는 주소는 LoadBalancer 서비스의 IP 주소 하나하나여야 합니다.",
    reason:
      "What is no address is skipped, and other Services get no address at all (cilium operator/pkg/lbipam/lbipam.go).",
    check: (subject) =>
      services(subject).flatMap((placed) => {
        const asked = requested(placed).filter(({ path }) => path[0] === "metadata");
        const lbipam = Object.keys(placed.annotations).find(
          (key) => key.startsWith("lbipam.cilium.io/") || key.startsWith("io.cilium/lb-ipam"),
        );
        return [
          ...asked
            .filter(({ address }) => isIP(address) === 0)
            .map(({ address, path }) =>
              flaw(
                placed,
                path,
                `"${address}" is no IP address.`,
                "Write addresses with commas between them: 10.90.0.10,10.90.0.11.",
              ),
            ),
          ...(lbipam !== undefined && placed.object.spec !== undefined && placed.spec.type !== "LoadBalancer"
            ? [
                flaw(
                  placed,
                  ["metadata", "annotations", lbipam],
                  `Service ${placed.name} has type ${text(placed.spec.type) || "ClusterIP"}; ${lbipam} is read for LoadBalancer only.`,
                  "Write type: LoadBalancer, or take the annotation out.",
                ),
              ]
            : []),
        ];
      }),
  },
  {
    code: "GB-1456",
    severity: "error",
    title: "Addresses asked of LB-IPAM lie in a pool that serves the Service.",
    korean: "LB-IPAM에 요청하는 주소는 그 서비스를 선택하는 풀 안에 있어야 합니다.",
    reason:
      "The Service stays without an address; only its condition tells (Documentation/network/lb-ipam.rst, Requesting IPs).",
    check: (subject) => {
      const blocks = poolBlocks(subject).filter(({ pool }) => pool.spec.disabled !== true);
      if (blocks.length === 0) return [];
      return services(subject)
        .filter(({ spec }) => spec.type === "LoadBalancer" && loadBalanced(spec.loadBalancerClass))
        .flatMap((placed) =>
          requested(placed)
            .filter(({ address, path }) => isIP(address) !== 0 && (path[0] === "metadata" || subject.complete))
            .flatMap(({ address, path }) => {
              const found = holding(blocks, address);
              if (found.length === 0) {
                const message = `${address} is in no pool; there are ${blocks.map(({ written }) => written).join(", ")}.`;
                return [flaw(placed, path, message, "Write an address of a pool.")];
              }
              const labels = {
                ...placed.labels,
                "io.kubernetes.service.name": placed.name,
                "io.kubernetes.service.namespace": placed.namespace ?? "",
              };
              const serving = found.some(({ pool }) => matches(pool.spec.serviceSelector, labels));
              return serving || placed.namespace === undefined
                ? []
                : [
                    flaw(
                      placed,
                      path,
                      `${address} is of pool ${words(found.map(({ pool }) => pool.name))}, whose serviceSelector does not match.`,
                      "Give the Service the labels of the pool's serviceSelector, or write an address of another pool.",
                    ),
                  ];
            }),
        );
    },
  },
  {
    code: "GB-1457",
    severity: "error",
    title: "Two Services ask for one address only if they can share it.",
    korean: "같은 주소를 요청하는 서비스들은 서로 공유할 수 있어야 합니다.",
    reason:
      "One key, different ports, equal externalTrafficPolicy, and leave across namespaces; else the second stays without an address (cilium operator/pkg/lbipam/service_store.go).",
    check: (subject) => {
      const all = services(subject)
        .filter(({ spec }) => spec.type === "LoadBalancer" && loadBalanced(spec.loadBalancerClass))
        .flatMap((placed) => requested(placed).map((request) => ({ placed, ...request })));
      const byAddress = Map.groupBy(all, ({ address }) => address);
      return all.flatMap((request) => {
        const { placed, address, path } = request;
        const bucket = byAddress.get(address) ?? [];
        // Those that ask first have it. Fifty Services on one address are more than anybody has.
        const before = bucket.slice(0, Math.min(bucket.indexOf(request), 50));
        const other = before.find(
          (earlier) => !sameObject(earlier.placed, placed) && unshareable(earlier.placed, placed) !== undefined,
        );
        const why = other === undefined ? undefined : unshareable(other.placed, placed);
        return other === undefined || why === undefined || path[0] !== "metadata"
          ? []
          : [
              flaw(
                placed,
                path,
                `${address} is also asked for by Service ${other.placed.name}, and ${why}.`,
                "Write another address, or let them share it: the same lbipam.cilium.io/sharing-key and different ports.",
              ),
            ];
      });
    },
  },
  {
    code: "GB-1458",
    severity: "error",
    title: "A load balancer class of Cilium is one that Cilium serves.",
    korean: "io.cilium/ 로드밸런서 클래스는 Cilium이 제공하는 것이어야 합니다.",
    reason:
      "Nothing answers for another class, and it cannot be changed later (Documentation/network/lb-ipam.rst, LoadBalancerClass).",
    check: (subject) => [
      ...services(subject).flatMap((placed) => classProblem(placed, ["spec"], placed.spec.loadBalancerClass)),
      ...objectsOf(subject, "networking.k8s.io", ["Ingress"]).flatMap((placed) =>
        classProblem(
          placed,
          ["metadata", "annotations"],
          placed.annotations["ingress.cilium.io/loadbalancer-class"],
          "ingress.cilium.io/loadbalancer-class",
        ),
      ),
    ],
  },
];

function loadBalanced(loadBalancerClass: unknown): boolean {
  return loadBalancerClass === undefined || loadBalancerClasses.slice(0, 2).includes(text(loadBalancerClass));
}

function classProblem(
  placed: Placed,
  path: readonly string[],
  value: unknown,
  field = "loadBalancerClass",
): Violation[] {
  const name = text(value);
  return !name.includes("cilium") || loadBalancerClasses.includes(name)
    ? []
    : [
        flaw(
          placed,
          [...path, field],
          `Cilium serves no load balancer class ${name}.`,
          oneOf(name, loadBalancerClasses),
        ),
      ];
}
