import { isDeepStrictEqual } from "node:util";
import { Refusal } from "../stand-in.ts";
import type { JsonObject, World, WorldObject } from "../world.ts";
import { allocateAddresses, claimPublicIp, poolMembers } from "./allocation.ts";
import { all, azure, type Draft, invalidReference, lastName, parentId, withIds } from "./arm.ts";
import { flagAt, idOf, idsAt, numberAt, objectsAt, textAt } from "./fields.ts";
import type { ArmType } from "./resource.ts";

/** Per Standard load balancer (learn.microsoft.com, azure-subscription-service-limits, load balancer). */
const limits = { loadBalancingRules: 1500, frontendIPConfigurations: 600 };

/** Standard only; front ends, pools, probes and rules are its own children, by ids that start with its own. */
export const loadBalancer: ArmType = {
  resource: "network:LoadBalancer",
  armType: "Microsoft.Network/loadBalancers",
  names: ["loadBalancerName"],
  // Commonly seen.
  seconds: { create: 10, update: 10, delete: 10 },
  settle: (draft) => {
    if (textAt(draft.inputs, "sku.name") !== "Standard")
      throw new Refusal(
        "BasicLoadBalancerRetired",
        `Load balancer ${draft.id} must have sku.name Standard; Basic was retired on 30 September 2025.`,
      );
    for (const [list, most] of Object.entries(limits)) {
      if (objectsAt(draft.inputs, list).length <= most) continue;
      throw new Refusal("LoadBalancerLimitReached", `Load balancer ${draft.id} cannot have more than ${most} ${list}.`);
    }
    const frontendIPConfigurations = settleFronts(draft);
    const backendAddressPools = settlePools(draft, frontendIPConfigurations);
    const probes = withIds(draft, "probes");
    for (const probe of probes) requireProbe(draft, probe);
    const loadBalancingRules = withIds(draft, "loadBalancingRules");
    const present = new Set([...frontendIPConfigurations, ...backendAddressPools, ...probes].map((part) => idOf(part)));
    for (const rule of loadBalancingRules) requireRule(draft, rule, present);
    refuseTwins(loadBalancingRules);
    return { frontendIPConfigurations, backendAddressPools, probes, loadBalancingRules };
  },
};

function settleFronts(draft: Draft): JsonObject[] {
  const fronts = withIds(draft, "frontendIPConfigurations");
  const internal = fronts.filter((front) => front.subnet !== undefined);
  for (const front of fronts) {
    if (internal.includes(front) === (front.publicIPAddress !== undefined))
      throw new Refusal(
        "InvalidFrontendIPConfiguration",
        `Frontend ${idOf(front)} must reference either a subnet or a public IP address.`,
      );
    if (!internal.includes(front))
      claimPublicIp(draft, textAt(front, "publicIPAddress.id"), "frontendIPConfigurations.publicIPAddress");
  }
  const networks = new Set(internal.map((front) => parentId(textAt(front, "subnet.id") ?? "")));
  if (networks.size > 1 || (internal.length > 0 && internal.length < fronts.length))
    throw new Refusal(
      "LoadBalancerFrontendsMustBeAlike",
      `The frontends of load balancer ${draft.id} must all be public, or all be in one virtual network.`,
    );
  const allocated = new Map(allocateAddresses(draft, internal).map((front) => [front.id, front]));
  return fronts.map((front) => allocated.get(front.id ?? null) ?? front);
}

function settlePools(draft: Draft, fronts: readonly JsonObject[]): JsonObject[] {
  const network = parentId(textAt(fronts[0], "subnet.id") ?? "");
  return withIds(draft, "backendAddressPools").map((pool) => {
    for (const address of objectsAt(pool, "loadBalancerBackendAddresses")) {
      const given = textAt(address, "virtualNetwork.id") ?? textAt(pool, "virtualNetwork.id");
      if (given === network || network === "") continue;
      throw new Refusal(
        "LoadBalancerBackendAddressNotInVnet",
        `Backend address ${textAt(address, "ipAddress") ?? ""} of pool ${idOf(pool)} must be in the virtual network ${network} of the frontend, not in ${given ?? "none"}.`,
      );
    }
    return pool;
  });
}

function requireProbe(draft: Draft, probe: JsonObject): void {
  const port = numberAt(probe, "port") ?? 0;
  const tcp = textAt(probe, "protocol") === "Tcp";
  const interval = numberAt(probe, "intervalInSeconds") ?? 15;
  const problem =
    port < 1 || port > 65_535
      ? `port ${port} is not within 1 to 65535`
      : interval < 5
        ? `intervalInSeconds ${interval} is less than 5`
        : tcp === (probe.requestPath !== undefined)
          ? `requestPath is ${tcp ? "not allowed for" : "required unless the protocol is"} Tcp`
          : undefined;
  if (problem !== undefined)
    throw new Refusal("InvalidProbe", `Probe ${textAt(probe, "name") ?? ""} of load balancer ${draft.id}: ${problem}.`);
}

