import { isIP } from "node:net";
import { closest } from "../../components/cilium/chart-keys.ts";
import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { carried, gatewayGroup, isCiliumGateway } from "./gateway-objects.ts";
import { flaw, minorOf, objectsOf, oneOf, type Placed, records, repeated, shown, text } from "./objects.ts";

const gateways = (subject: ObjectsSubject) => objectsOf(subject, gatewayGroup, ["Gateway"]);
const addressTypes = ["IPAddress", "Hostname", "NamedAddress"];
const protocols = ["HTTP", "HTTPS", "TLS", "TCP", "UDP"];

/** What is wrong with one listener, whatever its Gateway's class (Gateway API's own CEL rules). */
function listenerProblems(
  placed: Placed,
  at: number,
  { name, protocol, tls, hostname, allowedRoutes, port }: Readonly<Record<string, unknown>>,
  isCiliums: boolean,
): Violation[] {
  const path = ["spec", "listeners", at];
  const { mode, certificateRefs, options } = record(tls);
  const word = text(protocol);
  const kinds = carried[word];
  const known = protocols.includes(word);
  return [
    // Other controllers may have protocols of their own, such as TURN-UDP.
    ...(word !== "" && !known && (isCiliums || closest(word, protocols, 2) !== undefined)
      ? [flaw(placed, [...path, "protocol"], `Protocol ${word} does not exist.`, oneOf(word, protocols))]
      : []),
    ...(["HTTP", "TCP", "UDP"].includes(word) && tls !== undefined
      ? [
          flaw(
            placed,
            [...path, "tls"],
            `Listener ${text(name)} speaks ${word} and has tls, which the API server refuses.`,
            word === "HTTP" ? "Write protocol: HTTPS, or take tls out." : "Write protocol: TLS, or take tls out.",
          ),
        ]
      : []),
    ...((word === "HTTPS" || word === "TLS") && tls === undefined
      ? [
          flaw(
            placed,
            path,
            `Listener ${text(name)} speaks ${word} and has no tls.`,
            word === "HTTPS"
              ? "Write tls.certificateRefs: [{name: ...}] with a Secret of type kubernetes.io/tls."
              : "Write tls: {mode: Passthrough}, or tls.certificateRefs.",
          ),
        ]
      : []),
    ...(word === "HTTPS" && mode === "Passthrough"
      ? [
          flaw(
            placed,
            [...path, "tls", "mode"],
            `Listener ${text(name)} speaks HTTPS, which has to end here, but its mode is Passthrough.`,
            "Write protocol: TLS, with TLSRoutes.",
          ),
        ]
      : []),
    ...((word === "HTTPS" || word === "TLS") &&
    tls !== undefined &&
    mode !== "Passthrough" &&
    list(certificateRefs).length === 0 &&
    Object.keys(record(options)).length === 0
      ? [
          flaw(
            placed,
            [...path, "tls"],
            `Listener ${text(name)} ends TLS without a certificate.`,
            "Write tls.certificateRefs: [{name: ...}] with a Secret of type kubernetes.io/tls.",
          ),
        ]
      : []),
    ...records(certificateRefs)
      .filter(({ item }) => isCiliums && ((item.kind ?? "Secret") !== "Secret" || (item.group ?? "") !== ""))
      .map((ref) =>
        flaw(
          placed,
          [...path, "tls", "certificateRefs", ref.at],
          `A certificate is a Secret, not ${[text(ref.item.group), text(ref.item.kind)].filter(Boolean).join("/")}.`,
          "Take group and kind out, and name a Secret of type kubernetes.io/tls.",
        ),
      ),
    ...((word === "TCP" || word === "UDP") && text(hostname) !== ""
      ? [
          flaw(
            placed,
            [...path, "hostname"],
            `Listener ${text(name)} speaks ${word}, which carries no host name; the API server refuses it.`,
            "Take hostname out.",
          ),
        ]
      : []),
    ...(kinds === undefined
      ? []
      : records(record(allowedRoutes).kinds)
          .filter(({ item }) => text(item.kind).endsWith("Route") && !kinds.includes(text(item.kind)))
          .map((kind) =>
            flaw(
              placed,
              [...path, "allowedRoutes", "kinds", kind.at],
              `A listener that speaks ${word} carries no ${text(kind.item.kind)}.`,
              `Write ${kinds.join(" or ")}.`,
            ),
          )),
    ...(record(record(allowedRoutes).namespaces).selector !== undefined &&
    record(record(allowedRoutes).namespaces).from !== "Selector"
      ? [
          flaw(
            placed,
            [...path, "allowedRoutes", "namespaces"],
            `The selector is not used: from is ${shown(record(record(allowedRoutes).namespaces).from ?? "Same")}.`,
            "Write from: Selector.",
          ),
        ]
      : []),
    ...(record(record(allowedRoutes).namespaces).from === "Selector" &&
    record(record(allowedRoutes).namespaces).selector === undefined
      ? [
          flaw(
            placed,
            [...path, "allowedRoutes", "namespaces"],
            "from is Selector, but there is no selector: no namespace is allowed.",
            "Write selector.matchLabels.",
          ),
        ]
      : []),
    ...((word === "HTTP" && port === 443) || (word === "HTTPS" && port === 80)
      ? [
          flaw(
            placed,
            [...path, "port"],
            `Listener ${text(name)} speaks ${word} on port ${port}.`,
            word === "HTTP" ? "Write port: 80, or protocol: HTTPS with tls." : "Write port: 443.",
          ),
        ]
      : []),
  ];
}

