import type { PlannedResource, PlannedStack } from "../../proof/recorded.ts";
import { list, narrowed, record, text, widened } from "./mutation-inputs.ts";
import { type Add, elsewhere, everywhere, type Grow, type Mutation } from "./mutations.ts";

/** What may be added to a resource of Azure; nothing to others. */
export function azureExtras(
  { type, inputs, id }: PlannedResource,
  stacks: readonly PlannedStack[],
  add: Add,
  grow: Grow,
): Mutation[] {
  const ofType = (wanted: string) =>
    stacks.flatMap(({ resources }) => resources).filter((resource) => resource.type === wanted);
  switch (type) {
    case "azure-native:network:RouteTable": {
      const named = { resourceGroupName: inputs.resourceGroupName, routeTableName: lastOf(id), routeName: "added" };
      const route = (what: string, rest: Record<string, unknown>) =>
        add(what, { ...named, ...rest }, "azure-native:network:Route");
      return [
        route("a default route to the internet", { addressPrefix: everywhere, nextHopType: "Internet" }),
        route("a default route to nowhere", { addressPrefix: everywhere, nextHopType: "None" }),
        route("a route to elsewhere", { addressPrefix: elsewhere, nextHopType: "VirtualNetworkGateway" }),
        route("a route for one pod", {
          addressPrefix: "10.129.0.7/32",
          nextHopType: "VirtualAppliance",
          nextHopIpAddress: "10.20.0.17",
        }),
        route("a route that cuts the peer off", { addressPrefix: "10.10.0.0/16", nextHopType: "None" }),
      ];
    }
    case "azure-native:network:Route":
      return [
        add("a narrower route", { ...inputs, addressPrefix: narrowed(inputs.addressPrefix), routeName: "added" }),
        add("a wider route", { ...inputs, addressPrefix: widened(inputs.addressPrefix), routeName: "added" }),
        add("the same route again", { ...inputs, routeName: "added" }),
      ];
    case "azure-native:network:NetworkSecurityGroup":
      return securityGroupExtras(inputs, add, grow, id);
    case "azure-native:network:NetworkInterface":
      return list(inputs.ipConfigurations).flatMap((part, index) => {
        const pools = list(record(part).loadBalancerBackendAddressPools);
        const balancer = ofType("azure-native:network:LoadBalancer")[0]?.id ?? "";
        const with_ = (rest: Record<string, unknown>) => ({
          ...inputs,
          ipConfigurations: list(inputs.ipConfigurations).map((one, at) =>
            at === index ? { ...record(one), ...rest } : one,
          ),
        });
        return [
          grow("a public address", with_({ publicIPAddress: { id: `${id}-public` } })),
          ...["api", "mesh"]
            .map((noun) => ({ id: `${balancer}/backendAddressPools/${noun}` }))
            .filter((pool) => !pools.some((known) => record(known).id === pool.id))
            .map((pool) =>
              grow(`a place in pool ${lastOf(pool.id)}`, with_({ loadBalancerBackendAddressPools: [...pools, pool] })),
            ),
        ];
      });
    case "azure-native:network:Subnet":
      return [
        grow("a security group", {
          ...inputs,
          networkSecurityGroup: {
            id: ofType("azure-native:network:NetworkSecurityGroup").find(({ name }) => name.endsWith("-bastion"))?.id,
          },
        }),
        ...(inputs.natGateway === undefined
          ? [
              grow("a NAT gateway", {
                ...inputs,
                natGateway: { id: ofType("azure-native:network:NatGateway")[0]?.id },
              }),
            ]
          : []),
        ...(inputs.routeTable === undefined
          ? [
              grow("a route table", {
                ...inputs,
                routeTable: { id: ofType("azure-native:network:RouteTable")[0]?.id },
              }),
            ]
          : []),
      ];
    case "azure-native:network:VirtualNetwork":
      return [
        grow("more address space", {
          ...inputs,
          addressSpace: { addressPrefixes: [...list(record(inputs.addressSpace).addressPrefixes), "10.10.0.0/16"] },
        }),
        grow("address space of nobody", {
          ...inputs,
          addressSpace: { addressPrefixes: [...list(record(inputs.addressSpace).addressPrefixes), elsewhere] },
        }),
      ];
    case "azure-native:network:LoadBalancer": {
      const rules = list(inputs.loadBalancingRules).map(record);
      return [
        ...rules.map((rule) =>
          grow(`rule ${text(rule.name)} again on the next ports`, {
            ...inputs,
            loadBalancingRules: [
              ...rules,
              {
                ...rule,
                name: "added",
                frontendPort: Number(rule.frontendPort) + 1,
                backendPort: Number(rule.backendPort) + 1,
              },
            ],
          }),
        ),
        ...rules.map((rule) =>
          grow(`rule ${text(rule.name)} to SSH`, {
            ...inputs,
            loadBalancingRules: [...rules, { ...rule, name: "added", frontendPort: 22, backendPort: 22 }],
          }),
        ),
        grow("a public front end", {
          ...inputs,
          frontendIPConfigurations: [
            ...list(inputs.frontendIPConfigurations),
            { name: "added", publicIPAddress: { id: "/plan/PublicIPAddress/added" } },
          ],
        }),
      ];
    }
    case "azure-native:network:LocalNetworkGateway":
      return [
        grow("a static prefix", { ...inputs, localNetworkAddressSpace: { addressPrefixes: [elsewhere] } }),
        grow("a static default route", { ...inputs, localNetworkAddressSpace: { addressPrefixes: [everywhere] } }),
      ];
    default:
      return [];
  }
}