function requireRule(draft: Draft, rule: JsonObject, present: ReadonlySet<string>): void {
  const pools = [...idsAt(rule, "backendAddressPools"), textAt(rule, "backendAddressPool.id") ?? []].flat();
  const front = textAt(rule, "frontendIPConfiguration.id");
  const probe = rule.probe === undefined ? [] : [textAt(rule, "probe.id") ?? ""];
  const broken = [front ?? "", ...pools, ...probe].find((id) => !present.has(id));
  if (broken !== undefined) throw invalidReference(idOf(rule), broken);
  const every = textAt(rule, "protocol") === "All";
  for (const key of ["frontendPort", "backendPort"]) {
    const port = numberAt(rule, key) ?? numberAt(rule, "frontendPort") ?? -1;
    if (every ? port === 0 : port >= 1 && port <= 65_534) continue;
    throw new Refusal(
      "LoadBalancingRuleInvalidPort",
      `Load balancing rule ${lastName(idOf(rule))} of ${draft.id} has ${key} ${port}; ${every ? "with protocol All it must be 0" : "it must be within 1 to 65534"}.`,
    );
  }
}

/** Two rules may not meet: neither at one front end, nor (without floating IP) at one pool and port. */
function refuseTwins(rules: readonly JsonObject[]): void {
  const pick = (rule: JsonObject, keys: readonly string[]): JsonObject =>
    Object.fromEntries(keys.map((key) => [key, rule[key] ?? null]));
  const backend = ["backendAddressPool", "backendAddressPools", "backendPort", "protocol"];
  for (const [index, rule] of rules.entries()) {
    for (const earlier of rules.slice(0, index)) {
      const alike = (keys: readonly string[]): boolean => isDeepStrictEqual(pick(rule, keys), pick(earlier, keys));
      const names = `Load balancing rules ${idOf(earlier)} and ${idOf(rule)}`;
      if (alike(["frontendIPConfiguration", "frontendPort", "protocol"]))
        throw new Refusal(
          "RulesUseSameFrontendPortProtocolAndIPConfig",
          `${names} use the same frontend, port and protocol.`,
        );
      if (alike(backend) && !flagAt(rule, "enableFloatingIP") && !flagAt(earlier, "enableFloatingIP"))
        throw new Refusal(
          "RulesUseSameBackendPortProtocolAndPool",
          `${names} with floatingIP disabled use the same backend port and protocol, and must not be used with the same backend address pool.`,
        );
    }
  }
}

/** A machine behind a rule of a load balancer. */
export interface AzureTarget {
  readonly address: string;
  readonly port: number;
  /** Where its health is probed; absent when the rule has no probe. */
  readonly probePort?: number;
}

/** What lies behind `address`:`port` of a load balancer, public or internal; `undefined` when none has a rule there. */
export function azureTargets(
  world: Pick<World, "get" | "find">,
  address: string,
  port: number,
): { readonly name: string; readonly targets: AzureTarget[] } | undefined {
  for (const balancer of all(world, "network:LoadBalancer")) {
    const front = objectsAt(balancer.properties, "frontendIPConfigurations").find(
      (part) => frontAddress(world, part) === address,
    );
    if (front === undefined) continue;
    const rule = objectsAt(balancer.properties, "loadBalancingRules").find(
      (part) =>
        textAt(part, "frontendIPConfiguration.id") === front.id &&
        (textAt(part, "protocol") === "All" || numberAt(part, "frontendPort") === port),
    );
    if (rule === undefined) continue;
    const pools = [...idsAt(rule, "backendAddressPools"), textAt(rule, "backendAddressPool.id") ?? []].flat();
    const members = [...new Set(pools.flatMap((pool) => membersOf(world, balancer, pool)))];
    const probe = objectsAt(balancer.properties, "probes").find((part) => idOf(part) === textAt(rule, "probe.id"));
    const probePort = numberAt(probe, "port");
    const own = textAt(rule, "protocol") === "All" ? port : (numberAt(rule, "backendPort") ?? port);
    const targets = members
      .filter((member) => world.get("host", member)?.properties.power === "on")
      .map((member) => ({ address: member, port: own, ...(probePort === undefined ? {} : { probePort }) }));
    return { name: lastName(balancer.id), targets };
  }
  return undefined;
}

/** Addresses of the running machines behind a front end, in pool order; `undefined` when no load balancer has a rule there. */
export function azureFrontend(world: Pick<World, "get" | "find">, address: string, port: number): string[] | undefined {
  return azureTargets(world, address, port)?.targets.map((target) => target.address);
}

function frontAddress(world: Pick<World, "get">, front: JsonObject): string | undefined {
  const own = textAt(front, "privateIPAddress");
  if (own !== undefined) return own;
  const publicIp = textAt(front, "publicIPAddress.id");
  return textAt(publicIp === undefined ? undefined : world.get(azure, publicIp)?.properties, "ipAddress");
}

function membersOf(world: Pick<World, "find">, balancer: WorldObject, pool: string): string[] {
  const fixed = objectsAt(balancer.properties, "backendAddressPools")
    .filter((part) => idOf(part) === pool)
    .flatMap((part) => objectsAt(part, "loadBalancerBackendAddresses"))
    .flatMap((part) => textAt(part, "ipAddress") ?? []);
  return [...fixed, ...poolMembers(world, pool).flatMap((part) => textAt(part, "privateIPAddress") ?? [])];
}
