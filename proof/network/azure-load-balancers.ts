import type { z } from "zod";
import { contains } from "../../components/network/cidr.ts";
import { filterId, probeSource, refusal } from "./azure-firewall.ts";
import type { Found, Inventory } from "./azure-inventory.ts";
import type { Place } from "./azure-routers.ts";
import type { LoadBalancer, NetworkInterface } from "./azure-shapes.ts";
import type { Filter, FrontEnd, Port, Target } from "./model.ts";

type Balancer = Found<z.infer<typeof LoadBalancer>>;
type Interface = Found<z.infer<typeof NetworkInterface>>;

/** The interfaces that load balancers show to clients, and what they do with connections. */
export interface BalancerParts {
  readonly ports: readonly Port[];
  readonly frontEnds: readonly FrontEnd[];
}

/** Id of a front end's interface. */
const frontId = (balancer: Balancer, name: string) => `${balancer.id}#${name}`;

/** Internal load balancers: they change a packet's destination and nothing else, so answers go straight back. */
export function balancersOf(
  inventory: Inventory,
  places: readonly Place[],
  filters: ReadonlyMap<string, Filter>,
): BalancerParts {
  checkMemberships(inventory);
  const parts = inventory.balancers.map((balancer) => ({
    ports: frontPorts(inventory, balancer, places),
    frontEnds: frontEndsOf(inventory, balancer, places, filters),
  }));
  return { ports: parts.flatMap(({ ports }) => ports), frontEnds: parts.flatMap(({ frontEnds }) => frontEnds) };
}

function frontPorts({ report }: Inventory, balancer: Balancer, places: readonly Place[]): Port[] {
  const fronts = balancer.value.frontendIPConfigurations;
  return fronts.flatMap(({ name, privateIPAddress, subnet }): Port[] => {
    const origin = { ...balancer.origin, part: `front end ${name}` };
    const place = places.find((one) => one.subnet.id === subnet.id);
    if (place === undefined) {
      report(origin, `subnet.id refers to ${subnet.id}, which is not in the plan`);
      return [];
    }
    if (!contains(place.subnet.value.addressPrefix, privateIPAddress))
      report(
        origin,
        `privateIPAddress ${privateIPAddress} is not in subnet ${place.subnet.name} (${place.subnet.value.addressPrefix})`,
      );
    return [
      {
        id: frontId(balancer, name),
        label: `load balancer ${balancer.name} (${name})`,
        origin,
        site: balancer.site ?? "",
        kind: "load-balancer",
        network: place.network.id,
        router: place.subnet.id,
        address: privateIPAddress,
        forwards: false,
        filters: [],
        public: false,
        zone: "",
      },
    ];
  });
}

/** Name of a balancer's part that an id refers to. Ids are written in full before the balancer exists, or begin with its own. */
function partOf(inventory: Inventory, balancer: Balancer, kind: string, id: string): string | undefined {
  const group = inventory.groups.find(({ name }) => name === balancer.value.resourceGroupName);
  const homes = [balancer.id, `${group?.id ?? ""}/providers/Microsoft.Network/loadBalancers/${balancer.name}`];
  return homes.flatMap((home) => (id.startsWith(`${home}/${kind}/`) ? [id.slice(`${home}/${kind}/`.length)] : []))[0];
}

const pools = "backendAddressPools";

/** Every pool that an interface names is some balancer's. */
function checkMemberships(inventory: Inventory): void {
  for (const { origin, value } of inventory.interfaces) {
    const [{ loadBalancerBackendAddressPools: named }] = value.ipConfigurations;
    for (const [index, { id }] of named.entries()) {
      const found = inventory.balancers.some((balancer) => {
        const name = partOf(inventory, balancer, pools, id);
        return balancer.value.backendAddressPools.some((pool) => pool.name === name);
      });
      if (!found)
        inventory.report(
          origin,
          `loadBalancerBackendAddressPools.${index} refers to ${id}, which is no pool of the plan`,
        );
      if (named.slice(0, index).some((other) => other.id === id)) inventory.report(origin, `names pool ${id} twice`);
    }
  }
}

function membersOf(inventory: Inventory, balancer: Balancer, pool: string): Interface[] {
  return inventory.interfaces.filter(({ value }) =>
    value.ipConfigurations[0].loadBalancerBackendAddressPools.some(
      ({ id }) => partOf(inventory, balancer, pools, id) === pool,
    ),
  );
}

