import { setTimeout as sleep } from "node:timers/promises";
import { type Properties, Refusal } from "../stand-in.ts";
import { connectionObstacle, entranceObstacle } from "../verify/reach.ts";
import { reveal } from "../wire.ts";
import type { World } from "../world.ts";
import { addOperator, bootEarly } from "./boot.ts";
import { Host } from "./host.ts";
import { findMachine, type Machine } from "./machine.ts";
import { bareKey, publicKeyOf } from "./ssh-key.ts";

/** One SSH endpoint with the defaults of the provider's schema filled in. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string | undefined;
  readonly hostKey: string | undefined;
  /** Failed dials that are tried again; -1 for no end. */
  readonly dialErrorLimit: number;
  /** Seconds; 0 leaves it to the kernel. */
  readonly perDialTimeout: number;
}

export interface Connection extends Endpoint {
  readonly proxy: Endpoint | undefined;
}

/** An open SSH session. */
export interface Session {
  readonly host: Host;
  readonly user: string;
  /** Runs instead of whatever is asked for. */
  readonly forced: string | undefined;
  /** Modelled seconds that dialling took. */
  readonly seconds: number;
}

/** Linux gives up a connection attempt after 127 s (tcp_syn_retries = 6). */
const kernelDialTimeoutSeconds = 127;
/** An endless retry must end here all the same. */
const longestDialSeconds = 3600;

class DialError extends Error {
  /** What the attempt itself cost, in modelled seconds. */
  readonly seconds: number;
  constructor(message: string, seconds = 0) {
    super(message);
    this.seconds = seconds;
  }
}

/** The `connection` input as plain values. */
export function connectionOf(inputs: Properties): Connection {
  const given = record(reveal(inputs.connection ?? null));
  const proxy = given.proxy;
  return {
    ...endpoint(given),
    proxy: proxy === undefined || proxy === null ? undefined : endpoint(record(proxy)),
  };
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" ? Object.fromEntries(Object.entries(value)) : {};
}

function endpoint(given: Record<string, unknown>): Endpoint {
  const text = (key: string): string | undefined => (typeof given[key] === "string" ? given[key] : undefined);
  const number = (key: string, otherwise: number): number => (typeof given[key] === "number" ? given[key] : otherwise);
  return {
    host: text("host") ?? "",
    port: number("port", 22),
    user: text("user") ?? "root",
    privateKey: text("privateKey"),
    hostKey: text("hostKey"),
    dialErrorLimit: number("dialErrorLimit", 10),
    perDialTimeout: number("perDialTimeout", 15),
  };
}

/**
 * Opens a session as the real provider does: through the proxy when there is one, trying again up to `dialErrorLimit` times.
 *
 * @throws Refusal in the words of the real provider and of golang.org/x/crypto/ssh.
 */
export async function dial(connection: Connection, world: World, speed: number, signal: AbortSignal): Promise<Session> {
  const { proxy } = connection;
  if (proxy === undefined) return retried("", connection, speed, signal, () => connect(connection, undefined, world));
  const bastion = await retried("proxy: ", proxy, speed, signal, () => connect(proxy, undefined, world));
  const session = await retried("proxy: ", connection, speed, signal, () =>
    connect(connection, bastion.host.machine, world),
  );
  return { ...session, seconds: session.seconds + bastion.seconds };
}

async function retried(
  prefix: string,
  { dialErrorLimit }: Endpoint,
  speed: number,
  signal: AbortSignal,
  attempt: () => Promise<Omit<Session, "seconds">>,
): Promise<Session> {
  let seconds = 0;
  for (let failed = 0; ; failed++) {
    try {
      return { ...(await attempt()), seconds };
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      // The provider's pauses: 100 ms, growing by half, 5 s at most (sdk/go/common/util/retry).
      const pause = error.seconds + Math.min(5, 0.1 * 1.5 ** failed);
      if ((dialErrorLimit >= 0 && failed >= dialErrorLimit) || seconds + pause > longestDialSeconds) {
        throw new Refusal(`${prefix}after ${failed} failed attempts`, error.message);
      }
      seconds += pause;
      await sleep((pause * 1000) / speed, undefined, { signal });
    }
  }
}

async function connect(target: Endpoint, from: Machine | undefined, world: World): Promise<Omit<Session, "seconds">> {
  const address = `${target.host}:${target.port}`;
  const machine = findMachine(world, target.host);
  const silence = target.perDialTimeout === 0 ? "connect: connection timed out" : "i/o timeout";
  const lost = target.perDialTimeout === 0 ? kernelDialTimeoutSeconds : target.perDialTimeout;
  const unreachable = (obstacle?: string): DialError => {
    const error =
      from === undefined ? `dial tcp ${address}: ${silence}` : "ssh: rejected: connect failed (Connection timed out)";
    return new DialError(obstacle === undefined ? error : `${error} (${obstacle})`, lost);
  };
  if (machine === undefined || !machine.on || !routed(machine, target.host, from)) throw unreachable();
  const obstacle = obstacleTo(machine, target.port, from, world);
  if (obstacle !== undefined) throw unreachable(obstacle);
  const outage = world.outage(machine.place);
  if (outage === "hang") throw unreachable();
  if (outage === "refuse" || target.port !== 22) {
    throw new DialError(
      from === undefined
        ? `dial tcp ${address}: connect: connection refused`
        : "ssh: rejected: connect failed (Connection refused)",
    );
  }
  if (from !== undefined && !forwards(Host.open(from), target)) {
    throw new DialError("ssh: rejected: administratively prohibited (open failed)");
  }
  await bootEarly(machine, world);
  const host = Host.open(machine);
  if (!machine.cloud) addOperator(host, target.user);
  checkHostKey(target, host);
  return { host, user: target.user, forced: checkClientKey(target, host) };
}