export const gatewayListenerRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1407",
    severity: "error",
    title: "A listener's protocol, TLS, host name and routes go together.",
    korean: "리스너의 프로토콜, TLS, 호스트 이름, 라우트 종류는 서로 맞아야 합니다.",
    reason:
      "The API server refuses most of these; the rest gives a listener that carries nothing (kubernetes-sigs/gateway-api apis/v1/gateway_types.go).",
    check: (subject) =>
      gateways(subject).flatMap((placed) => {
        const listeners = records(placed.spec.listeners);
        return [
          ...listeners.flatMap(({ at, item }) => listenerProblems(placed, at, item, isCiliumGateway(subject, placed))),
          ...records(placed.spec.addresses)
            .filter(
              ({ item }) =>
                (item.type ?? "IPAddress") === "IPAddress" && text(item.value) !== "" && isIP(text(item.value)) === 0,
            )
            .map(({ at, item }) =>
              flaw(
                placed,
                ["spec", "addresses", at],
                `Address "${text(item.value)}" is no IP address.`,
                "Write value: with an address such as 10.90.0.10.",
              ),
            ),
          ...records(placed.spec.addresses)
            .filter(({ item }) => item.type !== undefined && !addressTypes.includes(text(item.type)))
            .filter(({ item }) => !text(item.type).includes("/"))
            .map(({ at, item }) =>
              flaw(
                placed,
                ["spec", "addresses", at, "type"],
                `There is no address type ${shown(item.type)}.`,
                oneOf(text(item.type), addressTypes),
              ),
            ),
          ...repeated(listeners, ({ item }) => text(item.name) || undefined).map(({ at, item }) =>
            flaw(
              placed,
              ["spec", "listeners", at, "name"],
              `Two listeners are named ${text(item.name)}.`,
              "Give one of them another name.",
            ),
          ),
          ...repeated(listeners, ({ item }) => `${shown(item.port)} ${text(item.protocol)} ${text(item.hostname)}`).map(
            ({ at, item }) =>
              flaw(
                placed,
                ["spec", "listeners", at],
                `Two listeners have port ${shown(item.port)}, protocol ${text(item.protocol)} and hostname ${text(item.hostname) || "of any"}.`,
                "Write another port or hostname, or take one of them out.",
              ),
          ),
        ];
      }),
  },
  {
    code: "GB-1408",
    severity: "error",
    title: "Listeners of Cilium's Gateways speak what this Cilium can carry.",
    korean: "Cilium Gateway의 리스너 프로토콜은 해당 Cilium이 지원하는 것이어야 합니다.",
    reason:
      "TCP and UDP came with 1.20; before, such a listener is left out (cilium operator/pkg/model/ingestion/gateway.go).",
    check: (subject) =>
      minorOf(subject.cilium) >= 20
        ? []
        : gateways(subject)
            .filter((placed) => isCiliumGateway(subject, placed))
            .flatMap((placed) =>
              records(placed.spec.listeners)
                .filter(({ item }) => ["TCP", "UDP"].includes(text(item.protocol)))
                .map(({ at, item }) =>
                  flaw(
                    placed,
                    ["spec", "listeners", at, "protocol"],
                    `Cilium ${subject.cilium} carries no ${text(item.protocol)} listeners.`,
                    "Use Cilium 1.20, or a Service of type LoadBalancer.",
                  ),
                ),
            ),
  },
  {
    code: "GB-1409",
    severity: "error",
    title: "A Gateway's class exists.",
    korean: "Gateway의 gatewayClassName은 실제로 있는 클래스여야 합니다.",
    reason: "Nothing reads a Gateway of an unknown class; its status stays empty.",
    check: (subject) => {
      const classes = objectsOf(subject, gatewayGroup, ["GatewayClass"]).map(({ name }) => name);
      const known = [...classes, "cilium"];
      return gateways(subject).flatMap((placed) => {
        const name = text(placed.spec.gatewayClassName);
        const near = closest(name, known, 2);
        return name === "" || known.includes(name) || (near === undefined && !subject.complete)
          ? []
          : [
              flaw(
                placed,
                ["spec", "gatewayClassName"],
                `There is no GatewayClass ${name}.`,
                near === undefined ? `Write ${known.join(" or ")}.` : `Did you mean ${near}?`,
              ),
            ];
      });
    },
  },
  {
    code: "GB-1410",
    severity: "error",
    title: "Annotations for the load balancer stand in the Gateway's infrastructure.",
    korean: "로드밸런서용 애너테이션은 Gateway의 spec.infrastructure.annotations에 적어야 합니다.",
    reason:
      "Only spec.infrastructure and spec.addresses reach the Service that Cilium makes (cilium operator/pkg/model/ingestion/gateway.go).",
    check: (subject) =>
      gateways(subject)
        .filter((placed) => isCiliumGateway(subject, placed))
        .flatMap((placed) =>
          Object.keys(placed.annotations)
            .filter((key) => /^(lbipam|service|nodeipam)\.cilium\.io\/|^io\.cilium\/lb-ipam/.test(key))
            .map((key) =>
              flaw(
                placed,
                ["metadata", "annotations", key],
                `${key} does nothing in the metadata of a Gateway.`,
                key.endsWith("ips")
                  ? "Write spec.addresses: [{type: IPAddress, value: ...}]."
                  : "Write it below spec.infrastructure.annotations.",
              ),
            ),
        ),
  },
];