function frontEndsOf(
  inventory: Inventory,
  balancer: Balancer,
  places: readonly Place[],
  filters: ReadonlyMap<string, Filter>,
): FrontEnd[] {
  const { report } = inventory;
  const { value } = balancer;
  const lists = {
    frontendIPConfiguration: ["frontendIPConfigurations", value.frontendIPConfigurations],
    backendAddressPool: [pools, value.backendAddressPools],
    probe: ["probes", value.probes],
  } as const;
  const used = new Set<string>();
  const rules = value.loadBalancingRules;
  const frontEnds = rules.flatMap((rule, index): FrontEnd[] => {
    const origin = { ...balancer.origin, part: `rule ${rule.name}` };
    const part = (field: keyof typeof lists): string | undefined => {
      const [kind, list] = lists[field];
      const name = partOf(inventory, balancer, kind, rule[field].id);
      if (list.some((one) => one.name === name)) {
        used.add(`${kind} ${name ?? ""}`);
        return name;
      }
      report(origin, `${field} refers to ${rule[field].id}, which is no part of the balancer`);
      return undefined;
    };
    const [front, pool, probe] = [part("frontendIPConfiguration"), part("backendAddressPool"), part("probe")];
    if (front === undefined || pool === undefined) return [];
    const members = membersOf(inventory, balancer, pool);
    if (members.length === 0) report(origin, `has no machine in pool ${pool}`);
    for (const twin of rules.slice(0, index)) {
      if (twin.name === rule.name) report(origin, `${rule.name} is the name of two rules`);
      const atFront = twin.frontendIPConfiguration.id === rule.frontendIPConfiguration.id;
      if (atFront && twin.frontendPort === rule.frontendPort && twin.protocol === rule.protocol)
        report(origin, `has front end and port of rule ${twin.name}`);
      const atBack = twin.backendAddressPool.id === rule.backendAddressPool.id;
      if (atBack && twin.backendPort === rule.backendPort && twin.protocol === rule.protocol)
        report(origin, `has pool and backendPort of rule ${twin.name}, which Azure refuses without floating IP`);
    }
    const asked = value.probes.find(({ name }) => name === probe)?.port;
    if (asked !== undefined && asked !== rule.backendPort)
      report(origin, `probe ${probe ?? ""} asks port ${asked}, and what answers listens on ${rule.backendPort}`);
    const targets = members.map((member): Target => {
      if (asked !== undefined) checkProbe(inventory, member, asked, places, filters, balancer);
      return {
        origin: member.origin,
        address: member.value.ipConfigurations[0].privateIPAddress,
        number: rule.backendPort,
      };
    });
    return [
      {
        label: `load balancer ${balancer.name} (${front}):${rule.frontendPort}`,
        origin,
        port: frontId(balancer, front),
        protocol: rule.protocol === "Tcp" ? "tcp" : "udp",
        number: rule.frontendPort,
        targets,
        source: "client",
      },
    ];
  });
  for (const [kind, list] of Object.values(lists)) {
    for (const [index, { name }] of list.entries()) {
      if (!used.has(`${kind} ${name}`)) report(balancer.origin, `${kind} ${name} is used by no rule`);
      if (list.slice(0, index).some((other) => other.name === name))
        report(balancer.origin, `${kind} has ${name} twice`);
    }
  }
  return frontEnds;
}

/** A machine whose probe is dropped gets no connection, however open the way for clients is. */
function checkProbe(
  { report }: Inventory,
  member: Interface,
  port: number,
  places: readonly Place[],
  filters: ReadonlyMap<string, Filter>,
  balancer: Balancer,
): void {
  const [part] = member.value.ipConfigurations;
  const place = places.find(({ subnet }) => subnet.id === part.subnet.id);
  const groups = [member.value.networkSecurityGroup, place?.subnet.value.networkSecurityGroup];
  for (const group of groups) {
    const filter = group && place && filters.get(filterId(group.id, place.network.id));
    if (!filter) continue;
    const rule = refusal(filter, { source: probeSource, destination: part.privateIPAddress, port });
    if (rule === undefined) continue;
    const by = rule === "no rule" ? "no rule allows it" : (rule.origin.part ?? rule.origin.resource);
    report(
      member.origin,
      `probes of ${balancer.name} from ${probeSource} to port ${port} are dropped by ${filter.label} (${by}), so it gets no connections`,
    );
  }
}
