import { list } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import {
  asText,
  type Entry,
  entriesOf,
  type Fields,
  type PortRule,
  portRulesIn,
  portRulesOf,
  record,
  records,
  violation,
} from "./policy-view.ts";

const rejected = "so Cilium refuses the whole policy: nothing is enforced";
const portless = ["VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH"];
/** A port's name as IANA writes services, with at least one letter; the length is checked apart. */
const portName = /^([a-zA-Z0-9]-?)*[a-zA-Z](-?[a-zA-Z0-9])*$/;

/** Cilium's limit per element of toPorts (pkg/policy/api/rule_validation.go, maxPorts). */
const mostPorts = 40;

/** A port's number as Go parses it with base 0, or `undefined` for a name. */
function numberOf(port: string): number | undefined {
  if (port.length <= 15 && portName.test(port)) return undefined;
  return /^(0|[1-9]\d*)$/.test(port) ? Number(port) : Number.NaN;
}

function portProblems(path: readonly PropertyKey[], { port, endPort, protocol }: Fields, dns: boolean): Violation[] {
  const found: Violation[] = [];
  if (port === undefined || port === "") {
    return portless.includes(asText(protocol))
      ? []
      : [
          violation(
            path,
            `An element of ports has no port, ${rejected}.`,
            'Write port: "443", or port: "0" for every port.',
          ),
        ];
  }
  // What neither starts with a digit nor is a name is the CRD's to refuse.
  if (typeof port !== "string" || !(/^\d/.test(port) || portName.test(port))) return [];
  const number = numberOf(port);
  if (number !== undefined && !(number <= 65_535)) {
    const name = portName.test(port) ? " and too long for a name (15 characters)" : "";
    found.push(
      violation(
        [...path, "port"],
        `"${port}" is no port${name}, ${rejected}.`,
        "Write a number from 1 to 65535, or the name of a container port.",
      ),
    );
  }
  if (number !== 0 && number !== undefined && portless.includes(asText(protocol))) {
    found.push(violation([...path, "port"], `${asText(protocol)} has no ports, ${rejected}.`, "Delete the port."));
  }
  if (typeof endPort !== "number" || endPort === 0) return found;
  if (number === undefined) {
    found.push(
      violation(
        [...path, "endPort"],
        `endPort beside the name ${port} makes no range.`,
        "Write the first port as a number.",
      ),
    );
  } else if (endPort < number) {
    found.push(
      violation(
        [...path, "endPort"],
        `The range ends at ${endPort}, before it starts at ${port}: only ${port} is meant.`,
        `Write endPort: ${number} or more, or swap the two.`,
      ),
    );
  } else if (dns && endPort > number) {
    found.push(
      violation([...path, "endPort"], `DNS rules take no range of ports, ${rejected}.`, 'Write port: "53" alone.'),
    );
  }
  return found;
}

function icmpProblems(entry: Entry): Violation[] {
  const found: Violation[] = [];
  const { body, path } = entry;
  if (list(body.icmps).length > 0 && list(body.toPorts).length > 0) {
    found.push(
      violation(
        [...path, "icmps"],
        `icmps and toPorts stand in one entry, ${rejected}.`,
        "Write one entry with icmps and one with toPorts.",
      ),
    );
  }
  for (const rule of records(body.icmps, [...path, "icmps"])) {
    for (const field of records(rule.body.fields, [...rule.path, "fields"])) {
      const { type, family = "IPv4" } = field.body;
      if (typeof type === "number" ? type >= 0 && type <= 255 : typeof type !== "string" || /^\d+$/.test(type))
        continue;
      const names = family === "IPv6" ? icmpNames.IPv6 : icmpNames.IPv4;
      if (typeof type === "string" && names.includes(type)) continue;
      found.push(
        violation(
          [...field.path, "type"],
          `ICMP of ${asText(family)} has no type ${asText(type)}, so the policy cannot be read.`,
          `Write a number from 0 to 255, or one of ${names.slice(0, 6).join(", ")}, ...`,
        ),
      );
    }
  }
  return found;
}

