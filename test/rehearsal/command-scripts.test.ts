import { describe, expect, it } from "vitest";
import type { NodeSiteSpec } from "../../components/config/schema.ts";
import { apiServerFiles } from "../../components/kubernetes/api-server-files.ts";
import { renderInit, renderJoin } from "../../components/kubernetes/kubeadm.ts";
import { nodeLabels } from "../../components/kubernetes/node-labels.ts";
import { parseTicket } from "../../components/kubernetes/ticket.ts";
import { apiEndpoint, planSlots, type Slot } from "../../components/network/plan.ts";
import { renderCloudInit } from "../../components/nodes/cloud-init.ts";
import { deriveHostKeys } from "../../components/nodes/host-keys.ts";
import { renderPreflight } from "../../components/nodes/preflight.ts";
import { asRoot } from "../../components/nodes/scripts/bash.ts";
import { renderHostKeyScript } from "../../components/nodes/scripts/host-key.ts";
import { joinInput, kubeadmFile, renderJoinScript, renderReset } from "../../components/nodes/scripts/join.ts";
import { renderPrepare } from "../../components/nodes/scripts/prepare.ts";
import { renderDrain, renderRegister } from "../../components/nodes/scripts/register.ts";
import { renderEvict, renderTicket } from "../../components/nodes/scripts/ticket.ts";
import { types } from "../../rehearsal/aws/types.ts";
import { clusterRecord, nodeRecords } from "../../rehearsal/command/cluster.ts";
import type { JsonObject } from "../../rehearsal/world.ts";
import { awsSite, onPremSite } from "../support/stacks.ts";
import {
  connection,
  freshWorld,
  hostKeys,
  operator,
  ownMachine,
  refusal,
  run,
  theWorld,
  withoutSandbox,
} from "./command-hosts.ts";

freshWorld();

const seed = "5e".repeat(32);
const encryptionKey = Buffer.alloc(32, 9).toString("base64");
const device = (slot: Slot): string => `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol${slot.index}`;
const machineId = (slot: Slot): string => `i-${slot.index}`;

/** Three control planes and a worker: every branch, in little time. */
function few(site: NodeSiteSpec): Slot[] {
  const slots = planSlots(site);
  const leaders = slots.filter(({ role }) => role === "control-plane");
  return [...leaders, ...slots.filter(({ role }) => role === "worker").slice(0, 1)];
}

/** Runs the steps of a site's nodes as the components order them. */
class Site {
  readonly spec: NodeSiteSpec;
  readonly slots: Slot[];
  /** How a slot's machine is reached once it has its own host key. */
  readonly #reach: (slot: Slot) => Parameters<typeof connection>[1];

  constructor(spec: NodeSiteSpec, reach: (slot: Slot) => Parameters<typeof connection>[1]) {
    this.spec = spec;
    this.slots = few(spec);
    this.#reach = reach;
  }

