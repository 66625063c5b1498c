import { isIP } from "node:net";
import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule } from "../rule.ts";
import { flaw, minorOf, objectsOf, records, text } from "./objects.ts";

const egress = (subject: ObjectsSubject) => objectsOf(subject, "cilium.io", ["CiliumEgressGatewayPolicy"]);
const redirects = (subject: ObjectsSubject) => objectsOf(subject, "cilium.io", ["CiliumLocalRedirectPolicy"]);

/** CiliumEgressGatewayPolicy and CiliumLocalRedirectPolicy, beyond their schemas. */
export const egressAndRedirectRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1481",
    severity: "error",
    title: "An egress gateway policy names an interface or an address, and selects pods and destinations.",
    korean: "이그레스 게이트웨이 정책은 interface와 egressIP 중 하나만 쓰고, 파드와 목적지를 선택해야 합니다.",
    reason:
      "The agent drops the policy if both are written, or if a selector has neither podSelector, namespaceSelector nor nodeSelector (cilium pkg/egressgateway/policy.go).",
    check: (subject) =>
      egress(subject).flatMap((placed) => {
        const { egressGateway, egressGateways, selectors, destinationCIDRs } = placed.spec;
        const gateways = [
          { path: ["spec", "egressGateway"], gateway: record(egressGateway) },
          ...records(egressGateways).map(({ at, item }) => ({ path: ["spec", "egressGateways", at], gateway: item })),
        ];
        return [
          ...gateways.flatMap(({ path, gateway }) => [
            ...(text(gateway.interface) !== "" && text(gateway.egressIP) !== ""
              ? [
                  flaw(
                    placed,
                    path,
                    `Both interface ${text(gateway.interface)} and egressIP ${text(gateway.egressIP)} are written.`,
                    "Write one of them.",
                  ),
                ]
              : []),
            ...(minorOf(subject.cilium) < 20 && isIP(text(gateway.egressIP)) === 6
              ? [
                  flaw(
                    placed,
                    [...path, "egressIP"],
                    `egressIP ${text(gateway.egressIP)} is IPv6, which came with 1.20.`,
                    "Write an IPv4 address, or use Cilium 1.20.",
                  ),
                ]
              : []),
          ]),
          ...records(selectors)
            .filter(({ item }) => !item.podSelector && !item.namespaceSelector && !item.nodeSelector)
            .map(({ at }) =>
              flaw(
                placed,
                ["spec", "selectors", at],
                "The selector has no podSelector, so the policy is dropped.",
                "Write podSelector: {} for all pods, or one with labels.",
              ),
            ),
          ...records(selectors)
            .filter(({ item }) => item.nodeSelector && !item.podSelector && !item.namespaceSelector)
            .map(({ at }) =>
              flaw(
                placed,
                ["spec", "selectors", at],
                "The selector has a nodeSelector but no podSelector, so the policy is dropped.",
                "Write podSelector: {} beside it.",
              ),
            ),
          ...(Array.isArray(selectors) && selectors.length === 0
            ? [flaw(placed, ["spec", "selectors"], "No pod is selected.", "Write selectors: [{podSelector: ...}].")]
            : []),
          ...(Array.isArray(destinationCIDRs) && destinationCIDRs.length === 0
            ? [
                flaw(
                  placed,
                  ["spec", "destinationCIDRs"],
                  "No destination is selected.",
                  "Write destinationCIDRs: [0.0.0.0/0] for all of them.",
                ),
              ]
            : []),
        ];
      }),
  },
  {
    code: "GB-1482",
    severity: "error",
    title: "A local redirect policy stays in its namespace and names its ports.",
    korean: "CiliumLocalRedirectPolicy는 자기 네임스페이스의 서비스만 쓰고, 포트가 여럿이면 이름을 붙여야 합니다.",
    reason:
      "The agent drops a policy for a Service of another namespace, with several unnamed ports, or with two protocols (cilium pkg/loadbalancer/redirectpolicy/redirectpolicy.go).",
    check: (subject) =>
      redirects(subject).flatMap((placed) => {
        const { serviceMatcher, addressMatcher } = record(placed.spec.redirectFrontend);
        const { toPorts } = record(placed.spec.redirectBackend);
        const service = record(serviceMatcher);
        const side = serviceMatcher === undefined ? "addressMatcher" : "serviceMatcher";
        const front = records(record(serviceMatcher ?? addressMatcher).toPorts);
        const back = records(toPorts);
        const frontPath = ["spec", "redirectFrontend", side, "toPorts"];
        const namespace = text(service.namespace);
        const unnamed = (ports: typeof front, path: string[], others: number) =>
          (ports.length > 1 || others > 1) && ports.length > 0
            ? ports
                .filter(({ item }) => text(item.name) === "")
                .map(({ at, item }) =>
                  flaw(
                    placed,
                    [...path, at],
                    `Port ${text(item.port)} has no name, which several ports need.`,
                    "Write name, the same in redirectFrontend and redirectBackend.",
                  ),
                )
            : [];
        const [one, other] = [text(front[0]?.item.protocol), text(back[0]?.item.protocol)];
        return [
          ...(namespace !== "" && placed.namespace !== undefined && namespace !== placed.namespace
            ? [
                flaw(
                  placed,
                  ["spec", "redirectFrontend", "serviceMatcher", "namespace"],
                  `The policy is in ${placed.namespace}, its Service in ${namespace}.`,
                  `Write metadata.namespace: ${namespace}.`,
                ),
              ]
            : []),
          ...unnamed(front, frontPath, 0),
          ...unnamed(back, ["spec", "redirectBackend", "toPorts"], front.length),
          ...(front.length === 1 && one !== "" && other !== "" && one !== other
            ? [
                flaw(
                  placed,
                  ["spec", "redirectBackend", "toPorts", 0, "protocol"],
                  `The frontend speaks ${one}, the backend ${other}.`,
                  `Write protocol: ${one}.`,
                ),
              ]
            : []),
          ...(serviceMatcher === undefined && Array.isArray(record(addressMatcher).toPorts) && front.length === 0
            ? [flaw(placed, frontPath, "The addressMatcher has no ports.", "List at least one port.")]
            : []),
          ...(Array.isArray(toPorts) && list(toPorts).length === 0
            ? [
                flaw(
                  placed,
                  ["spec", "redirectBackend", "toPorts"],
                  "There are no backend ports.",
                  "List at least one.",
                ),
              ]
            : []),
        ];
      }),
  },
];
