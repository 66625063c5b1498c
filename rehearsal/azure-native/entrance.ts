import type { World } from "../world.ts";
import { azure, lastName, tokenOf } from "./arm.ts";
import { numberAt, objectsAt, textAt } from "./fields.ts";
import { coversPort, listed } from "./filters.ts";

/** Why no client outside gets through to a TCP port of a machine: a Standard public address lets nothing in that no security group allows. */
export function azureEntrance(reader: Pick<World, "get" | "find">, address: string, port: number): string | undefined {
  for (const nic of reader.find(azure, tokenOf("network:NetworkInterface"))) {
    const part = objectsAt(nic.properties, "ipConfigurations").find(
      (one) => textAt(one, "privateIPAddress") === address,
    );
    if (part === undefined) continue;
    const owners = [nic, reader.get(azure, textAt(part, "subnet.id") ?? "")];
    const groups = owners.flatMap((owner) => textAt(owner?.properties, "networkSecurityGroup.id") ?? []);
    if (groups.length === 0)
      return `neither ${lastName(nic.id)} nor its subnet has a network security group that lets tcp ${port} in`;
    const closed = groups.find((group) => !opens(reader, group, port));
    return (
      closed && `network security group ${lastName(closed)} of ${lastName(nic.id)} lets no tcp ${port} in from outside`
    );
  }
  return undefined;
}

function opens(reader: Pick<World, "find">, group: string, port: number): boolean {
  const rules = reader
    .find(azure, tokenOf("network:SecurityRule"))
    .filter(({ id }) => id.startsWith(`${group}/`))
    .map(({ properties }) => properties)
    .filter(
      (rule) =>
        rule.direction === "Inbound" && listed(rule, "destinationPortRange").some((range) => coversPort(range, port)),
    )
    .filter((rule) => ["*", "Tcp"].includes(textAt(rule, "protocol") ?? "*"))
    .sort((a, b) => (numberAt(a, "priority") ?? 0) - (numberAt(b, "priority") ?? 0));
  return rules[0]?.access === "Allow";
}
