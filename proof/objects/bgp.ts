import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Violation } from "../rule.ts";
import { bgpReferenceRules } from "./bgp-references.ts";
import { bgpSessionRules } from "./bgp-sessions.ts";
import {
  allObjects,
  chartValues,
  definitionProblems,
  flaw,
  knownOnly,
  objectsOf,
  type Placed,
  records,
  schemaViolations,
  text,
  valueAt,
} from "./objects.ts";
import { served } from "./served-kinds.ts";

const bgpKinds = [
  "CiliumBGPClusterConfig",
  "CiliumBGPPeerConfig",
  "CiliumBGPAdvertisement",
  "CiliumBGPNodeConfig",
  "CiliumBGPNodeConfigOverride",
];

function explainBgp(
  path: readonly (string | number)[],
  value: unknown,
): Pick<Violation, "message" | "fix"> | undefined {
  const field = path.at(-1);
  const address = text(value);
  if ((field === "peerAddress" || field === "localAddress") && address !== "") {
    const bare = address.split("/")[0] ?? "";
    return {
      message: `${field} ${address} is no IP address by itself.`,
      fix: address.includes("/") ? `Write ${bare}, without the prefix length.` : "Write an address such as 10.0.0.1.",
    };
  }
  if (field === "cidrs" || field === "virtualRouters" || field === "neighbors" || field === "exportPodCIDR") {
    return {
      message: `${field} belongs to CiliumBGPPeeringPolicy; here it is dropped.`,
      fix: "Write bgpInstances with peers, and the prefixes in a CiliumBGPAdvertisement.",
    };
  }
  return undefined;
}

const bfdField = /bfd/i;

/** Group and kind have one possible value; v2 drops them and does the same. */
function impliedReference(path: readonly (string | number)[], value: unknown): boolean {
  return (
    path.at(-2) === "peerConfigRef" &&
    ((path.at(-1) === "group" && value === "cilium.io") || (path.at(-1) === "kind" && value === "CiliumBGPPeerConfig"))
  );
}

function fieldProblems(subject: ObjectsSubject, placed: Placed, bfd: boolean): Violation[] {
  const problems = definitionProblems(subject, placed).filter(({ path, known }) => {
    const asked = known !== undefined && bfdField.test(String(path.at(-1)));
    return asked === bfd && !impliedReference(path, valueAt(placed.object, path));
  });
  return schemaViolations(placed, problems, ({ path }) => explainBgp(path, valueAt(placed.object, path)));
}

