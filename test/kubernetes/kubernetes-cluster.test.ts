import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { NodeSiteSpec } from "../../components/config/schema.ts";
import { KubernetesCluster } from "../../components/kubernetes/kubernetes-cluster.ts";
import { planSlots } from "../../components/network/plan.ts";
import { deriveHostKeys } from "../../components/nodes/host-keys.ts";
import type { Bastion, Node } from "../../components/nodes/node.ts";
import { onPremNodes } from "../../components/nodes/on-prem-nodes.ts";
import type { SiteSecrets } from "../../components/secrets/schema.ts";
import { deploy, named, ofType, type Recorded, resolved } from "../support/deploy.ts";
import { awsSite, onPremSite, within } from "../support/stacks.ts";

const type = "command:remote:Command";
const seed = "5e".repeat(32);
const secrets: SiteSecrets = {
  ciliumCa: { certificate: "-----BEGIN CERTIFICATE-----", key: "-----BEGIN PRIVATE KEY-----" },
  ipsecKey: `3+ rfc4106(gcm(aes)) ${"ab".repeat(20)} 128`,
  bgpPassword: "a password of the ToRs",
  ssh: { privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\noperator", publicKey: "ssh-ed25519 AAAA" },
  hostKeySeed: seed,
  etcdEncryptionKey: Buffer.alloc(32, 9).toString("base64"),
};
const base64 = (text: string) => Buffer.from(text).toString("base64");
const adminConf = `clusters: [{cluster: {certificate-authority-data: ${base64("CA")}}}]
users: [{user: {client-certificate-data: ${base64("C")}, client-key-data: ${base64("K")}}}]`;
const ticket = `token abcdef.0123456789abcdef\nca-hash sha256:${"a".repeat(64)}\ncertificate-key ${"b".repeat(64)}`;

const cloudNodes = (site: NodeSiteSpec): Node[] =>
  planSlots(site).map((slot) => ({
    slot,
    machineId: `i-${slot.name}`,
    ...(slot.role === "control-plane" ? { etcdDevice: `/dev/disk/by-id/${slot.name}` } : {}),
    dependsOn: [],
  }));

interface Case {
  readonly site?: NodeSiteSpec;
  readonly founderTicket?: string;
  readonly preview?: boolean;
}

function run({ site = awsSite(), founderTicket = "none", preview = false }: Case = {}) {
  const nodes = site.platform === "on-prem" ? onPremNodes(site) : cloudNodes(site);
  const bastion: Bastion = {
    host: "198.51.100.7",
    port: 22,
    user: "ubuntu",
    hostKey: deriveHostKeys(seed, `${site.name}-bastion`).final.publicKey,
    machineId: "i-bastion",
  };
  const stdout = (name: string) => {
    if (name.endsWith("-kubeconfig")) return adminConf;
    return name.endsWith("control-0-ticket") ? founderTicket : ticket;
  };
  return deploy(() => new KubernetesCluster(site.name, { site, nodes, bastion, secrets: pulumi.secret(secrets) }), {
    outputs: ({ name }) => ({ stdout: stdout(name), stderr: "" }),
    preview,
  });
}

const { result, resources } = await run();
const step = (name: string, among: readonly Recorded[] = resources) => named(among, type, name);
const waitsFor = (name: string, among?: readonly Recorded[]) =>
  step(name, among).dependencies.map((urn) => urn.split("::").at(-1));
/** The files that a join step gets on stdin, by name. */
const input = (name: string, among?: readonly Recorded[]) =>
  Object.fromEntries(
    String(step(name, among).inputs.stdin)
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([path = "", content = ""]) => [path.split("/").at(-1), Buffer.from(content, "base64").toString()]),
  );
const connection = (name: string) => step(name).inputs.connection as Record<string, unknown>;

