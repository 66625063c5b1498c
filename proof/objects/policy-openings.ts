import { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { list } from "../../components/config/untyped.ts";
import { endpointSelector } from "../reachability/cilium-peers.ts";
import type { Requirement } from "../reachability/entry.ts";
import { peerOf } from "../reachability/kubernetes-policy.ts";
import type { PeerContext } from "../reachability/policy-context.ts";
import { conditionsOf, requirementsOf, selectsInit } from "../reachability/selectors.ts";
import { serviceSelectors } from "../reachability/service-peers.ts";
import { type ServiceFacts, servicesOf } from "../reachability/services.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import {
  asText,
  type Entry,
  entriesOf,
  type Fields,
  isNetworkPolicy,
  matching,
  metadataOf,
  minorOf,
  type Path,
  record,
  records,
  shown,
  violation,
} from "./policy-view.ts";

/** Where Cilium opens, or closes, more than what is written. */

/** The chart's defaults where nobody gave values. */
function optionsOf({ cilium, values }: ObjectsSubject): PeerContext["options"] {
  const effective = new EffectiveValues(cilium, values ?? {});
  return {
    cluster: effective.text("cluster.name"),
    policyDefaultLocalCluster: effective.on("clustermesh.policyDefaultLocalCluster"),
  };
}

function onlyExcludes(requirements: readonly Requirement[]): boolean {
  return (
    requirements.length > 0 && requirements.every(({ operator }) => operator === "NotIn" || operator === "DoesNotExist")
  );
}

function groupSelectors(subject: ObjectsSubject): Violation[] {
  const isOld = minorOf(subject) < 20;
  return entriesOf(subject).flatMap(({ path, body, deny }) =>
    ["fromCIDRSet", "toCIDRSet"].flatMap((field) =>
      records(body[field], [...path, field]).flatMap((set) => {
        const selector = record(set.body.cidrGroupSelector);
        if (selector === undefined) return [];
        const requirements = requirementsOf(conditionsOf(selector, "cidrgroup"));
        const isEmpty = requirements.length === 0;
        if (!(isEmpty || (isOld && onlyExcludes(requirements)))) return [];
        const limited = list(set.body.except).length > 0;
        const whom =
          limited && !isOld
            ? "every address outside of the cluster, in a group or not, but the exceptions"
            : "everyone, pods and nodes too, not only addresses in groups";
        const asks = isEmpty ? "asks for no label" : "asks only for labels that are missing";
        return [
          violation(
            [...set.path, "cidrGroupSelector"],
            `cidrGroupSelector ${asks}, so the entry ${deny ? "refuses" : "allows"} ${whom}.`,
            "Give the groups a label and ask for it: cidrGroupSelector: {matchLabels: {team: partners}}; or name one group with cidrGroupRef.",
          ),
        ];
      }),
    ),
  );
}

/** A peer by labels of an entry that allows, with what Cilium makes of it. */
interface Peer {
  readonly path: Path;
  readonly requirements: readonly Requirement[];
  /** What it could ask for, as YAML. */
  readonly addition: string;
}

function ciliumPeers(subject: ObjectsSubject, options: PeerContext["options"]): Peer[] {
  return entriesOf(subject).flatMap(({ part, path, body, deny }) => {
    if (deny) return [];
    // Which namespace it is makes no difference here.
    const context = part.clusterwide ? { options } : { options, namespace: part.namespace ?? "default" };
    return ["fromEndpoints", "toEndpoints"].flatMap((field) =>
      records(body[field], [...path, field]).map((peer): Peer => {
        const { requirements } = endpointSelector(peer.body, selectsInit(part.body.endpointSelector), context);
        const addition = 'matchExpressions: [{key: "k8s:io.kubernetes.pod.namespace", operator: Exists}, ...]';
        return { path: peer.path, requirements, addition };
      }),
    );
  });
}

function kubernetesPeers(subject: ObjectsSubject, options: PeerContext["options"]): Peer[] {
  return matching(subject, isNetworkPolicy).flatMap(({ index, object }) => {
    const spec = record(object.spec) ?? {};
    const { namespace = "default" } = metadataOf(object);
    return (["ingress", "egress"] as const).flatMap((direction) =>
      records(spec[direction], [index, "spec", direction]).flatMap(({ path, body }) => {
        const field = direction === "ingress" ? "from" : "to";
        return records(body[field], [...path, field]).flatMap((peer): Peer[] => {
          const selector = peerOf(peer.body, namespace, { namespace, options });
          const addition =
            "namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: Exists}, ...]}";
          return selector.kind === "labels" ? [{ path: peer.path, requirements: selector.requirements, addition }] : [];
        });
      }),
    );
  });
}

function negativePeers(subject: ObjectsSubject): Violation[] {
  const isOld = minorOf(subject) < 20;
  const options = optionsOf(subject);
  return (
    [...ciliumPeers(subject, options), ...kubernetesPeers(subject, options)]
      .filter(({ requirements }) => onlyExcludes(requirements))
      // Whoever writes about reserved labels knows that there is more than pods.
      .filter(({ requirements }) => !isOld || requirements.every(({ source }) => source !== "reserved"))
      .map(({ path, requirements, addition }) => {
        const conditions = requirements.map(({ source, key, operator, values }) =>
          [
            source === "reserved" ? `reserved:${key}` : key,
            operator,
            ...(values.length === 0 ? [] : [`[${values.join(", ")}]`]),
          ].join(" "),
        );
        const effect = isOld
          ? "nodes and addresses outside of the cluster have no such labels either, so they are allowed too"
          : "Cilium 1.20 takes such a peer for every pod, the excluded ones too, and for addresses outside";
        return violation(
          path,
          `The peer says only what it is not (${conditions.join(", ")}): ${effect}.`,
          `Add a label that the peers have: ${addition}`,
        );
      })
  );
}