export const bgpRules = knownOnly([
  {
    code: "GB-1301",
    severity: "error",
    title: "BGP objects have the fields and values of their resource definition.",
    korean: "BGP 오브젝트의 필드와 값은 리소스 정의(CRD)와 맞아야 합니다.",
    reason:
      "The API server refuses wrong values and silently drops unknown fields (cilium pkg/k8s/apis/cilium.io/client/crds/v2/ciliumbgp*.yaml).",
    check: (subject) =>
      objectsOf(subject, "cilium.io", bgpKinds)
        .filter((placed) => served(subject.cilium, placed))
        .flatMap((placed) => fieldProblems(subject, placed, false)),
  },
  {
    code: "GB-1302",
    severity: "error",
    title: "BGP objects need the BGP control plane.",
    korean: "BGP 오브젝트를 쓰려면 BGP 컨트롤 플레인이 켜져 있어야 합니다.",
    reason:
      "Without bgpControlPlane.enabled nothing reads them (Documentation/network/bgp-control-plane/bgp-control-plane.rst); bgp.enabled is no value since chart 1.17.",
    check: (subject) => {
      const values = chartValues(subject);
      if (values === undefined || values.on("bgpControlPlane.enabled")) return [];
      return objectsOf(subject, "cilium.io", bgpKinds)
        .slice(0, 1)
        .map((placed) =>
          flaw(
            placed,
            ["kind"],
            `${placed.kind} ${placed.name} is read by nothing: bgpControlPlane.enabled is false.`,
            "Write bgpControlPlane.enabled: true in the Helm values.",
          ),
        );
    },
  },
  {
    code: "GB-1306",
    severity: "error",
    title: "BFD is not asked for.",
    korean: "BFD 설정은 쓸 수 없습니다.",
    reason:
      "Cilium's speaker has no BFD in 1.18 to 1.20 and the API server drops the field; the hold time is what notices a dead peer (Documentation/network/bgp-control-plane/bgp-control-plane-configuration.rst, Timers).",
    check: (subject) =>
      objectsOf(subject, "cilium.io", bgpKinds).flatMap((placed) =>
        served(subject.cilium, placed)
          ? fieldProblems(subject, placed, true).map((violation) => ({
              ...violation,
              message: `${String(violation.path.at(-1))}: Cilium has no BFD; the field is dropped.`,
              fix: "Take it out and write timers: {holdTimeSeconds: 9, keepAliveTimeSeconds: 3} in the CiliumBGPPeerConfig.",
            }))
          : [],
      ),
  },
  {
    code: "GB-1307",
    severity: "error",
    title: "Advertisements of Services and pools select something.",
    korean: "Service와 CiliumPodIPPool 광고에는 selector가 있어야 합니다.",
    reason: "Without a selector nothing is announced, and no error is shown (cilium issue 33076).",
    check: (subject) =>
      objectsOf(subject, "cilium.io", ["CiliumBGPAdvertisement"]).flatMap((placed) =>
        records(placed.spec.advertisements).flatMap(({ at, item: { advertisementType, selector } }) =>
          (advertisementType === "Service" || advertisementType === "CiliumPodIPPool") &&
          (selector === undefined || selector === null)
            ? [
                flaw(
                  placed,
                  ["spec", "advertisements", at],
                  `The ${advertisementType} advertisement has no selector, so it announces nothing.`,
                  "Write selector.matchLabels; for all, selector.matchExpressions: [{key: unused, operator: DoesNotExist}].",
                ),
              ]
            : [],
        ),
      ),
  },
  {
    code: "GB-1308",
    severity: "error",
    title: "The advertisement's type fits the IPAM mode and the Service settings.",
    korean: "광고 종류는 IPAM 모드와 서비스 설정에 맞아야 합니다.",
    reason:
      "PodCIDR works with IPAM kubernetes and cluster-pool, CiliumPodIPPool with multi-pool; a ClusterIP is answered from outside only with bpf.lbExternalClusterIP (Documentation/network/bgp-control-plane).",
    check: (subject) => {
      const values = chartValues(subject);
      if (values === undefined) return [];
      const mode = values.text("ipam.mode");
      return objectsOf(subject, "cilium.io", ["CiliumBGPAdvertisement"]).flatMap((placed) =>
        records(placed.spec.advertisements).flatMap(({ at, item: { advertisementType, service } }) => {
          const path = ["spec", "advertisements", at];
          if (advertisementType === "PodCIDR" && !["kubernetes", "cluster-pool"].includes(mode)) {
            const fix = mode === "multi-pool" ? "Write CiliumPodIPPool with a selector." : "Take it out.";
            return [
              flaw(placed, [...path, "advertisementType"], `PodCIDR announces nothing with ipam.mode ${mode}.`, fix),
            ];
          }
          if (advertisementType === "CiliumPodIPPool" && mode !== "multi-pool") {
            const message = `CiliumPodIPPool announces nothing with ipam.mode ${mode}.`;
            return [flaw(placed, [...path, "advertisementType"], message, "Write PodCIDR, without a selector.")];
          }
          return advertisementType === "Service" &&
            list(record(service).addresses).includes("ClusterIP") &&
            !values.on("bpf.lbExternalClusterIP")
            ? [
                flaw(
                  placed,
                  [...path, "service", "addresses"],
                  "ClusterIP is announced, but nodes do not answer for ClusterIPs from outside.",
                  "Write bpf.lbExternalClusterIP: true in the Helm values.",
                ),
              ]
            : [];
        }),
      );
    },
  },
  {
    code: "GB-1311",
    severity: "warning",
    title: "Only Cilium speaks BGP on the nodes.",
    korean: "노드에서는 Cilium만 BGP를 써야 합니다.",
    reason:
      "Two speakers on one node announce to the same router from the same address; the router keeps one session and routes flap.",
    check: (subject) => {
      if (objectsOf(subject, "cilium.io", ["CiliumBGPClusterConfig", "CiliumBGPPeeringPolicy"]).length === 0) return [];
      return allObjects(subject).flatMap((placed) => {
        const speaker = otherSpeaker(placed);
        return speaker === undefined
          ? []
          : [
              flaw(
                placed,
                ["kind"],
                `${placed.kind} ${placed.name} makes ${speaker} speak BGP beside Cilium.`,
                "Let one of them announce: give these Services to Cilium, or take the CiliumBGPClusterConfig out.",
              ),
            ];
      });
    },
  },
  ...bgpSessionRules,
  ...bgpReferenceRules,
]);

/** Which other software an object makes a BGP speaker of. */
function otherSpeaker({ group, kind, object, spec }: Placed): string | undefined {
  if (group === "metallb.io" && kind === "BGPPeer") return "MetalLB";
  if (group === "crd.projectcalico.org" && kind === "BGPPeer") return "Calico";
  const pod = kind === "Pod" ? spec : record(record(spec.template).spec);
  const speaks = records(pod.containers).some(
    ({ item: { image, env } }) =>
      text(image).includes("kube-vip") &&
      records(env).some(({ item: { name, value } }) => name === "bgp_enable" && value === "true"),
  );
  return speaks && object.kind !== undefined ? "kube-vip" : undefined;
}
