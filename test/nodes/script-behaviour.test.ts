import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planSlots } from "../../components/network/plan.ts";
import { renderPreflight } from "../../components/nodes/preflight.ts";
import { approveServing } from "../../components/nodes/scripts/approve-serving.ts";
import { file, put, script, strict } from "../../components/nodes/scripts/bash.ts";
import { renderRegister } from "../../components/nodes/scripts/register.ts";
import { renderTicket } from "../../components/nodes/scripts/ticket.ts";
import { awsSite } from "../support/stacks.ts";

/** A directory in place of `/`, and one of stand-in tools that come first on PATH and note how they were called. */
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gyeongbu-"));
  for (const folder of ["bin", "etc/kubernetes/pki", "var/lib/gyeongbu"])
    mkdirSync(join(root, folder), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

function tool(name: string, body: string): void {
  writeFileSync(join(root, "bin", name), `#!/bin/bash\necho "${name} $*" >>${root}/calls\n${body}\n`);
  chmodSync(join(root, "bin", name), 0o755);
}

/** Runs a script whose absolute paths lie below the directory. */
function run(text: string) {
  const moved = text.replaceAll(/(?<![\w.}"])\/(etc|var|run|usr\/local|sys)(?=\/)/g, `${root}/$1`);
  const { status, stdout, stderr } = spawnSync("bash", ["--norc", "-c", moved], {
    encoding: "utf8",
    env: { PATH: `${join(root, "bin")}:${process.env.PATH}` },
  });
  return { status, stdout, stderr };
}

const calls = () =>
  existsSync(join(root, "calls")) ? readFileSync(join(root, "calls"), "utf8").trim().split("\n") : [];
const write = (path: string, text = "") => {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
};
const [control] = planSlots(awsSite());
const worker = planSlots(awsSite()).find(({ role }) => role === "worker");
if (!control || !worker) throw new Error("the site has too few slots");

describe("put", () => {
  const once = (content: string, onChange = "reload") =>
    run(script(strict, put, file("/etc/thing.conf", content, { onChange })));

  it("runs the command when the file changes and only then", () => {
    tool("reload", "");
    for (const content of ["one", "one", "two", "two"]) expect(once(content).status).toBe(0);
    expect(calls()).toHaveLength(2);
    expect(readFileSync(join(root, "etc/thing.conf"), "utf8")).toBe("two\n");
  });

  it("runs a command again that failed", () => {
    tool("reload", `[[ -e ${root}/mended ]]`);
    expect(once("one").status).not.toBe(0);
    write("mended");
    expect(once("one").status).toBe(0);
    expect(once("one").status).toBe(0);
    expect(calls()).toHaveLength(2);
  });
});

describe("the approver", () => {
  const node = worker.name;
  /** A kubelet's request for these names, as Kubernetes keeps it. */
  const request = (names: string) => {
    const made = spawnSync(
      "openssl",
      [
        "req",
        "-new",
        "-newkey",
        "ed25519",
        "-nodes",
        "-keyout",
        join(root, "key"),
        "-subj",
        `/O=system:nodes/CN=system:node:${node}`,
        "-addext",
        `subjectAltName=${names}`,
      ],
      { encoding: "utf8" },
    );
    return Buffer.from(made.stdout).toString("base64");
  };
  const own = `DNS:${node},IP:${worker.address}`;

  it.each([
    ["its own name and address", `system:node:${node}`, own, "", true],
    ["another address", `system:node:${node}`, `DNS:${node},IP:10.10.0.16`, "", false],
    [
      "one name more",
      `system:node:${node}`,
      `DNS:${node},DNS:api.prod-seoul.gyeongbu.internal,IP:${worker.address}`,
      "",
      false,
    ],
    ["another node's name", "system:node:prod-seoul-app-9", own, "", false],
    ["names, but is no node", "system:serviceaccount:default:default", own, "", false],
    ["what was denied already", `system:node:${node}`, own, "Denied", false],
  ])("judges who asks for %s", (_, user, names, conditions, approved) => {
    write("etc/kubernetes/admin.conf");
    write("requests", `csr-1 ${user} ${request(names)} ${conditions}\n`);
    tool(
      "kubectl",
      `case "$*" in
  "get certificatesigningrequests"*) cat ${root}/requests ;;
  "get node "*) [[ $3 == ${node} || $3 == prod-seoul-app-9 ]] && echo ${worker.address} ;;
esac`,
    );
    const text = /<<'EOF'\n(#!\/bin\/bash[\s\S]*?)\nEOF/.exec(approveServing)?.[1] ?? "";
    expect(run(text).status).toBe(0);
    expect(calls().includes("kubectl certificate approve csr-1")).toBe(approved);
  });
});

describe("renderTicket", () => {
  const member =
    "8e9e05c52164694d, started, prod-seoul-control-1, https://10.10.16.17:2380, https://10.10.16.17:2379, false";
  const second = planSlots(awsSite())[1];
  if (!second) throw new Error("the site has too few slots");

  /** A control plane that has joined, and knows the node for `machine` ("" if it never registered, undefined if it does not know it). */
  function joined(machine: string | undefined) {
    write("var/lib/gyeongbu/joined");
    write("etc/kubernetes/pki/ca.crt");
    tool(
      "kubectl",
      machine === undefined ? "" : `case "$*" in *jsonpath*) echo "${machine}" ;; *"-o name") echo "node/$3" ;; esac`,
    );
    tool("crictl", `case "$*" in ps*) echo c0ffee ;; *"member list"*) echo "${member}" ;; esac`);
    tool("openssl", "cat >/dev/null && echo der");
    tool(
      "kubeadm",
      `case "$*" in *upload-certs*) echo "[upload-certs] Using certificate key:" && printf 'b%.0s' {1..64} && echo ;; *) echo abcdef.0123456789abcdef ;; esac`,
    );
  }
  const mint = (mayFound = false) => run(renderTicket({ slot: second, machineId: "i-new", mayFound }));
  const removed = () =>
    calls().some((call) => call.includes("etcdctl") && call.includes("member remove 8e9e05c52164694d"));

  it("prints a ticket that can be read", () => {
    joined("i-new");
    const { status, stdout } = mint();
    expect(status).toBe(0);
    expect(stdout).toMatch(/^token abcdef\.0123456789abcdef\nca-hash sha256:[0-9a-f]{64}\ncertificate-key b{64}\n$/);
  });

  it.each([
    ["an earlier machine", "i-old", true],
    ["nobody, and etcd still does", undefined, true],
    ["this machine", "i-new", false],
    ["a machine that broke off before its registration", "", false],
  ])("evicts the slot's traces when the cluster knows %s", (_, machine, evicted) => {
    joined(machine);
    expect(mint().status).toBe(0);
    expect(removed()).toBe(evicted);
    expect(calls().some((call) => call.startsWith("kubectl delete node prod-seoul-control-1"))).toBe(evicted);
  });

  it("says none, or refuses, on a control plane that has not joined", () => {
    expect(mint(true)).toMatchObject({ status: 0, stdout: "none\n" });
    expect(mint()).toMatchObject({ status: 1, stderr: expect.stringMatching(/^GB-740: /) });
  });
});

describe("renderRegister", () => {
  const register = (block: string) => {
    write("etc/kubernetes/admin.conf");
    write("usr/local/sbin/gyeongbu-approve-serving", "#!/bin/bash\n");
    chmodSync(join(root, "usr/local/sbin/gyeongbu-approve-serving"), 0o755);
    tool("kubectl", `case "$*" in *podCIDR}*) echo "${block}" ;; *labels}*) echo "old,gyeongbu.io/pool" ;; esac`);
    return run(renderRegister({ slot: worker, machineId: "i-1", labels: { "gyeongbu.io/pool": "app" } }));
  };

  it("writes the slot's block where there is none", () => {
    expect(register("").status).toBe(0);
    expect(calls().find((call) => call.startsWith("kubectl patch"))).toContain(`"podCIDR":"${worker.podCidr}"`);
  });

  it("leaves the right block alone and refuses another, which cannot be changed", () => {
    expect(register(worker.podCidr).status).toBe(0);
    expect(calls().some((call) => call.startsWith("kubectl patch"))).toBe(false);
    expect(register("10.128.99.0/24")).toMatchObject({ status: 1, stderr: expect.stringMatching(/^GB-761: /) });
  });

  it("takes away labels that left the stack file", () => {
    register("");
    expect(calls()).toContain(`kubectl label node ${worker.name} old-`);
    expect(calls()).not.toContain(`kubectl label node ${worker.name} gyeongbu.io/pool-`);
  });
});

describe("renderPreflight", () => {
  it("says everything that is wrong at once", () => {
    write("etc/os-release", 'ID=debian\nVERSION_ID="12"\n');
    for (const [name, body] of Object.entries({
      uname: "echo 5.4.0-generic",
      stat: "echo tmpfs",
      modprobe: "exit 1",
      timedatectl: "echo no",
      sleep: "",
      df: 'printf "Avail\\n3\\n"',
      ip: 'echo "2: eth0 inet 192.0.2.1/24"',
      swapon: 'echo "/swap.img"',
      ss: 'echo "LISTEN 0 4096 *:6443"',
      "cloud-init": "exit 1",
      timeout: 'shift; "$@"',
    })) {
      tool(name, body);
    }
    const { status, stderr } = run(renderPreflight({ site: awsSite(), slot: control, etcdDevice: "/dev/nowhere" }));
    expect(status).toBe(1);
    const codes = stderr.match(/^GB-\d+/gm) ?? [];
    expect([...new Set(codes)].sort()).toEqual(
      ["701", "702", "703", "704", "705", "706", "707", "708", "709", "710", "711"].map((code) => `GB-${code}`),
    );
  });
});
