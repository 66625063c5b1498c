import { beforeEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import type { Host } from "../../rehearsal/command/host.ts";
import { makeAuthority } from "../../rehearsal/command/kubeadm/pki.ts";
import { first, init, prepare } from "./command-cluster.ts";
import { freshWorld, outcome, theWorld, tool } from "./command-hosts.ts";

freshWorld();
let host: Host;
beforeEach(() => {
  host = prepare(first);
});

describe("kubectl", () => {
  beforeEach(async () => {
    await init();
  });
  const kubectl = (...args: string[]): Promise<string> => outcome(first, ["kubectl", ...args]);
  const patch = (block: string): Promise<string> =>
    kubectl(
      "patch",
      "node",
      "cp-0",
      "--type=merge",
      "-p",
      JSON.stringify({ spec: { podCIDR: block, podCIDRs: [block] } }),
    );

  it("writes a pod block once", async () => {
    expect(await patch("10.130.0.0/24")).toBe("0 node/cp-0 patched\n");
    expect(theWorld().get("kubernetes", "idc/cp-0")?.properties.podCIDR).toBe("10.130.0.0/24");
    expect(await patch("10.130.0.0/24")).toMatch(/^0 /);
    expect(await patch("10.130.1.0/24")).toBe(
      '1 The Node "cp-0" is invalid: spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid\n',
    );
    expect(await patch("10.130.1.0")).toContain("must be a valid CIDR value");
  });

  it("labels, annotates, taints, cordons", async () => {
    expect(await kubectl("label", "node", "cp-0", "zone=a")).toMatch(/^0 /);
    expect(await kubectl("label", "node", "cp-0", "zone=b")).toContain(
      "'zone' already has a value (a), and --overwrite is false",
    );
    expect(await kubectl("label", "node", "cp-0", "--overwrite", "zone=b c")).toContain("a valid label must be");
    expect(await kubectl("annotate", "node", "cp-0", "x/y=1")).toMatch(/^0 /);
    expect(await kubectl("taint", "node", "cp-0", "a=b:NoSchedul")).toContain("invalid taint spec");
    await kubectl("cordon", "cp-0");
    expect(
      await kubectl(
        "get",
        "node",
        "cp-0",
        "-o",
        "jsonpath={.metadata.labels.zone} {.metadata.annotations.x/y} {.spec.unschedulable}",
      ),
    ).toBe("0 a 1 true");
  });

  it.each([
    [["get", "node", "nobody"], 'Error from server (NotFound): nodes "nobody" not found'],
    [["get", "nodez"], 'not "nodez"'],
    [["gte", "nodes"], 'unknown command "gte" for "kubectl"'],
    [["get", "nodes", "--outptu", "json"], "unknown flag: --outptu"],
    [["--kubeconfig", "/nowhere", "get", "nodes"], "stat /nowhere: no such file or directory"],
    [["get", "nodes", "-o", "jsonpath={.items[*"], "error parsing jsonpath"],
  ])("%j is refused", async (args, expected) => {
    expect(await kubectl(...args)).toContain(expected);
  });

  it("says that the API does not answer when it does not", async () => {
    theWorld().breakPlace("idc-seoul", "hang");
    expect(await kubectl("get", "--raw", "/readyz")).toMatch(/^1 /);
    theWorld().heal("idc-seoul");
    expect(await kubectl("get", "--raw", "/readyz")).toBe("0 ok");
  });

  it("does not trust another cluster's CA", async () => {
    const file = "/etc/kubernetes/admin.conf";
    const text = host.files.read(file) ?? "";
    const document: unknown = parse(text);
    const other = makeAuthority("kubernetes").certificate;
    Object(document).clusters[0].cluster["certificate-authority-data"] = Buffer.from(other).toString("base64");
    host.files.write(file, stringify(document));
    expect(await kubectl("get", "nodes")).toContain("x509: certificate signed by unknown authority");
  });

  it("reaches a kubelet only once its serving certificate was approved", async () => {
    const health = ["get", "--raw", "/api/v1/nodes/cp-0/proxy/healthz"];
    expect(await kubectl(...health)).toContain("tls: internal error");
    const name =
      (await tool(first, ["kubectl", "get", "csr", "-o", "jsonpath={.items[*].metadata.name}"])).stdout ?? "";
    expect(await kubectl("certificate", "approve", name)).toMatch(/^0 /);
    expect(await kubectl(...health)).toBe("0 ok");
  });

  it("lists and removes etcd members through the container", async () => {
    const id = (await tool(first, ["crictl", "ps", "-q", "--name", "^etcd$"])).stdout?.trim() ?? "";
    const pki = "/etc/kubernetes/pki/etcd";
    const etcdctl = [
      "crictl",
      "exec",
      id,
      "etcdctl",
      "--endpoints=https://127.0.0.1:2379",
      `--cacert=${pki}/ca.crt`,
      `--cert=${pki}/server.crt`,
      `--key=${pki}/server.key`,
    ];
    expect(await outcome(first, [...etcdctl, "member", "list", "-w", "simple"])).toMatch(
      new RegExp(`^0 [0-9a-f]{16}, started, cp-0, https://${first}:2380, https://${first}:2379, false\\n$`),
    );
    expect(await outcome(first, [...etcdctl, "member", "remove", "beef"])).toContain("member not found");
    expect(await outcome(first, ["crictl", "exec", "beef", "etcdctl"])).toContain("is not running");
  });
});