/** Names of types by family (pkg/policy/api/icmp.go). */
const icmpNames = {
  IPv4: "EchoReply EchoRequest Echo DestinationUnreachable TimeExceeded Redirect RouterAdvertisement RouterSelection ParameterProblem Timestamp TimestampReply Photuris ExtendedEchoRequest ExtendedEchoReply".split(
    " ",
  ),
  IPv6: "EchoRequest EchoReply DestinationUnreachable PacketTooBig TimeExceeded ParameterProblem MulticastListenerQuery MulticastListenerReport MulticastListenerDone RouterSolicitation RouterAdvertisement NeighborSolicitation NeighborAdvertisement RedirectMessage RouterRenumbering ICMPNodeInformationQuery ICMPNodeInformationResponse InverseNeighborDiscoverySolicitation InverseNeighborDiscoveryAdvertisement HomeAgentAddressDiscoveryRequest HomeAgentAddressDiscoveryReply MobilePrefixSolicitation MobilePrefixAdvertisement DuplicateAddressRequestCodeSuffix DuplicateAddressConfirmationCodeSuffix ExtendedEchoRequest ExtendedEchoReply".split(
    " ",
  ),
};

function hasDns({ rules }: PortRule): boolean {
  return list(rules.dns).length > 0;
}

/** Rules that are read at all: an empty list enforces nothing. */
function l7Of({ rules }: PortRule): string[] {
  return ["http", "dns", "kafka", "l7"].filter((protocol) => list(rules[protocol]).length > 0);
}

function placement(rule: PortRule): Violation[] {
  const { entry, path, body } = rule;
  const found: Violation[] = [];
  const protocols = l7Of(rule);
  const [protocol] = protocols;
  const host = entry.part.body.nodeSelector !== undefined;
  if (hasDns(rule) && entry.direction === "ingress") {
    found.push(
      violation(
        [...path, "rules", "dns"],
        `DNS rules stand in ingress, ${rejected}.`,
        "Move the entry to egress of the pods that ask; ingress of the DNS server allows port 53 only.",
      ),
    );
  }
  if (host && protocol !== undefined && (entry.direction === "ingress" || protocol !== "dns")) {
    found.push(
      violation(
        [...path, "rules"],
        `A policy of nodes has ${protocol.toUpperCase()} rules in ${entry.direction}, ${rejected}.`,
        "Delete the rules; a host policy ends at the port (DNS in egress aside).",
      ),
    );
  }
  if (protocol !== undefined && protocol !== "dns") {
    for (const port of records(body.ports, [...path, "ports"])) {
      const { protocol: transport = "ANY" } = port.body;
      if (transport === "TCP") continue;
      const missing = port.body.protocol === undefined ? "without a protocol means ANY" : `is ${asText(transport)}`;
      found.push(
        violation(
          port.path,
          `${protocol.toUpperCase()} rules need TCP, and port ${asText(port.body.port)} ${missing}, ${rejected}.`,
          "Write protocol: TCP.",
        ),
      );
    }
  }
  if (protocol !== undefined && records(body.ports, []).some((port) => port.body.port === "0")) {
    found.push(
      violation(
        [...path, "ports"],
        `${protocol.toUpperCase()} rules stand on port 0 (every port), ${rejected}.`,
        "Name the port.",
      ),
    );
  }
  if (
    body.serverNames !== undefined &&
    list(body.serverNames).length > 0 &&
    protocol !== undefined &&
    body.terminatingTLS === undefined
  ) {
    found.push(
      violation(
        [...path, "serverNames"],
        `serverNames and ${protocol.toUpperCase()} rules stand together without terminatingTLS, ${rejected}.`,
        "Write terminatingTLS.secret, or delete the rules: without it Cilium sees the server's name, not the requests.",
      ),
    );
  }
  const listener = record(body.listener);
  if (listener !== undefined && entry.direction === "ingress") {
    found.push(
      violation([...path, "listener"], `A listener stands in ingress, ${rejected}.`, "Listeners are for egress only."),
    );
  }
  if (listener !== undefined && protocol !== undefined) {
    found.push(
      violation(
        [...path, "listener"],
        `A listener stands beside ${protocol.toUpperCase()} rules, ${rejected}.`,
        "Delete one of the two.",
      ),
    );
  }
  if (rule.rules.l7 !== undefined && rule.rules.l7proto === undefined) {
    found.push(
      violation(
        [...path, "rules", "l7"],
        `l7 stands without l7proto, ${rejected}.`,
        "Write l7proto with the parser's name.",
      ),
    );
  }
  const tls = ["terminatingTLS", "originatingTLS"].filter((field) => body[field] !== undefined);
  if (tls.includes("originatingTLS") && !tls.includes("terminatingTLS") && protocol !== undefined) {
    found.push(
      violation(
        [...path, "originatingTLS"],
        "originatingTLS stands without terminatingTLS: Cilium cannot read the requests that it would encrypt again.",
        "Write both, or, for requests that leave the pod in clear, delete this line if you did not mean it.",
      ),
    );
  }
  return found;
}

