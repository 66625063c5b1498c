import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planSlots } from "../../components/network/plan.ts";
import { renderPrepare } from "../../components/nodes/scripts/prepare.ts";
import { allScripts, scriptSites, scriptsOf } from "../support/scripts.ts";
import { awsSite, within } from "../support/stacks.ts";

const scripts = allScripts();
const check = (tool: string, args: string[], input: string) => spawnSync(tool, args, { input, encoding: "utf8" });

const hasShellcheck = check("shellcheck", ["--version"], "").status === 0;
if (!hasShellcheck)
  console.warn("shellcheck is not on PATH: the scripts are only parsed. Install the package shellcheck.");

describe("every script", () => {
  it.each(scripts)("$name parses, and so does the command that carries it", ({ text, command }) => {
    for (const input of [text, command]) expect(check("bash", ["-n"], input).stderr).toBe("");
  });

  it.skipIf(!hasShellcheck && process.env.CI !== "true")("has nothing for shellcheck to say", () => {
    const folder = mkdtempSync(join(tmpdir(), "gyeongbu-"));
    try {
      // One process for all of them: its start costs more than a script does.
      const unique = new Map(scripts.map(({ name, text }) => [text, join(folder, name)]));
      for (const [text, file] of unique) writeFileSync(file, text);
      const { stdout, error } = check("shellcheck", ["--shell=bash", "--format=gcc", ...unique.values()], "");
      expect(error?.message ?? stdout.replaceAll(`${folder}/`, "")).toBe("");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("begins strictly and fits an argument of sshd's shell, 128 KiB", () => {
    const lax = scripts.filter(({ text }) => !text.startsWith("set -euo pipefail\n"));
    const long = scripts.filter(({ command }) => Buffer.byteLength(command) >= 131_072);
    expect([...lax, ...long].map(({ name }) => name)).toEqual([]);
  });

  it("knows no worker but its own node, so that another worker changes no running node", () => {
    for (const site of scriptSites) {
      const slots = planSlots(site);
      for (const slot of slots) {
        const text = Object.values(scriptsOf(site, slot)).join("\n");
        const strangers = slots.filter((other) => other.role === "worker" && other !== slot);
        const mentioned = strangers.filter(({ name, address }) =>
          new RegExp(`(?<![\\w.-])(${name}|${address.replaceAll(".", "\\.")})(?![\\w.-])`).test(text),
        );
        expect(mentioned.map(({ name }) => name)).toEqual([]);
      }
    }
  });

  it("stays the same when a pool of workers grows", () => {
    const grown = awsSite((config) => {
      within(config, "gyeongbu:site", "nodePools", 1).count = 40;
    });
    for (const slot of planSlots(awsSite())) expect(scriptsOf(grown, slot)).toEqual(scriptsOf(awsSite(), slot));
  });
});

describe("renderPrepare", () => {
  const [control, , , worker] = planSlots(awsSite());
  const prepare = (role: "control" | "worker", edit?: Parameters<typeof awsSite>[0]) => {
    const slot = role === "control" ? control : worker;
    if (!slot) throw new Error("the site has too few slots");
    return renderPrepare({ site: awsSite(edit), slot });
  };

  it("leads control planes to themselves and each other, workers to the load balancer", () => {
    expect(prepare("control")).toContain("\n127.0.0.1 api.prod-seoul.gyeongbu.internal # gyeongbu\n");
    expect(prepare("control").match(/server prod-seoul-control-\d \S+/g)).toEqual([
      "server prod-seoul-control-0 10.10.0.16:6443",
      "server prod-seoul-control-1 10.10.16.17:6443",
      "server prod-seoul-control-2 10.10.32.18:6443",
    ]);
    expect(prepare("worker").match(/^\S+ api\.prod-seoul\S+/gm)).toEqual(
      ["10.10.0.8", "10.10.16.8", "10.10.32.8"].map((address) => `${address} api.prod-seoul.gyeongbu.internal`),
    );
    expect(prepare("worker")).not.toContain("haproxy.cfg");
  });

  it("takes packages and images from the configured mirrors alone", () => {
    const text = prepare("worker", (config) => {
      const kubernetes = within(config, "gyeongbu:site", "kubernetes");
      kubernetes.packages = {
        kubernetes: "https://mirror.bank.example/k8s/",
        containerd: "https://mirror.bank.example/docker",
      };
      kubernetes.imageRegistry = "registry.bank.example/k8s";
      within(config, "gyeongbu:site", "cilium").images = { registry: "registry.bank.example/quay" };
    });
    expect(text).toContain("'https://mirror.bank.example/k8s/v1.36/deb/Release.key'");
    expect(text).toContain('[host."https://registry.bank.example/v2/k8s"]');
    expect(text).toContain('[host."https://registry.bank.example/v2/quay"]');
    expect(text).not.toContain("pkgs.k8s.io");
    expect(text).not.toContain("download.docker.com");
  });

  it.each([
    ["wireguard", "native", "overlay wireguard"],
    ["ipsec", "native", "overlay xfrm_user esp4"],
    ["none", "vxlan", "overlay vxlan"],
  ])("loads the kernel's part of %s over %s", (encryption, routing, modules) => {
    const text = prepare("worker", (config) => {
      Object.assign(within(config, "gyeongbu:site", "cilium"), { encryption, routing });
    });
    expect(text).toContain(`\nmodprobe -a ${modules}\n`);
  });
});
