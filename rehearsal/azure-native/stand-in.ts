import { type Kind, type Problem, type Properties, Refusal, type StandIn } from "../stand-in.ts";
import { reveal } from "../wire.ts";
import { azure, configured, groupId, placeholderSubscription, placeholderTenant, tokenOf } from "./arm.ts";
import { loadBalancer } from "./balancing.ts";
import { virtualMachine } from "./compute.ts";
import { gatewayConnection } from "./connection.ts";
import { availabilitySet, disk, proximityPlacementGroup, userAssignedIdentity } from "./disks.ts";
import { localNetworkGateway, virtualNetworkGateway } from "./gateway.ts";
import { natGateway, networkInterface, publicIpAddress } from "./interfaces.ts";
import { locationProblem, normalizeLocation } from "./locations.ts";
import { resourceGroup, subnet, virtualNetwork } from "./network.ts";
import { defineKind } from "./resource.ts";
import { route, routeTable } from "./routing.ts";
import { applicationSecurityGroup, networkSecurityGroup, securityRule } from "./security.ts";

/** Every resource type the stand-in knows; a new one is added here and in tools/azure-shapes.ts. */
const types = [
  resourceGroup,
  virtualNetwork,
  subnet,
  routeTable,
  route,
  networkSecurityGroup,
  securityRule,
  applicationSecurityGroup,
  networkInterface,
  publicIpAddress,
  natGateway,
  loadBalancer,
  virtualNetworkGateway,
  localNetworkGateway,
  gatewayConnection,
  virtualMachine,
  disk,
  availabilitySet,
  proximityPlacementGroup,
  userAssignedIdentity,
];

const kinds = new Map<string, Kind>(types.map((type) => [tokenOf(type.resource), defineKind(type)]));

/**
 * Azure as the rehearsal knows it, behind the plugin `azure-native` 3.28.0.
 *
 * Refusals carry ARM's own code and words where a public record of them was found (issues of the Azure SDKs, CLI and
 * Terraform provider); a rule without one has a code and a sentence of the same kind that name what is wrong.
 */
export const azureNativeStandIn: StandIn = {
  name: azure,
  version: "3.28.0",
  checkConfig: (config) => {
    const problems: Problem[] = [];
    const location = reveal(config.location ?? null);
    const reason = typeof location === "string" ? locationProblem(location) : undefined;
    if (reason !== undefined) problems.push({ property: "location", reason });
    const subscription = reveal(config.subscriptionId ?? null);
    if (typeof subscription === "string" && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(subscription))
      problems.push({ property: "subscriptionId", reason: `"${subscription}" is not a GUID` });
    return problems;
  },
  /** The region where the resource is or will be, and that of its resource group: ARM keeps a group's records there. */
  places: (call, inputs) => {
    const { config, world } = call;
    const given = reveal(inputs.location ?? null);
    const own = world.byUrn(call.urn)?.place ?? (typeof given === "string" ? given : undefined);
    const group = reveal(inputs.resourceGroupName ?? null);
    const home = typeof group === "string" ? world.get(azure, groupId(call, group))?.place : undefined;
    const found = [own ?? configured({ config }, "location"), home].flatMap((place) => place ?? []);
    return [...new Set(found.map(normalizeLocation))];
  },
  kind: (type) => kinds.get(type),
  invoke: (token, _args, call): Properties => {
    if (token !== "azure-native:authorization:getClientConfig")
      throw new Refusal(
        "UnknownFunction",
        `the rehearsal's azure-native has no function "${token}"; add it to rehearsal/azure-native/stand-in.ts`,
      );
    return {
      clientId: "00000000-0000-0000-0000-000000000002",
      objectId: "00000000-0000-0000-0000-000000000003",
      subscriptionId: configured(call, "subscriptionId") ?? placeholderSubscription,
      tenantId: configured(call, "tenantId") ?? placeholderTenant,
    };
  },
};