export const policyPortRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1218",
    severity: "error",
    title: "toPorts of a Cilium policy lists ports: numbers up to 65535 or names, in ranges that run upwards.",
    korean: "toPorts에는 65535 이하의 번호나 이름으로 포트를 적고, 범위는 작은 쪽에서 큰 쪽으로 씁니다.",
    reason:
      "The CRD's pattern takes 99999 and the agent refuses it; a range that runs backwards is read as its first port (pkg/policy/api/rule_validation.go, pkg/policy/portrange.go).",
    check: (subject) =>
      portRulesIn(subject).flatMap((rule) => [
        ...(list(rule.body.ports).length === 0 && (rule.body.ports === undefined || Array.isArray(rule.body.ports))
          ? [
              violation(
                rule.path,
                `An element of toPorts has no ports, so it ${rule.entry.deny ? "refuses" : "allows"} nothing.`,
                'Write ports: [{port: "443", protocol: TCP}]; port "0" means every port.',
              ),
            ]
          : []),
        ...records(rule.body.ports, [...rule.path, "ports"]).flatMap(({ path, body }) =>
          portProblems(path, body, hasDns(rule)),
        ),
        ...(rule.entry.deny && list(rule.body.ports).length > mostPorts
          ? [
              violation(
                [...rule.path, "ports"],
                `${list(rule.body.ports).length} ports stand in one element, ${rejected}.`,
                `Write at most ${mostPorts} in each element of toPorts, or a range with endPort.`,
              ),
            ]
          : []),
      ]),
  },
  {
    code: "GB-1219",
    severity: "error",
    title: "ICMP rules stand alone in their entry and name types that exist.",
    korean: "icmps는 toPorts와 같은 항목에 쓸 수 없고, 실제로 있는 타입만 씁니다.",
    reason: "The ICMPs block may only be present without toPorts (pkg/policy/api/rule_validation.go, icmp.go).",
    check: (subject) => entriesOf(subject).flatMap(icmpProblems),
  },
  {
    code: "GB-1220",
    severity: "error",
    title: "L7 rules stand where Cilium can enforce them.",
    korean: "L7 규칙은 Cilium이 적용할 수 있는 위치에만 씁니다.",
    reason:
      "HTTP only on TCP, DNS only in egress, no L7 at host ingress, and so on: Cilium refuses the policy (pkg/policy/api/rule_validation.go).",
    check: (subject) => portRulesIn(subject).flatMap(placement),
  },
  {
    code: "GB-1221",
    severity: "warning",
    title: "A list of L7 rules is not empty.",
    korean: "L7 규칙 목록을 비워 두지 않습니다.",
    reason:
      "`http: []` is the same as no rules: every request passes. `http: [{}]` also lets every request pass, but shows it in Hubble (pkg/policy/api/l4.go, IsEmpty).",
    check: (subject) =>
      entriesOf(subject).flatMap((entry) =>
        portRulesOf(entry).flatMap(({ path, rules }) =>
          ["http", "dns"]
            .filter((protocol) => Array.isArray(rules[protocol]) && list(rules[protocol]).length === 0)
            .map((protocol) =>
              violation(
                [...path, "rules", protocol],
                `\`${protocol}: []\` enforces nothing: the port is open to every request.`,
                `List what may pass; ${protocol === "http" ? "http: [{}]" : 'dns: [{matchPattern: "*"}]'} if you only want to see the requests.`,
              ),
            ),
        ),
      ),
  },
];
