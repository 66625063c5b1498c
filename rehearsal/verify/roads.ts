import { awsClass } from "../aws/ground.ts";
import { isPrivate, parseAddress } from "../aws/ipv4.ts";
import { awsPassages } from "../aws/path.ts";
import { balancerAt, snapshot } from "../aws/queries.ts";
import type { Reader } from "../aws/resource.ts";
import { azureClass, azurePassages } from "../azure-native/path.ts";
import { arrived, type Packet, type Passage } from "../packet.ts";
import type { World } from "../world.ts";
import { type JoinedTunnel, joinTunnels } from "./tunnels.ts";

/** The networks of the whole world at one moment, with the tunnels between them. Machines that lie in no cloud have nothing between them that the world knows. */
export class Roads {
  readonly reader: Reader;
  readonly tunnels: readonly JoinedTunnel[];
  readonly #aws: (packet: Packet) => Passage;
  readonly #azure: (packet: Packet) => Passage;
  readonly #classes = new Map<string, { readonly cloud: "aws" | "azure"; readonly key: string } | undefined>();

  constructor(world: World) {
    this.reader = snapshot(world);
    const joined = joinTunnels(this.reader);
    this.tunnels = joined.tunnels;
    this.#aws = awsPassages(this.reader, joined.fromAzure);
    this.#azure = azurePassages(this.reader, joined.fromAws);
  }

  /** Machines in a cloud that are equal in this have the same subnet, security groups and pools; `undefined` for those in none. */
  classOf(address: string): string | undefined {
    return this.#find(address)?.key;
  }

  #find(address: string) {
    if (!this.#classes.has(address)) {
      const [aws, azure] = [awsClass(this.reader, address), azureClass(this.reader, address)];
      const cloud = aws === undefined ? ("azure" as const) : ("aws" as const);
      const key = aws ?? azure;
      this.#classes.set(address, key === undefined ? undefined : { cloud, key });
    }
    return this.#classes.get(address);
  }

  /**
   * Why the packet does not get where it should, as a sentence that names the thing; `undefined` when it does.
   *
   * @param receiver  Private address of the machine that should have it, where that is not the destination: the node of a pod.
   */
  obstacle(packet: Packet, receiver?: string): string | undefined {
    const passage = this.#from(packet);
    if (passage.end === "arrived") return misled(packet, passage.at, receiver);
    if (passage.end === "stopped") return misled(packet, passage.at ?? "", receiver) ?? passage.by;
    if (passage.end === "vpn") return this.#across(passage.by, packet, receiver);
    return isPrivate(parseAddress(packet.to) ?? 0)
      ? `${packet.to} is sent to the Internet by ${passage.by}, where nobody has it`
      : undefined;
  }

  #from(packet: Packet): Passage {
    const { from } = packet;
    const cloud = this.#find(from)?.cloud;
    if (cloud === "aws" || from.startsWith("vpn-")) return this.#aws(packet);
    if (cloud === "azure" || from.startsWith("/subscriptions/")) return this.#azure(packet);
    // Azure's balancer lets each machine answer the client itself; AWS's answers from its own address.
    return packet.reply === true && balancerAt(this.reader, from) !== undefined ? this.#aws(packet) : arrived("");
  }

  /** Over every tunnel that may carry it: BGP shares the traffic among all that are up. */
  #across(ways: readonly string[], packet: Packet, receiver: string | undefined): string | undefined {
    const up = this.tunnels.filter(
      ({ vpn, gateway, problems }) => problems.length === 0 && (ways.includes(vpn) || ways.includes(gateway)),
    );
    const ends = new Set(up.map(({ vpn, gateway }) => (ways.includes(vpn) ? gateway : vpn)));
    if (ends.size === 0) return `${packet.to} lies behind ${ways.join(", ")}, of whose tunnels none is up`;
    for (const end of ends) {
      const passage = this.#from({ ...packet, from: end, source: packet.source ?? packet.from });
      if (passage.end === "stopped") return misled(packet, passage.at ?? "", receiver) ?? passage.by;
      if (passage.end !== "arrived") return `${packet.to} is sent on by ${passage.by.toString()} instead of arriving`;
      const wrong = misled(packet, passage.at, receiver);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }
}

function misled(packet: Packet, at: string, receiver: string | undefined): string | undefined {
  return receiver === undefined || at === "" || at === receiver
    ? undefined
    : `a route sends packets for ${packet.to} to the machine at ${at}, and they belong to ${receiver}`;
}
