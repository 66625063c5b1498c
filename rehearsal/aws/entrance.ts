import { Ground } from "./ground.ts";
import { interfaceAt, nameOf } from "./queries.ts";
import { type Reader, View } from "./resource.ts";
import { rulesOf } from "./security.ts";

/** Why no client outside gets through to a TCP port of a machine: none of its security groups has a rule for anybody. */
export function awsEntrance(reader: Reader, address: string, port: number): string | undefined {
  const owner = interfaceAt(reader, address);
  if (owner === undefined) return undefined;
  const view = new View(reader, owner.place);
  const open = Ground.groupsOf(owner)
    .flatMap((groupId) => rulesOf(view, groupId, "ingress"))
    .some(({ protocol, from, to }) => protocol === "-1" || (protocol === "tcp" && from <= port && port <= to));
  const groups = Ground.groupsOf(owner).join(", ");
  return open ? undefined : `security groups ${groups} of ${nameOf(owner)} have no ingress rule for tcp ${port}`;
}
