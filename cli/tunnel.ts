import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import type { NodeSiteSpec } from "../components/config/schema.ts";
import { ports } from "../components/network/ports.ts";
import { bastionName, deriveHostKeys } from "../components/nodes/host-keys.ts";
import { adminUser } from "../components/nodes/pool.ts";
import { SiteSecrets } from "../components/secrets/schema.ts";
import { bastionAddress, Failure, PulumiCli, reportFailure, stackOf } from "./pulumi-cli.ts";

/** Seconds between two looks at the state, and how long to wait for a bastion that a running `up` is about to make. */
const lookSeconds = 10;
const waitSeconds = 1800;

/** The machine to jump through, and the key it must show. */
interface Door {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly hostKey: string;
}

async function open(stack: string, { folder }: { folder: string }): Promise<void> {
  const file = stackOf(folder, stack);
  if (file.kind !== "site" || file.spec.platform === "existing") {
    throw new Failure(`${file.file}: only a site with nodes of its own has a bastion.`);
  }
  const site = file.spec;
  const proxy = site.apiProxy === undefined ? undefined : new URL(site.apiProxy);
  if (proxy?.protocol !== "socks5:") {
    throw new Failure(
      `${file.file}: it names no apiProxy. Write apiProxy: socks5://127.0.0.1:1080 below gyeongbu:site.`,
    );
  }
  const pulumi = await PulumiCli.find(folder);
  const secrets = SiteSecrets.safeParse(JSON.parse(await pulumi.get(stack)));
  if (!secrets.success) throw new Failure(`${stack}: run \`npm run secrets -- ${stack}\` first.`);
  const door = await doorOf(site, secrets.data, () => pulumi.exportState(stack));
  process.stdout.write(`${proxy.host} -> ${door.user}@${door.host}, until Ctrl-C\n`);
  await connect(door, proxy, secrets.data.ssh.privateKey);
}

async function doorOf(
  site: NodeSiteSpec,
  { hostKeySeed }: SiteSecrets,
  exportState: () => Promise<string>,
): Promise<Door> {
  const { access } = site;
  if (access.kind === "direct") throw new Failure(`${site.name}: its nodes are reached directly; no tunnel is needed.`);
  if (access.kind === "jump-host") {
    return { host: access.address, port: access.port, user: access.user, hostKey: access.hostKey };
  }
  const hostKey = deriveHostKeys(hostKeySeed, bastionName(site)).final.publicKey;
  for (let waited = 0; waited < waitSeconds; waited += lookSeconds) {
    const host = bastionAddress(await exportState(), bastionName(site));
    if (host !== undefined) return { host, port: ports.ssh, user: adminUser, hostKey };
    process.stdout.write(
      `waiting for ${bastionName(site)}, ${waited} s; \`pulumi up --stack ${site.name}\` makes it\n`,
    );
    await sleep(lookSeconds * 1000);
  }
  throw new Failure(`${site.name}: no bastion after ${waitSeconds / 60} minutes.`);
}

/** Runs ssh until it ends or the person does; a connection that breaks, or a bastion that is still booting, is dialled again. */
async function connect({ host, port, user, hostKey }: Door, proxy: URL, privateKey: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gyeongbu-tunnel-"));
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort()).once("SIGTERM", () => stop.abort());
  try {
    chmodSync(folder, 0o700);
    const [key, knownHosts] = [join(folder, "key"), join(folder, "known_hosts")];
    writeFileSync(key, privateKey, { mode: 0o600 });
    writeFileSync(knownHosts, `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}\n`);
    const options = {
      BatchMode: "yes",
      IdentitiesOnly: "yes",
      StrictHostKeyChecking: "yes",
      UserKnownHostsFile: knownHosts,
      ExitOnForwardFailure: "yes",
      ConnectTimeout: "10",
      ServerAliveInterval: "15",
    };
    const words = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    while (!stop.signal.aborted) {
      const ssh = spawn("ssh", ["-N", "-D", proxy.host, "-p", String(port), "-i", key, ...words, `${user}@${host}`], {
        stdio: "inherit",
      });
      stop.signal.addEventListener("abort", () => ssh.kill(), { once: true });
      await new Promise<void>((resolve, reject) => {
        ssh.once("error", () => reject(new Failure("There is no ssh on this machine. Install openssh-client.")));
        ssh.once("exit", () => resolve());
      });
      await sleep(5000, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const command = new Command("npm run tunnel --")
  .description("Opens the SOCKS proxy that a site's apiProxy names, through its bastion, with the host key pinned.")
  .argument("<stack>", "a site, e.g. prod-seoul")
  .option("--folder <folder>", "where the stack files are", ".")
  .action(open);

await command.parseAsync().catch(reportFailure);
