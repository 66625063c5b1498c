import { list, record } from "../../components/config/untyped.ts";
import { checkOldRules, oldRulesOf } from "./cilium-kafka.ts";
import { checkHttp, l7Of } from "./cilium-l7.ts";
import type { Direction, L4Protocol, PortProtocol, PortRule } from "./entry.ts";
import type { PolicyContext } from "./policy-context.ts";
import { protocols } from "./port-sets.ts";

type Fields = Readonly<Record<string, unknown>>;

const most = 40;
const portless: readonly string[] = ["VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH"];
/** ICMP has fields of its own (`icmps`). */
const portProtocols: readonly L4Protocol[] = [...protocols.filter((name) => !name.startsWith("ICMP")), "ANY"];

/** A port's name as IANA has them: letters, digits and single dashes, with a letter, at most 15 (RFC 6335). */
export function isServiceName(text: string): boolean {
  return text.length <= 15 && /^[a-zA-Z0-9-]*[a-zA-Z][a-zA-Z0-9-]*$/.test(text) && !/^-|--|-$/.test(text);
}

/** A number as Go's `strconv.ParseUint(text, 0, 16)` reads it: a leading 0 makes it octal. */
function portNumber(text: string): number | undefined {
  const digits = text.replaceAll("_", "");
  const value = /^[1-9](_?\d)*$|^0$/.test(text)
    ? Number(digits)
    : /^0(_?[0-7])+$/.test(text)
      ? Number(`0o${digits.slice(1)}`)
      : /^0([xX](_?[0-9a-fA-F])+|[oO](_?[0-7])+|[bB](_?[01])+)$/.test(text)
        ? Number(digits.toLowerCase())
        : undefined;
  return value === undefined || value > 65_535 ? undefined : value;
}

function protocolOf(value: unknown): L4Protocol {
  const upper = typeof value === "string" ? value.toUpperCase() : "ANY";
  return portProtocols.find((known) => known === upper) ?? "ANY";
}

/** One of `ports`; `undefined` for a port that is refused. */
function portOf(body: Fields, path: string, dns: boolean, { refusals }: PolicyContext): PortProtocol | undefined {
  const port = typeof body.port === "string" ? body.port : "";
  const protocol = protocolOf(body.protocol);
  const last = typeof body.endPort === "number" && body.endPort > 0 ? { endPort: body.endPort } : {};
  if (port === "") {
    refusals.add(`${path}.port`, "the port is missing", 'Write a number or a name in quotes; "0" is every port.');
    return undefined;
  }
  if (isServiceName(port)) return { protocol, port: port.toLowerCase(), ...last };
  if (port !== "0" && portless.includes(protocol)) {
    refusals.add(`${path}.port`, `${protocol} has no ports`, 'Write "0".');
    return undefined;
  }
  const number = portNumber(port);
  if (number === undefined) {
    refusals.add(`${path}.port`, `"${port}" is neither a port number nor a port name`, "Write 0 to 65535 or a name.");
    return undefined;
  }
  if (dns && last.endPort !== undefined && last.endPort > number) {
    refusals.add(`${path}.endPort`, "DNS rules take no range of ports", "List the ports one by one.");
  }
  return { protocol, port: number, ...last };
}

/** One item of `toPorts` of an entry that allows. */
function portRule(item: Fields, path: string, direction: Direction, context: PolicyContext): PortRule {
  const { refusals } = context;
  const rules = record(item.rules);
  const [http, dns] = [list(rules.http), list(rules.dns)];
  const old = oldRulesOf(rules, context.minor);
  const written = list(item.ports);
  const l7 = http.length + dns.length + old.kafka.length + old.generic.length > 0;
  if (direction === "ingress" && dns.length > 0) {
    refusals.add(`${path}.rules.dns`, "DNS rules act on egress only", "Move them to an egress entry.");
  }
  const servers = list(item.serverNames);
  // The list is a set in the CRD (x-kubernetes-list-type).
  if (new Set(servers).size < servers.length) {
    refusals.add(`${path}.serverNames`, "a name stands there twice", "Delete one of the two.");
  }
  if (servers.length > 0 && l7 && item.terminatingTLS === undefined) {
    refusals.add(`${path}.serverNames`, "serverNames beside L7 rules need TLS that ends here", "Write terminatingTLS.");
  }
  if (written.length > most) refusals.add(`${path}.ports`, `${written.length} ports`, `Write at most ${most}.`);
  const ports = written.flatMap((port, index) => {
    const at = `${path}.ports[${index}]`;
    const found = portOf(record(port), at, dns.length > 0, context);
    if (found === undefined) return [];
    if (l7 && dns.length === 0 && found.protocol !== "TCP") {
      refusals.add(`${at}.protocol`, `L7 rules stand on ${found.protocol}`, "Write protocol: TCP.");
    }
    if (l7 && found.port === 0) refusals.add(`${at}.port`, "L7 rules stand on every port", "Write one port.");
    return [found];
  });
  if (item.listener !== undefined && direction === "ingress") {
    refusals.add(`${path}.listener`, "a listener acts on egress only", "Move it to an egress entry.");
  } else if (item.listener !== undefined && l7) {
    refusals.add(`${path}.listener`, "a listener stands beside L7 rules", "Write one of the two.");
  }
  checkHttp(http, `${path}.rules.http`, refusals);
  checkOldRules(old, `${path}.rules`, refusals);
  if (dns.length > 0 && written.length === 0) {
    refusals.add(`${path}.ports`, "DNS rules name no port", 'Write port: "53", protocol: ANY.');
  }
  const found = l7Of(item, old);
  return { ports, ...(found === undefined ? {} : { l7: found }) };
}

/** `toPorts` of an entry that allows. */
export function portRules(body: Fields, path: string, direction: Direction, context: PolicyContext): PortRule[] {
  return list(body.toPorts).map((item, index) =>
    portRule(record(item), `${path}.toPorts[${index}]`, direction, context),
  );
}

/** `toPorts` of an entry that denies: ports and nothing else. */
export function denyPortRules(body: Fields, path: string, direction: Direction, context: PolicyContext): PortRule[] {
  return list(body.toPorts).map((item, index) =>
    portRule({ ports: record(item).ports }, `${path}.toPorts[${index}]`, direction, context),
  );
}
