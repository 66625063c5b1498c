import { awsStandIn } from "../../rehearsal/aws/stand-in.ts";
import { types } from "../../rehearsal/aws/types.ts";
import { type Call, type Kind, type Problem, type Properties, Secret } from "../../rehearsal/stand-in.ts";
import { World } from "../../rehearsal/world.ts";

export type Name = keyof typeof types;

/** A resource as a test holds it: its id and its outputs without their `Secret` wrappers. */
export interface Resource {
  readonly id: string;
  readonly outputs: Properties;
}

/** A world in memory with the AWS stand-in in it, Seoul unless told otherwise. */
export class Cloud {
  readonly world = World.open(":memory:");
  readonly config: Properties;
  #made = 0;

  constructor(config: Properties = { region: "ap-northeast-2" }) {
    this.config = config;
  }

  kind(name: Name): Kind {
    const kind = awsStandIn.kind(types[name]);
    if (kind === undefined) throw new Error(`no kind for ${types[name]}`);
    return kind;
  }

  call(name: Name, logical = `${name}-${++this.#made}`): Call {
    const urn = `urn:pulumi:test::gyeongbu::${types[name]}::${logical}`;
    const { config, world } = this;
    return {
      urn,
      type: types[name],
      name: logical,
      config,
      world,
      log: () => {},
      signal: new AbortController().signal,
    };
  }

  check(name: Name, inputs: Properties): Problem[] {
    return this.kind(name).check(inputs, this.call(name));
  }

  /** Checks and creates. */
  async make(name: Name, inputs: Properties, logical?: string): Promise<Resource> {
    const problems = this.check(name, inputs);
    if (problems.length > 0)
      throw new Error(problems.map(({ property, reason }) => `${property}: ${reason}`).join("; "));
    const { id, outputs } = await this.kind(name).create(inputs, this.call(name, logical));
    return { id, outputs };
  }

  async update(name: Name, { id, outputs }: Resource, inputs: Properties): Promise<Properties> {
    return this.kind(name).update(id, outputs, inputs, this.call(name));
  }

  async remove(name: Name, { id, outputs }: Resource): Promise<void> {
    await this.kind(name).delete(id, outputs, this.call(name));
  }
}

/** The text of an output, secret or not. */
export function output({ outputs }: Resource, key: string): string {
  const value = outputs[key];
  const bare = value instanceof Secret ? value.value : value;
  if (typeof bare !== "string") throw new Error(`output ${key} is ${JSON.stringify(bare)}, not a text`);
  return bare;
}

/** A VPC 10.10.0.0/16 with node subnets in zones a and b and an internet gateway. */
export async function seoul(cloud: Cloud) {
  const vpc = await cloud.make("vpc", { cidrBlock: "10.10.0.0/16", enableDnsHostnames: true });
  const gateway = await cloud.make("internetGateway", { vpcId: vpc.id });
  const subnet = (letter: string, third: number) =>
    cloud.make("subnet", {
      vpcId: vpc.id,
      cidrBlock: `10.10.${third}.0/24`,
      availabilityZone: `ap-northeast-2${letter}`,
    });
  const [a, b] = [await subnet("a", 0), await subnet("b", 1)];
  const group = await cloud.make("securityGroup", { vpcId: vpc.id, name: "nodes" });
  const table = await cloud.make("routeTable", { vpcId: vpc.id, tags: { Name: "prod-seoul-node-a" } });
  return { vpc, gateway, a, b, group, table };
}

export type Seoul = Awaited<ReturnType<typeof seoul>>;

export const image = "ami-0123456789abcdef0";

/** A node as the program makes it: an interface with a fixed address, and an instance on it. */
export async function node(cloud: Cloud, { a, group }: Seoul, address: string, inputs: Properties = {}) {
  const nic = await cloud.make("networkInterface", {
    subnetId: a.id,
    privateIps: [address],
    sourceDestCheck: false,
    securityGroups: [group.id],
  });
  const instance = await cloud.make("instance", {
    ami: image,
    instanceType: "m7i.large",
    primaryNetworkInterface: { networkInterfaceId: nic.id },
    ...inputs,
  });
  return { nic, instance };
}