/** Whether packets from outside, or from the machine `from`, arrive. Two places have no route for SSH between them. */
function routed(machine: Machine, dialled: string, from: Machine | undefined): boolean {
  if (from !== undefined) return from.place === machine.place && dialled === machine.address;
  if (machine.cloud) return machine.publicAddress === dialled;
  return true;
}

/** What the cloud's network has against the connection; nothing is known about the way to other machines. */
function obstacleTo(machine: Machine, port: number, from: Machine | undefined, world: World): string | undefined {
  if (!machine.cloud) return undefined;
  return from === undefined
    ? entranceObstacle(world, machine.address, port)
    : connectionObstacle(world, from.address, machine.address, port);
}

/** Whether a bastion's sshd opens a connection for its client. */
function forwards(bastion: Host, { host, port }: Endpoint): boolean {
  if (/^(no|remote)$/.test(sshdSetting(bastion, "AllowTcpForwarding") ?? "yes")) return false;
  const open = (sshdSetting(bastion, "PermitOpen") ?? "any").split(/\s+/);
  return open.some((one) => one === "any" || one === `*:${port}` || one === `${host}:${port}` || one === `${host}:*`);
}

/** sshd takes the first value it meets; /etc/ssh/sshd_config.d comes before the rest of sshd_config. */
function sshdSetting({ files }: Host, keyword: string): string | undefined {
  const directory = "/etc/ssh/sshd_config.d";
  const names = files.list(directory).filter((name) => name.endsWith(".conf"));
  const contents = [...names.map((name) => `${directory}/${name}`), "/etc/ssh/sshd_config"].map(
    (file) => files.read(file) ?? "",
  );
  return new RegExp(`^[ \\t]*${keyword}[ \\t=]+(.+)$`, "im").exec(contents.join("\n"))?.[1]?.trim();
}

function checkHostKey({ host, hostKey }: Endpoint, { machine, state }: Host): void {
  if (hostKey === undefined) {
    throw new Refusal(
      "hostKey",
      `the connection to ${host} pins no host key, so anyone on the way could pose as it; set connection.hostKey`,
    );
  }
  const expected = bareKey(hostKey);
  if (expected === undefined) throw new Refusal("failed to parse host key", "ssh: no key found");
  const presented = machine.hostKey ?? state.sshHostKey;
  if (bareKey(presented) !== expected) throw new DialError("ssh: handshake failed: ssh: host key mismatch");
}

/** Whether the user may log in with the key; returns the command that the key's line forces on whoever holds it. */
function checkClientKey({ user, privateKey }: Endpoint, host: Host): string | undefined {
  const methods = privateKey === undefined ? "none" : "none publickey";
  const refused = new DialError(
    `ssh: handshake failed: ssh: unable to authenticate, attempted methods [${methods}], no supported methods remain`,
  );
  if (privateKey === undefined) throw refused;
  const offered = offeredKey(privateKey);
  const { authorizedKeys, cloud } = host.machine;
  if (!cloud && authorizedKeys === undefined) return undefined;
  const home = homeOf(host, user);
  if (home === undefined || (user === "root" && sshdSetting(host, "PermitRootLogin") === "no")) throw refused;
  const file = `${home}/.ssh/authorized_keys`;
  // sshd's StrictModes: a file that others may write is not believed.
  const lines = ((host.files.mode(file) ?? 0) & 0o022) === 0 ? (host.files.read(file) ?? "").split("\n") : [];
  const accepted = lines.find((line) => !line.startsWith("#") && bareKey(line) === offered);
  if (accepted === undefined) throw refused;
  return /\bcommand="((?:\\"|[^"])*)"/.exec(accepted)?.[1]?.replaceAll('\\"', '"');
}

function offeredKey(privateKey: string): string {
  try {
    return publicKeyOf(privateKey);
  } catch (error) {
    throw new Refusal("privateKey", error instanceof Error ? error.message : String(error));
  }
}

/** The home directory of a user of the host; `undefined` when there is no such user. */
export function homeOf(host: Host, user: string): string | undefined {
  const line = (host.files.read("/etc/passwd") ?? "").split("\n").find((entry) => entry.startsWith(`${user}:`));
  return line?.split(":")[5];
}
