import { list, record } from "../../components/config/untyped.ts";
import type { PortProtocol, PortRule } from "./entry.ts";
import type { PolicyContext } from "./policy-context.ts";

/** Types by the names that policies take (RFC 792 and RFC 4443; `pkg/policy/api/icmp.go`). */
const names: Readonly<Record<"ICMP" | "ICMPV6", Readonly<Record<string, number>>>> = {
  ICMP: {
    EchoReply: 0,
    DestinationUnreachable: 3,
    Redirect: 5,
    Echo: 8,
    EchoRequest: 8,
    RouterAdvertisement: 9,
    RouterSelection: 10,
    TimeExceeded: 11,
    ParameterProblem: 12,
    Timestamp: 13,
    TimestampReply: 14,
    Photuris: 40,
    ExtendedEchoRequest: 42,
    ExtendedEchoReply: 43,
  },
  ICMPV6: {
    DestinationUnreachable: 1,
    PacketTooBig: 2,
    TimeExceeded: 3,
    ParameterProblem: 4,
    EchoRequest: 128,
    EchoReply: 129,
    MulticastListenerQuery: 130,
    MulticastListenerReport: 131,
    MulticastListenerDone: 132,
    RouterSolicitation: 133,
    RouterAdvertisement: 134,
    NeighborSolicitation: 135,
    NeighborAdvertisement: 136,
    RedirectMessage: 137,
    RouterRenumbering: 138,
    ICMPNodeInformationQuery: 139,
    ICMPNodeInformationResponse: 140,
    InverseNeighborDiscoverySolicitation: 141,
    InverseNeighborDiscoveryAdvertisement: 142,
    HomeAgentAddressDiscoveryRequest: 144,
    HomeAgentAddressDiscoveryReply: 145,
    MobilePrefixSolicitation: 146,
    MobilePrefixAdvertisement: 147,
    DuplicateAddressRequestCodeSuffix: 157,
    DuplicateAddressConfirmationCodeSuffix: 158,
    ExtendedEchoRequest: 160,
    ExtendedEchoReply: 161,
  },
};

function fieldOf(field: unknown, path: string, { refusals }: PolicyContext): PortProtocol[] {
  const { family, type } = record(field);
  const protocol = family === "IPv6" ? "ICMPV6" : "ICMP";
  const port = typeof type === "number" ? numbered(type) : named(String(type), protocol);
  if (port !== undefined) return [{ protocol, port }];
  const fix = "Write the type's number, or a name of its family.";
  refusals.add(`${path}.type`, `"${String(type)}" is no type of ${protocol}`, fix);
  return [];
}

/** The agent decodes 32 bits, and keeps what fits into 16; a number below zero becomes every type. */
function numbered(type: number): number | undefined {
  return Math.abs(type) < 2 ** 31 ? Math.min(Math.max(type, 0), 65_535) : undefined;
}

/** Digits or a name; the CRD takes no others. */
function named(type: string, protocol: "ICMP" | "ICMPV6"): number | undefined {
  return names[protocol][type] ?? (/^\d+$/.test(type) ? Number(type) : undefined);
}

/** `icmps` of an entry: their types stand where ports stand. */
export function icmpRules(body: Readonly<Record<string, unknown>>, path: string, context: PolicyContext): PortRule[] {
  const icmps = list(body.icmps);
  if (icmps.length > 0 && list(body.toPorts).length > 0) {
    context.refusals.add(`${path}.icmps`, "icmps and toPorts stand in one entry", "Write an entry for each.");
  }
  return icmps.map((item, index) => {
    const fields = list(record(item).fields);
    const at = `${path}.icmps[${index}].fields`;
    return { ports: fields.flatMap((field, number) => fieldOf(field, `${at}[${number}]`, context)) };
  });
}