/** Services of every cluster, which nobody writes. */
const builtIn: readonly ServiceFacts[] = [
  {
    name: "kubernetes",
    namespace: "default",
    labels: { component: "apiserver", provider: "kubernetes" },
    selector: {},
    addresses: ["192.0.2.1"],
  },
];

/** Ports and ICMP types that an entry limits itself to. */
function portsOf({ body }: Entry): string[] {
  const ports = records(body.toPorts, []).flatMap((item) => records(item.body.ports, []));
  const types = records(body.icmps, []).flatMap((item) => records(item.body.fields, []));
  return [
    ...ports.map(({ body: { port, protocol = "ANY" } }) => `${asText(port)}/${asText(protocol)}`),
    ...types.map(({ body: { type } }) => `ICMP ${asText(type)}`),
  ];
}

function placeOf(item: Fields): { readonly text: string; readonly namespace: unknown } {
  const service = record(item.k8sService);
  if (service === undefined) return { text: shown(item), namespace: record(item.k8sServiceSelector)?.namespace };
  const { serviceName, namespace } = service;
  return { text: [namespace ?? [], serviceName].flat().map(asText).join("/"), namespace };
}

function missingServices(subject: ObjectsSubject): Violation[] {
  if (!subject.complete) return [];
  const options = optionsOf(subject);
  const known = servicesOf(subject.objects);
  const services = [...builtIn, ...known];
  return entriesOf(subject).flatMap((entry) => {
    const ports = portsOf(entry);
    const items = records(entry.body.toServices, [...entry.path, "toServices"]);
    if (entry.deny || entry.direction === "ingress" || ports.length === 0 || items.length === 0) return [];
    const found = items.some(
      // Kubernetes and Cilium bring Services of their own there.
      ({ body }) =>
        placeOf(body).namespace === "kube-system" || serviceSelectors(body, { services, options }).length > 0,
    );
    if (found) return [];
    const names = items.map(({ body }) => placeOf(body).text).join(", ");
    const reason =
      known.length === 0
        ? `No Service stands among these objects, so nothing shows that ${names} exists: where it does not`
        : `No Service with pods or addresses is meant by ${names}: as long as that is so`;
    return [
      violation(
        [...entry.path, "toServices"],
        `${reason}, Cilium opens ${ports.join(", ")} to everyone, inside and outside.`,
        "Write toEndpoints with the labels of the Service's pods, which opens nothing where there are none; or add the Service.",
      ),
    ];
  });
}

function everyType(subject: ObjectsSubject): Violation[] {
  return entriesOf(subject).flatMap(({ path, body, deny }) =>
    records(body.icmps, [...path, "icmps"]).flatMap((rule) =>
      records(rule.body.fields, [...rule.path, "fields"]).flatMap((field) => {
        const { type, family = "IPv4" } = field.body;
        const isZero = type === 0 || type === "0" || (type === "EchoReply" && family !== "IPv6");
        if (!isZero) return [];
        const protocol = family === "IPv6" ? "ICMPv6" : "ICMP";
        return [
          violation(
            [...field.path, "type"],
            `${protocol} type ${asText(type)} is 0, which Cilium keeps as every type: the entry ${deny ? "refuses" : "allows"} all of ${protocol}.`,
            deny
              ? "Write type: EchoRequest to refuse pings, or name the types that are meant."
              : "Delete it: the reply to a request that is allowed passes by itself. Name the other types that are meant.",
          ),
        ];
      }),
    ),
  );
}

export const policyOpeningRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1249",
    severity: "error",
    title: "A cidrGroupSelector asks for a label that groups have.",
    korean: "cidrGroupSelector에는 CiliumCIDRGroup이 가진 레이블 조건을 하나 이상 적어야 합니다.",
    reason:
      "Without conditions it has the key of the selector of everyone, and pods and nodes match too; up to 1.19 so do conditions of NotIn and DoesNotExist alone (pkg/policy/api/cidr.go, pkg/policy/types/selector.go, pkg/policy/selectorcache_selector.go).",
    check: groupSelectors,
  },
  {
    code: "GB-1250",
    severity: "warning",
    title: "A peer asks for a label that it has, not only for labels that it has not.",
    korean: "상대(peer)에는 NotIn·DoesNotExist 조건만 쓰지 말고, 상대가 가진 레이블 조건을 하나 이상 적어야 합니다.",
    reason:
      "Up to 1.19 such a peer means nodes and the outside as well; 1.20 also looks peers up by the aggregate of all pods or addresses, which has none of the labels (pkg/policy/aggregate.go, pkg/policy/mapstate.go; pkg/k8s/apis/cilium.io/utils adds namespace and cluster to most).",
    check: negativePeers,
  },
  {
    code: "GB-1251",
    severity: "warning",
    title: "toServices beside ports means a Service that exists.",
    korean: "toServices를 toPorts와 함께 쓸 때는 가리키는 Service가 실제로 있어야 합니다.",
    reason:
      "A Service that is not there leaves the entry without peers, and ports without peers are open to everyone (pkg/policy/k8s/service.go, processRule; pkg/policy/types/selector.go, SelectsAllEndpoints).",
    check: missingServices,
  },
  {
    code: "GB-1252",
    severity: "warning",
    title: "ICMP rules do not name type 0.",
    korean: "icmps에는 타입 0(EchoReply)을 쓰지 않아야 합니다.",
    reason:
      "Types are kept where ports are, and 0 is the wildcard there: every type matches (pkg/policy/portrange.go, PortRangeToMaskedPorts; pkg/policy/types/types.go).",
    check: everyType,
  },
];