describe("KubernetesCluster", () => {
  it("has the same steps for every node, and one for the bastion and the kubeconfig", () => {
    const site = awsSite();
    const steps = ["host-key", "preflight", "prepare", "ticket", "join", "register"];
    const expected = planSlots(site).flatMap(({ name }) => steps.map((kind) => `${name}-${kind}`));
    expect(
      ofType(resources, type)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...expected, "prod-seoul-bastion-host-key", "prod-seoul-kubeconfig"].sort());
  });

  it("pins the bootstrap key once and the final key ever after, through the bastion's own", () => {
    const { bootstrap, final } = deriveHostKeys(seed, "prod-seoul-app-0");
    expect(connection("prod-seoul-app-0-host-key").hostKey).toBe(bootstrap.publicKey);
    expect(step("prod-seoul-app-0-host-key").inputs.stdin).toBe(final.privateKey);
    for (const kind of ["preflight", "prepare", "join"]) {
      expect(connection(`prod-seoul-app-0-${kind}`)).toMatchObject({
        hostKey: final.publicKey,
        proxy: { host: "198.51.100.7", hostKey: deriveHostKeys(seed, "prod-seoul-bastion").final.publicKey },
      });
    }
    const bastion = connection("prod-seoul-bastion-host-key");
    expect(bastion).toMatchObject({
      host: "198.51.100.7",
      hostKey: deriveHostKeys(seed, "prod-seoul-bastion").bootstrap.publicKey,
    });
    expect(bastion).not.toHaveProperty("proxy");
  });

  it("never repeats the first connection to a machine that has given up its bootstrap key", () => {
    const steps = ofType(resources, type);
    const fixed = steps.filter(({ ignoreChanges }) => ignoreChanges.length > 0);
    expect(fixed.map(({ name }) => name)).toEqual(
      steps.map(({ name }) => name).filter((name) => name.endsWith("-host-key")),
    );
    for (const { ignoreChanges } of fixed) expect(ignoreChanges).toEqual(["connection", "create", "stdin"]);
  });

  it("founds on the first control plane when the second knows of no cluster", () => {
    expect(Object.keys(input("prod-seoul-control-0-join"))).toEqual([
      "init.yaml",
      "audit-policy.yaml",
      "encryption.yaml",
      "admission.yaml",
      "authentication.yaml",
    ]);
    expect(connection("prod-seoul-control-0-ticket").host).toBe("10.10.16.17");
    expect(waitsFor("prod-seoul-control-0-ticket")).not.toContain("prod-seoul-control-1-join");
  });

  it("lets a replaced first control plane join what the others kept", async () => {
    const { resources: again } = await run({ founderTicket: ticket });
    expect(parse(input("prod-seoul-control-0-join", again)["join.yaml"] ?? "")).toMatchObject({
      kind: "JoinConfiguration",
      controlPlane: { certificateKey: "b".repeat(64) },
    });
  });

  it("lets control planes join one after another, each with a ticket minted after the join before it", () => {
    expect(waitsFor("prod-seoul-control-1-ticket")).toContain("prod-seoul-control-0-join");
    expect(waitsFor("prod-seoul-control-2-ticket")).toContain("prod-seoul-control-1-join");
    for (const name of ["control-1", "control-2", "app-0"]) {
      expect(waitsFor(`prod-seoul-${name}-join`)).toContain(`prod-seoul-${name}-ticket`);
      expect(connection(`prod-seoul-${name}-ticket`).host).toBe("10.10.0.16");
    }
  });

  it("lets workers join side by side, and gives them no control plane's files", () => {
    const others = planSlots(awsSite()).map(({ name }) => name);
    for (const name of others.filter((candidate) => candidate.includes("-app-"))) {
      const waits = [...waitsFor(`${name}-ticket`), ...waitsFor(`${name}-join`)].filter(
        (one) => !one?.startsWith(name),
      );
      expect(new Set(waits)).toEqual(new Set(["prod-seoul-control-0-prepare", "prod-seoul-control-0-join"]));
      expect(Object.keys(input(`${name}-join`))).toEqual(["join.yaml"]);
    }
  });

  it("runs exactly its own steps anew when a machine is replaced", () => {
    const machineOf = (name: string) => {
      if (name === "prod-seoul-kubeconfig") return "i-prod-seoul-control-0";
      if (name === "prod-seoul-bastion-host-key") return "i-bastion";
      return `i-${name.replace(/-(host-key|preflight|prepare|ticket|join|register)$/, "")}`;
    };
    const triggers = ofType(resources, type).map(({ name, inputs }) => [name, inputs.triggers]);
    expect(triggers).toEqual(ofType(resources, type).map(({ name }) => [name, [machineOf(name)]]));
  });

  it("undoes before it repeats, and never on the machine that may be dead", () => {
    const steps = ofType(resources, type);
    expect(steps.filter(({ deleteBeforeReplace }) => !deleteBeforeReplace)).toEqual([]);
    const onItself = steps
      .filter(({ inputs }) => "delete" in inputs)
      .filter(({ name, inputs }) => {
        const own = planSlots(awsSite()).find((slot) => name.startsWith(`${slot.name}-`))?.address;
        return Reflect.get(Object(inputs.connection), "host") === own;
      });
    expect(onItself.map(({ name }) => name)).toEqual([]);
    expect(step("prod-seoul-control-0-ticket").inputs).toHaveProperty("delete");
  });

  it("resets a host on-prem, which stays, and swaps no key there", async () => {
    const { resources: onPrem } = await run({ site: onPremSite() });
    expect(String(step("idc-seoul-app-0-join", onPrem).inputs.delete)).toContain("kubeadm reset");
    expect(ofType(onPrem, type).filter(({ name }) => name.endsWith("-host-key"))).toEqual([]);
    expect(step("idc-seoul-app-0-join", onPrem).inputs.connection).toMatchObject({
      host: "10.30.1.21",
      hostKey: expect.stringMatching(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBnW2vpKd/),
    });
  });

  it("hands out no ticket to a lone control plane", async () => {
    const site = awsSite((config) => {
      within(config, "gyeongbu:site", "nodePools", 0).count = 1;
    });
    const { resources: lone } = await run({ site });
    expect(ofType(lone, type).some(({ name }) => name === "prod-seoul-control-0-ticket")).toBe(false);
    expect(Object.keys(input("prod-seoul-control-0-join", lone))).toContain("init.yaml");
  });

  it("keeps secrets out of scripts and out of the log", () => {
    const final = planSlots(awsSite()).map(({ name }) => deriveHostKeys(seed, name).final.privateKey);
    const words = [
      seed,
      secrets.etcdEncryptionKey,
      secrets.ssh.privateKey,
      ...final,
      ...ticket.split(/\s/).filter((word) => word.length > 20),
    ];
    const steps = ofType(resources, type);
    const leaks = steps.filter(({ inputs }) => {
      const shown = JSON.stringify([inputs.create, inputs.delete, inputs.triggers]);
      return words.some((word) => shown.includes(word));
    });
    expect(leaks.map(({ name }) => name)).toEqual([]);
    const open = steps.filter(({ inputs, secretPaths }) =>
      ["connection", "stdin"].some((path) => path in inputs && !secretPaths.includes(path)),
    );
    expect(open.map(({ name }) => name)).toEqual([]);
    for (const { inputs } of steps) expect(inputs).toMatchObject({ logging: "none", addPreviousOutputInEnv: false });
  });

  it("offers a secret kubeconfig and, as its last word, every registration", async () => {
    expect(await pulumi.isSecret(result.kubeconfig)).toBe(true);
    expect(parse(await resolved(result.kubeconfig)).clusters[0].cluster.server).toBe("https://10.10.0.8:8443");
    expect(await resolved(result.caCertificate)).toBe("CA");
    expect(result.ready).toHaveLength(planSlots(awsSite()).length);
  });

  it("shows every step in a preview", async () => {
    const { resources: planned } = await run({ preview: true });
    expect(ofType(planned, type)).toHaveLength(ofType(resources, type).length);
  });
});