  step(slot: Slot, script: string, stdin = "", changes: Parameters<typeof connection>[1] = {}): Promise<string> {
    const reached = connection(slot.address, { ...this.#reach(slot), ...changes });
    return run(slot.address, asRoot(script), {
      connection: reached,
      stdin,
      logging: "none",
      addPreviousOutputInEnv: false,
    });
  }

  get founder(): Slot {
    const [founder] = this.slots;
    if (founder === undefined) throw new Error("no slots");
    return founder;
  }

  async prepare(slot: Slot): Promise<void> {
    const etcdDevice = slot.role === "control-plane" ? device(slot) : undefined;
    await this.step(slot, renderPreflight({ site: this.spec, slot, etcdDevice }));
    await this.step(slot, renderPrepare({ site: this.spec, slot, etcdDevice }));
  }

  async join(slot: Slot): Promise<void> {
    const on = slot === this.founder ? (this.slots[1] ?? slot) : this.founder;
    const mayFound = slot === this.founder;
    const ticket = parseTicket(await this.step(on, renderTicket({ slot, machineId: machineId(slot), mayFound })));
    const document = ticket
      ? kubeadmFile("join", renderJoin(this.spec, slot, ticket))
      : kubeadmFile("init", renderInit(this.spec, slot));
    const files = slot.role === "worker" ? [] : apiServerFiles(this.spec.kubernetes.version, encryptionKey);
    await this.step(slot, renderJoinScript(slot), joinInput([document, ...files]));
    await this.step(
      this.founder,
      renderRegister({ slot, machineId: machineId(slot), labels: nodeLabels(this.spec, slot) }),
    );
  }

  async up(): Promise<void> {
    await Promise.all(this.slots.map((slot) => this.prepare(slot)));
    for (const slot of this.slots) await this.join(slot);
  }
}

function put(type: string, id: string, properties: JsonObject): void {
  theWorld().put({ provider: "aws", type, id, urn: `urn:${id}`, place: "ap-northeast-2", properties });
}

/** A cloud's machines behind a bastion, with the load balancer in front of the API. */
async function cloudSite(): Promise<Site> {
  const spec = awsSite();
  const bastionKeys = deriveHostKeys(seed, "bastion");
  const boot = (name: string, address: string, role: "node" | "bastion", rest: JsonObject): void => {
    const { bootstrap } = deriveHostKeys(seed, name);
    const userData = renderCloudInit({
      hostname: name,
      user: "ops",
      authorizedKey: operator.publicKey,
      bootstrapHostKey: bootstrap,
      role,
    });
    const properties = { name, address, userData, power: "on", disks: [], ...rest };
    theWorld().put({
      provider: "host",
      type: "machine",
      id: address,
      urn: `urn:${name}`,
      place: "ap-northeast-2",
      properties,
    });
  };
  boot("bastion", "10.10.0.5", "bastion", { publicAddress: "203.0.113.5" });
  const bastion = connection("203.0.113.5", { hostKey: bastionKeys.final.publicKey });
  const site = new Site(spec, ({ name }) => ({ hostKey: deriveHostKeys(seed, name).final.publicKey, proxy: bastion }));
  for (const slot of site.slots) {
    const disks = slot.role === "control-plane" ? [{ path: device(slot), sizeGiB: 32 }] : [];
    boot(slot.name, slot.address, "node", { disks });
  }
  const first = connection("203.0.113.5", { hostKey: bastionKeys.bootstrap.publicKey });
  await run("203.0.113.5", asRoot(renderHostKeyScript()), { connection: first, stdin: bastionKeys.final.privateKey });
  for (const slot of site.slots) {
    const keys = deriveHostKeys(seed, slot.name);
    await site.step(slot, renderHostKeyScript(), keys.final.privateKey, { hostKey: keys.bootstrap.publicKey });
  }
  const { port, addresses } = apiEndpoint(spec);
  put(types.loadBalancer, "lb", { holds: { api: [...addresses] } });
  put(types.listener, "listener", {
    loadBalancerArn: "lb",
    port,
    defaultActions: [{ type: "forward", targetGroupArn: "group" }],
  });
  put(types.targetGroup, "group", { port: 6443 });
  for (const { role, index, address } of site.slots) {
    if (role === "control-plane")
      put(types.targetGroupAttachment, `target-${index}`, { targetGroupArn: "group", targetId: address, port: 6443 });
  }
  return site;
}

/** Hosts that a data centre has. */
function ownSite(): Site {
  const site = new Site(onPremSite(), () => ({}));
  for (const slot of site.slots)
    ownMachine(slot.address, { disks: slot.role === "control-plane" ? [{ path: device(slot), sizeGiB: 64 }] : [] });
  return site;
}

describe.skipIf(withoutSandbox)("the project's own scripts", () => {
  it("make a cluster of a cloud's machines, again without change, and take it apart", {
    timeout: 180_000,
  }, async () => {
    const site = await cloudSite();
    await site.up();
    const { name } = site.spec;
    const blocks = nodeRecords(theWorld(), name).map((node) => `${node.name} ${node.role} ${node.podCIDR}`);
    expect(blocks).toEqual(site.slots.map((slot) => `${slot.name} ${slot.role} ${slot.podCidr}`));
    expect(clusterRecord(theWorld(), name)?.kubeadm.requests.every(({ approved }) => approved)).toBe(true);

    const before = JSON.stringify(nodeRecords(theWorld(), name));
    for (const slot of site.slots) await site.prepare(slot);
    expect(JSON.stringify(nodeRecords(theWorld(), name))).toBe(before);

    for (const slot of site.slots.slice(1).toReversed()) {
      await site.step(site.founder, renderDrain(slot));
      await site.step(site.founder, renderEvict(slot));
    }
    expect(nodeRecords(theWorld(), name)).toHaveLength(1);
    expect(clusterRecord(theWorld(), name)?.kubeadm.members).toHaveLength(1);
  });

  it("make a cluster of a data centre's hosts, and leave the hosts clean", { timeout: 180_000 }, async () => {
    const site = ownSite();
    await site.up();
    expect(nodeRecords(theWorld(), site.spec.name)).toHaveLength(site.slots.length);
    for (const slot of site.slots.toReversed()) {
      if (slot !== site.founder) await site.step(site.founder, renderEvict(slot));
      await site.step(slot, renderReset());
    }
    expect(
      theWorld()
        .all()
        .filter(({ provider }) => provider === "kubernetes"),
    ).toEqual([]);
    // And once more on the same hosts.
    await site.join(site.founder);
    expect(nodeRecords(theWorld(), site.spec.name)).toHaveLength(1);
  });

  it("hold no secret in the arguments of any process, nor in the world", { timeout: 60_000 }, async () => {
    const site = ownSite();
    await site.prepare(site.founder);
    const spy = "for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <\"$file\"; done 2>/dev/null; cat";
    const seen = await site.step(site.founder, spy, "s3cr3t-on-stdin");
    expect(seen.split("s3cr3t-on-stdin")).toHaveLength(2);
    expect(JSON.stringify(theWorld().all())).not.toContain(encryptionKey);
  });

  it("refuse another Kubernetes version on a node that has joined", { timeout: 60_000 }, async () => {
    const site = ownSite();
    for (const slot of site.slots.slice(0, 2)) await site.prepare(slot);
    await site.join(site.founder);
    const newer = { ...site.spec, kubernetes: { ...site.spec.kubernetes, version: "1.36.5" } };
    const etcdDevice = device(site.founder);
    const said = await refusal(site.step(site.founder, renderPrepare({ site: newer, slot: site.founder, etcdDevice })));
    expect(said).toContain("GB-731");
  });

  it("are told by the wrong host key that it is another machine", async () => {
    const site = ownSite();
    const said = await refusal(site.step(site.founder, "true", "", { hostKey: hostKeys.other.publicKey }));
    expect(said).toContain("ssh: handshake failed: ssh: host key mismatch");
  });
});
