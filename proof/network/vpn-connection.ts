import { z } from "zod";
import { Cidr, host } from "../../components/network/cidr.ts";
import { plannedAddress } from "../recorded.ts";
import { originOf, type StackResource, type TunnelEnd } from "./model.ts";
import { keyOf, type Resources, SecretText } from "./resources.ts";
import { gatewayType } from "./transit.ts";

export const vpnType = "aws:ec2/vpnConnection:VpnConnection";
export const customerType = "aws:ec2/customerGateway:CustomerGateway";

const Customer = z.object({ type: z.literal("ipsec.1"), bgpAsn: z.string().regex(/^\d+$/), ipAddress: z.string() });
const Vpn = z.looseObject({
  type: z.literal("ipsec.1"),
  transitGatewayId: z.string(),
  customerGatewayId: z.string(),
  staticRoutesOnly: z.boolean().default(false),
});
const TunnelOptions = z.object({
  insideCidr: Cidr.refine((inside) => inside.endsWith("/30"), { error: "a tunnel's inside is a /30" }),
  presharedKey: SecretText,
  ikeVersions: z.tuple([z.string()]),
  phase1EncryptionAlgorithms: z.tuple([z.string()]),
  phase1IntegrityAlgorithms: z.tuple([z.string()]),
  phase1DhGroupNumbers: z.tuple([z.int()]),
  phase2EncryptionAlgorithms: z.tuple([z.string()]),
  phase2IntegrityAlgorithms: z.tuple([z.string()]),
  phase2DhGroupNumbers: z.tuple([z.int()]),
  phase2LifetimeSeconds: z.int(),
  startupAction: z.string().optional(),
  dpdTimeoutAction: z.string().optional(),
});

/** What the Transit Gateway does with a VPN connection. */
export interface VpnContext {
  readonly asnOf: (gateway: StackResource) => number | undefined;
  readonly associated: (vpn: StackResource) => StackResource | undefined;
  readonly propagatesTo: (
    vpn: StackResource,
  ) => { readonly table: StackResource; readonly propagation: StackResource }[];
}

/** The AWS ends of all tunnels: two per VPN connection. */
export function vpnEnds(resources: Resources, context: VpnContext): TunnelEnd[] {
  const customers = new Map(
    resources.ofType(customerType, Customer).map((each) => [keyOf(each.resource), each.inputs]),
  );
  return resources.ofType(vpnType, Vpn).flatMap(({ resource, inputs }) => {
    const gateway = resources.referred(resource, "transitGatewayId", gatewayType, inputs.transitGatewayId);
    const found = resources.referred(resource, "customerGatewayId", customerType, inputs.customerGatewayId);
    const customer = found && customers.get(keyOf(found));
    const table = context.associated(resource);
    return ([1, 2] as const).flatMap((number): TunnelEnd[] => {
      const options = tunnelOptions(resources, resource, inputs, number);
      if (!options || !gateway || !customer) return [];
      return [
        {
          side: "aws",
          label: `VPN connection ${resource.name}, tunnel ${number}`,
          origin: originOf(resource, `tunnel ${number}`),
          address: host(options.insideCidr, 1),
          peerAddress: host(options.insideCidr, 2),
          asn: context.asnOf(gateway),
          peerAsn: Number(customer.bgpAsn),
          dials: customer.ipAddress,
          own: plannedAddress(resource.id, number === 1 ? "tunnel1Address" : "tunnel2Address"),
          key: options.presharedKey,
          proposal: proposal(options),
          problems: [
            ...(inputs.staticRoutesOnly ? ["staticRoutesOnly is true, so it speaks no BGP"] : []),
            ...(table ? [] : [`the attachment of ${resource.name} is associated with no Transit Gateway table`]),
          ],
          router: table && keyOf(table),
          announces: table ? { kind: "router", router: keyOf(table) } : { kind: "blocks", blocks: [] },
          learners: context.propagatesTo(resource).map((one) => ({
            router: keyOf(one.table),
            preference: 1,
            origin: originOf(one.propagation),
          })),
        },
      ];
    });
  });
}

function tunnelOptions(
  resources: Resources,
  resource: StackResource,
  inputs: Readonly<Record<string, unknown>>,
  number: 1 | 2,
): z.infer<typeof TunnelOptions> | undefined {
  const prefix = `tunnel${number}`;
  const fields = Object.entries(inputs).filter(([key]) => key.startsWith(prefix));
  const options = fields.map(([key, value]) => [
    key.charAt(prefix.length).toLowerCase() + key.slice(prefix.length + 1),
    value,
  ]);
  const parsed = TunnelOptions.safeParse(Object.fromEntries(options));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  resources.flaw(
    resource,
    `tunnel ${number}, ${issue?.path.join(".") ?? "options"}: ${issue?.message ?? "cannot be read"}`,
  );
  return undefined;
}

/** In words that Azure's side uses as well; GCM needs no separate integrity, so phase 2's is left out. */
function proposal(options: z.infer<typeof TunnelOptions>): string[] {
  const word = (text: string) =>
    text
      .toLowerCase()
      .replace(/^aes256-gcm-16$/, "aes256-gcm")
      .replace(/^sha2-/, "sha");
  return [
    ...options.ikeVersions.map(word),
    ...options.phase1EncryptionAlgorithms.map((text) => `phase 1 ${word(text)}`),
    ...options.phase1IntegrityAlgorithms.map((text) => `phase 1 ${word(text)}`),
    ...options.phase1DhGroupNumbers.map((group) => `phase 1 group${group}`),
    ...options.phase2EncryptionAlgorithms.map((text) => `phase 2 ${word(text)}`),
    ...options.phase2DhGroupNumbers.map((group) => `phase 2 group${group}`),
    `phase 2 ${options.phase2LifetimeSeconds} s`,
  ];
}
