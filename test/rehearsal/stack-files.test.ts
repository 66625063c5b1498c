import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkout, keyOf } from "../../rehearsal/folder.ts";
import { machinesOf } from "../../rehearsal/machines.ts";
import { readStackFiles } from "../../rehearsal/stack-files.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "gyeongbu-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const write = (stack: string, text: string): void => writeFileSync(path.join(folder, `Pulumi.${stack}.yaml`), text);

describe("readStackFiles", () => {
  it("takes sites first and leaves encrypted values out", () => {
    write("net", "config: { 'gyeongbu:interconnect': {} }");
    write("seoul", "config: { 'gyeongbu:site': { id: 1 }, 'gyeongbu:secrets': { secure: v1 }, 'aws:region': r }");
    const files = readStackFiles(folder);
    expect(files.map(({ name, kind }) => [name, kind])).toEqual([
      ["seoul", "site"],
      ["net", "interconnect"],
    ]);
    expect(files[0]?.config).toEqual({ "gyeongbu:site": { id: 1 }, "aws:region": "r" });
  });

  it.each([
    ["config: {}", "holds no spec"],
    ["config: { 'gyeongbu:site': {}, 'gyeongbu:entry': {} }", "holds site and entry"],
    ["config: { 'gyeongbu:site': 7 }", "is no object"],
  ])("refuses %s", (text, message) => {
    write("wrong", text);
    expect(() => readStackFiles(folder)).toThrow(message);
  });

  it("names what is there when a stack that was asked for is not", () => {
    write("seoul", "config: { 'gyeongbu:site': {} }");
    expect(() => readStackFiles(folder, ["busan"])).toThrow("no Pulumi.busan.yaml; it has seoul");
    expect(() => readStackFiles(path.join(folder), ["seoul"])).not.toThrow();
  });

  it("says so when a folder has no stack file", () => {
    expect(() => readStackFiles(folder)).toThrow("holds no stack file");
  });
});

it("puts on-prem hosts and a jump host in the world with their host keys, under the site's name", () => {
  write(
    "idc",
    `config:
  gyeongbu:site:
    access: { kind: jump-host, address: 10.30.0.5, hostKey: ssh-ed25519 J }
    nodePools:
      - { name: control, etcdDevice: /dev/disk/by-id/etcd, hosts: [{ address: 10.30.1.11, rack: a, hostKey: ssh-ed25519 A }] }
`,
  );
  const [jump, node] = readStackFiles(folder).flatMap(machinesOf);
  expect(jump).toMatchObject({ provider: "host", id: "10.30.0.5", place: "idc", urn: "" });
  expect(node).toMatchObject({
    id: "10.30.1.11",
    properties: { hostKey: "ssh-ed25519 A", zone: "a", disks: [{ path: "/dev/disk/by-id/etcd", sizeGiB: 64 }] },
  });
});

it.each([
  [".", "main"],
  ["examples/securities-idc", "examples-securities-idc"],
  ["/elsewhere/my project", "elsewhere-my-project"],
])("keeps the rehearsal of %s under %s", (project, key) => {
  expect(keyOf(path.resolve(checkout, project))).toBe(key);
});