function securityGroupExtras(inputs: Readonly<Record<string, unknown>>, add: Add, grow: Grow, id: string): Mutation[] {
  const rules = list(inputs.securityRules).map(record);
  const more = (what: string, rule: Record<string, unknown>) =>
    grow(what, { ...inputs, securityRules: [...rules, { sourcePortRange: "*", ...rule, name: "added" }] });
  const any = { protocol: "*", sourceAddressPrefix: "*", destinationAddressPrefix: "*", destinationPortRange: "*" };
  // Our rules count up from 100, so 99 is not allowed and the gap before 4096 is free.
  const free = (direction: unknown) =>
    1 +
    Math.max(...rules.filter((rule) => rule.direction === direction && rule.access === "Allow").map(priorityOf), 99);
  const copies = rules
    .filter(({ access }) => access === "Allow")
    .flatMap((rule) => {
      const inbound = rule.direction === "Inbound";
      const side = inbound ? "source" : "destination";
      const priority = free(rule.direction);
      const name = text(rule.name);
      const { [`${side}AddressPrefix`]: one, [`${side}AddressPrefixes`]: many, ...rest } = rule;
      const remote = one ?? list(many)[0];
      return [
        more(`${name} again`, { ...rule, priority }),
        more(`${name} for twice the remote`, { ...rest, [`${side}AddressPrefix`]: widened(remote), priority }),
        more(`${name} for everyone`, { ...rest, [`${side}AddressPrefix`]: "*", priority }),
        more(`${name} for the virtual network`, { ...rest, [`${side}AddressPrefix`]: "VirtualNetwork", priority }),
        more(`${name} for the next port`, { ...rule, ...nextRange(rule), priority }),
        more(`${name} for another protocol`, { ...rule, protocol: rule.protocol === "Udp" ? "Tcp" : "Udp", priority }),
        more(`${name} denied at the end`, { ...rule, access: "Deny", priority: 4095 }),
      ].map((copy) => ({ ...copy, group: copy.group.replace(name, "a rule") }));
    });
  return [
    ...copies,
    ...["Inbound", "Outbound"].flatMap((direction) => [
      more(`an allow for all, ${direction}`, { ...any, direction, access: "Allow", priority: 4095 }),
      more(`a deny for ICMP, ${direction}`, { ...any, protocol: "Icmp", direction, access: "Deny", priority: 4094 }),
      // Deny first: every rule of ours comes after it.
      grow(`a deny before all, ${direction}`, {
        ...inputs,
        securityRules: [
          ...rules.map((rule) => ({ ...rule, priority: Math.min(priorityOf(rule) + 1, 4096) })),
          { ...any, sourcePortRange: "*", direction, access: "Deny", priority: 100, name: "added" },
        ],
      }),
    ]),
    add(
      "a rule of its own",
      {
        resourceGroupName: inputs.resourceGroupName,
        networkSecurityGroupName: lastOf(id),
        securityRuleName: "added",
        ...any,
        sourcePortRange: "*",
        direction: "Inbound",
        access: "Allow",
        priority: 4000,
      },
      "azure-native:network:SecurityRule",
    ),
  ];
}

function nextRange({ destinationPortRange, protocol }: Readonly<Record<string, unknown>>) {
  const last = Number(text(destinationPortRange).split("-").at(-1));
  if (Number.isNaN(last)) return { protocol: protocol === "Tcp" ? "Udp" : "Tcp", destinationPortRange: "1" };
  return { destinationPortRange: `${last === 65_535 ? 1 : last + 1}` };
}

function priorityOf({ priority }: Readonly<Record<string, unknown>>): number {
  return typeof priority === "number" ? priority : 0;
}

function lastOf(id: string): string {
  return id.split("/").at(-1) ?? "";
}
