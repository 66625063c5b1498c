import type { z } from "zod";
import * as shapes from "./azure-shapes.ts";
import { type Flaw, type Origin, originOf, type StackResource } from "./model.ts";

/** A resource of Azure as far as the proof reads it. */
export interface Found<T> {
  readonly id: string;
  /** Its name on Azure, by which others of its resource group find it. */
  readonly name: string;
  readonly origin: Origin;
  readonly site: string | undefined;
  readonly value: T;
}

/** What is wrong so far; readers add to it. */
export type Report = (origin: Origin, message: string) => void;

/** All resources of Azure, of all stacks, parsed. */
export interface Inventory {
  readonly groups: Kind<typeof shapes.ResourceGroup>;
  readonly networks: Kind<typeof shapes.VirtualNetwork>;
  readonly subnets: Kind<typeof shapes.Subnet>;
  readonly tables: Kind<typeof shapes.RouteTable>;
  readonly routes: Kind<typeof shapes.Route>;
  readonly publicAddresses: Kind<typeof shapes.PublicIpAddress>;
  readonly nats: Kind<typeof shapes.NatGateway>;
  readonly securityGroups: Kind<typeof shapes.NetworkSecurityGroup>;
  readonly securityRules: Kind<typeof shapes.StandaloneRule>;
  readonly interfaces: Kind<typeof shapes.NetworkInterface>;
  readonly machines: Kind<typeof shapes.VirtualMachine>;
  readonly balancers: Kind<typeof shapes.LoadBalancer>;
  readonly gateways: Kind<typeof shapes.VirtualNetworkGateway>;
  readonly localGateways: Kind<typeof shapes.LocalNetworkGateway>;
  readonly connections: Kind<typeof shapes.Connection>;
  readonly report: Report;
  readonly flaws: readonly Flaw[];
}

type Kind<S extends z.ZodType> = readonly Found<z.infer<S>>[];

const network = "azure-native:network:";

/** Types that may carry packets or machines: any version of Azure's network and compute, and the other provider's. */
const meddling = /^(azure-native:[a-z]*(network|compute)[a-z]*[:/]|azure:)/;
const harmless = new Set(["azure-native:compute:Disk", "azure-native:compute:AvailabilitySet"]);

/** Reads what is Azure's; a type of its network that is not listed here is reported. */
export function takeInventory(resources: readonly StackResource[]): Inventory {
  const flaws: Flaw[] = [];
  const report: Report = (origin, message) => flaws.push({ origin, message });
  const known = new Set<string>();
  const byType = Map.groupBy(resources, ({ type }) => type);
  const take = <S extends z.ZodType>(type: string, shape: S, nameKey?: string): Found<z.infer<S>>[] => {
    known.add(type);
    return (byType.get(type) ?? []).flatMap((resource) => {
      const origin = originOf(resource);
      const parsed = shape.safeParse(resource.inputs);
      if (!parsed.success) {
        for (const issue of parsed.error.issues) report(origin, unread(issue, resource.inputs));
        return [];
      }
      const given = nameKey === undefined ? undefined : resource.inputs[nameKey];
      const name = typeof given === "string" ? given : resource.name;
      return [{ id: resource.id, name, origin, site: resource.site, value: parsed.data }];
    });
  };
  const inventory = {
    groups: take("azure-native:resources:ResourceGroup", shapes.ResourceGroup),
    networks: take(`${network}VirtualNetwork`, shapes.VirtualNetwork),
    subnets: take(`${network}Subnet`, shapes.Subnet, "subnetName"),
    tables: take(`${network}RouteTable`, shapes.RouteTable),
    routes: take(`${network}Route`, shapes.Route, "routeName"),
    publicAddresses: take(`${network}PublicIPAddress`, shapes.PublicIpAddress),
    nats: take(`${network}NatGateway`, shapes.NatGateway),
    securityGroups: take(`${network}NetworkSecurityGroup`, shapes.NetworkSecurityGroup),
    securityRules: take(`${network}SecurityRule`, shapes.StandaloneRule, "securityRuleName"),
    interfaces: take(`${network}NetworkInterface`, shapes.NetworkInterface),
    machines: take("azure-native:compute:VirtualMachine", shapes.VirtualMachine),
    balancers: take(`${network}LoadBalancer`, shapes.LoadBalancer, "loadBalancerName"),
    gateways: take(`${network}VirtualNetworkGateway`, shapes.VirtualNetworkGateway, "virtualNetworkGatewayName"),
    localGateways: take(`${network}LocalNetworkGateway`, shapes.LocalNetworkGateway),
    connections: take(`${network}VirtualNetworkGatewayConnection`, shapes.Connection),
    report,
    flaws,
  };
  for (const resource of resources) {
    if (meddling.test(resource.type) && !known.has(resource.type) && !harmless.has(resource.type))
      report(originOf(resource), "is of a type that the proof does not know");
  }
  checkPlaces(inventory);
  return inventory;
}

/** What zod found, with the value that is there. */
function unread({ path, message }: z.core.$ZodIssue, inputs: unknown): string {
  const value = path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    inputs,
  );
  const place = path.length === 0 ? "its inputs" : path.map(String).join(".");
  const shown = typeof value === "object" && value !== null ? "" : ` (${String(value)})`;
  return `${place}${shown}: ${message}`;
}

/** Every resource is in a group of the plan, and where the group is. */
function checkPlaces(inventory: Inventory): void {
  const { groups, report } = inventory;
  const locations = new Map(groups.map(({ name, value }) => [name, value.location]));
  const placed: readonly Found<{ readonly resourceGroupName: string; readonly location?: string }>[] = [
    ...inventory.networks,
    ...inventory.subnets,
    ...inventory.tables,
    ...inventory.routes,
    ...inventory.publicAddresses,
    ...inventory.nats,
    ...inventory.securityGroups,
    ...inventory.securityRules,
    ...inventory.interfaces,
    ...inventory.machines,
    ...inventory.balancers,
    ...inventory.gateways,
    ...inventory.localGateways,
    ...inventory.connections,
  ];
  for (const { origin, value } of placed) {
    const location = locations.get(value.resourceGroupName);
    if (location === undefined) report(origin, `resourceGroupName ${value.resourceGroupName} is no group of the plan`);
    else if (value.location !== undefined && value.location !== location)
      report(origin, `location ${value.location} is not its group's ${location}`);
  }
}

/** The one with this id; a reference that leads nowhere is reported. */
export function resolve<T>(
  list: readonly Found<T>[],
  id: string,
  from: Origin,
  field: string,
  report: Report,
): Found<T> | undefined {
  const found = list.find((one) => one.id === id);
  if (found === undefined) report(from, `${field} refers to ${id}, which is not in the plan`);
  return found;
}

/** Things that nothing refers to do nothing: each is a mistake, or a leftover. */
export function reportUnused<T>(list: readonly Found<T>[], used: readonly string[], report: Report): void {
  const users = new Set(used);
  for (const { id, origin } of list) if (!users.has(id)) report(origin, "is used by nothing");
}

/** Things that take one user and have more. */
export function reportShared<T>(list: readonly Found<T>[], used: readonly string[], report: Report): void {
  const seen = new Set<string>();
  const twice = new Set(used.filter((id) => seen.has(id) || !seen.add(id)));
  for (const { id, origin } of list) if (twice.has(id)) report(origin, "is used more than once; it takes one user");
}
