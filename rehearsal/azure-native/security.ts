import { Refusal } from "../stand-in.ts";
import type { JsonObject } from "../world.ts";
import { parseAddress, parsePrefix } from "./address.ts";
import { all, azure, childrenOf, type Draft, lastName, refer } from "./arm.ts";
import { idsAt, numberAt, textAt, textsAt } from "./fields.ts";
import { inlineOutputs, putInline, refuseBesideInline } from "./inline.ts";
import type { ArmType } from "./resource.ts";

/** Rules per security group (learn.microsoft.com, azure-subscription-service-limits, networking). */
const rulesPerGroup = 1000;

/** Service tags that stand for blocks (learn.microsoft.com, service-tags-overview), each also with `.<region>`. */
const serviceTags = new Set(
  "Internet VirtualNetwork AzureLoadBalancer AzureCloud AzureActiveDirectory AzureContainerRegistry AzureKeyVault AzureMonitor AzurePlatformDNS AzurePlatformIMDS AzureResourceManager GatewayManager MicrosoftContainerRegistry AzureFrontDoor Storage".split(
    " ",
  ),
);

/** Only something to point at. */
export const applicationSecurityGroup: ArmType = {
  resource: "network:ApplicationSecurityGroup",
  armType: "Microsoft.Network/applicationSecurityGroups",
  names: ["applicationSecurityGroupName"],
  // Commonly seen.
  seconds: { create: 3, update: 3, delete: 3 },
  settle: () => ({}),
};

/** One rule of a group. */
export const securityRule: ArmType = {
  resource: "network:SecurityRule",
  armType: "Microsoft.Network/networkSecurityGroups/securityRules",
  names: ["networkSecurityGroupName", "securityRuleName"],
  // Commonly seen; rules of one group are written one after another.
  seconds: { create: 3, update: 3, delete: 3 },
  settle: (draft) => {
    refuseBesideInline(draft, "securityRules");
    const { inputs, name } = draft;
    const priority = numberAt(inputs, "priority");
    if (priority === undefined || !Number.isInteger(priority) || priority < 100 || priority > 4096)
      throw new Refusal(
        "SecurityRuleInvalidPriority",
        `Security rule has invalid Priority. Value provided: ${priority} Allowed range 100-4096.`,
      );
    const others = childrenOf(draft.world, draft.parent, "network:SecurityRule").filter(({ id }) => id !== draft.id);
    const twin = others.find(
      ({ properties }) => properties.priority === priority && properties.direction === (inputs.direction ?? null),
    );
    if (twin !== undefined)
      throw new Refusal(
        "SecurityRuleConflict",
        `Security rule ${name} conflicts with rule ${lastName(twin.id)}. Rules cannot have the same Priority and Direction.`,
      );
    if (others.length >= rulesPerGroup)
      throw new Refusal(
        "SecurityRuleCountLimitReached",
        `Cannot create more than ${rulesPerGroup} security rules per network security group ${draft.parent}.`,
      );
    for (const side of ["source", "destination"]) requireSide(draft, side);
    return {};
  },
};

/** One side of a rule: a block, list of blocks, tag or application group, and ports. */
function requireSide(draft: Draft, side: string): void {
  const { inputs, name } = draft;
  const groups = idsAt(inputs, `${side}ApplicationSecurityGroups`);
  for (const group of groups)
    refer(draft, group, "network:ApplicationSecurityGroup", `${side}ApplicationSecurityGroups`);
  const prefixes = either(inputs, `${side}AddressPrefix`, `${side}AddressPrefixes`, name);
  const bad = prefixes.find((prefix) => !isSource(prefix));
  if (bad !== undefined || (prefixes.length === 0) === (groups.length === 0))
    throw new Refusal(
      "SecurityRuleInvalidAddressPrefix",
      `Security rule ${name} has invalid Address prefix. Value provided: ${bad ?? `${side}: ${prefixes.join()}`}`,
    );
  const ports = either(inputs, `${side}PortRange`, `${side}PortRanges`, name);
  const wrong = ports.find((range) => !isPortRange(range));
  if (wrong !== undefined || ports.length === 0)
    throw new Refusal(
      "SecurityRuleInvalidPortRange",
      `Security rule ${name} has invalid Port range. Value provided: ${wrong ?? `${side}: none`}. Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535.`,
    );
}

/** The values of a rule's singular or plural property; both at once are refused. */
function either(inputs: JsonObject, one: string, many: string, name: string): string[] {
  const single = textAt(inputs, one);
  const list = textsAt(inputs, many);
  if (single === undefined) return list;
  if (list.length === 0) return [single];
  throw new Refusal("SecurityRuleParameterConflict", `Security rule ${name} has both ${one} and ${many}; give one.`);
}

function isSource(text: string): boolean {
  if (text === "*" || parseAddress(text) !== undefined || parsePrefix(text)?.text === text) return true;
  return serviceTags.has(text.split(".")[0] ?? "");
}

function isPortRange(text: string): boolean {
  if (text === "*") return true;
  const [, from = "", to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  return from !== "" && Number(from) <= Number(to) && Number(to) <= 65_535;
}

/** Rules listed inline or standing alone; used by subnets and interfaces. */
export const networkSecurityGroup: ArmType = {
  resource: "network:NetworkSecurityGroup",
  armType: "Microsoft.Network/networkSecurityGroups",
  names: ["networkSecurityGroupName"],
  // Commonly seen.
  seconds: { create: 4, update: 4, delete: 5 },
  settle: (draft) => inlineOutputs(draft, "securityRules"),
  settled: (draft) => putInline(draft, securityRule, "securityRules"),
  release: ({ id }, { world }) => {
    const holders = [...all(world, "network:Subnet"), ...all(world, "network:NetworkInterface")];
    const users = holders.filter((holder) => textAt(holder.properties, "networkSecurityGroup.id") === id);
    if (users.length > 0)
      throw new Refusal(
        "InUseNetworkSecurityGroupCannotBeDeleted",
        `Network security group ${id} cannot be deleted because it is in use by the following resources: ${users.map((user) => user.id).join(", ")}. In order to delete the Network security group, remove the association with the resource(s). To learn how to do this, see aka.ms/deletensg.`,
      );
    for (const inside of childrenOf(world, id, "network:SecurityRule")) world.remove(azure, inside.id);
  },
};
