import { beforeEach, describe, expect, it } from "vitest";
import { readCloudConfig, shellify } from "../../rehearsal/command/cloud-config.ts";
import { Host } from "../../rehearsal/command/host.ts";
import { jsonPath } from "../../rehearsal/command/kubectl/json-path.ts";
import { findMachine } from "../../rehearsal/command/machine.ts";
import { runScript } from "../../rehearsal/command/sandbox.ts";
import {
  bootedHost,
  cloudMachine,
  freshWorld,
  outcome,
  ownMachine,
  refusal,
  run,
  theWorld,
  tool,
  withoutSandbox,
} from "./command-hosts.ts";

freshWorld();

const node = "10.30.0.16";
const disk = "/dev/disk/by-id/wwn-0x5000";
const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n";

let host: Host;
beforeEach(() => {
  ownMachine(node, { disks: [{ path: disk, sizeGiB: 64 }] });
  host = bootedHost(node);
});
const words = (line: string): string[] => line.split(" ");
const reopened = (): Host => {
  const machine = findMachine(theWorld(), node);
  if (machine === undefined) throw new Error("no machine");
  return Host.open(machine);
};

function addRepositories(): void {
  host.files.write("/etc/apt/keyrings/k.asc", key);
  host.files.write(
    "/etc/apt/sources.list.d/k.list",
    "deb [signed-by=/etc/apt/keyrings/k.asc] https://pkgs.k8s.io/core:/stable:/v1.36/deb/ /\n",
  );
  host.files.write(
    "/etc/apt/sources.list.d/d.list",
    "deb [signed-by=/etc/apt/keyrings/k.asc] https://download.docker.com/linux/ubuntu noble stable\n",
  );
}

describe("apt-get", () => {
  it("installs what a configured and updated repository has, with its tools and units", async () => {
    addRepositories();
    await tool(node, words("apt-get update"));
    expect(
      await outcome(
        node,
        words("apt-get install -y kubelet=1.36.4-1.1 kubeadm=1.36.4-1.1 containerd.io=2.3.2-1~ubuntu.24.04~noble"),
      ),
    ).toMatch(/^0 /);
    expect(reopened().state.packages).toMatchObject({
      kubelet: "1.36.4-1.1",
      "kubernetes-cni": "1.8.0-1.1",
      "cri-tools": "1.36.0-1.1",
    });
    expect(await outcome(node, words("systemctl is-active containerd kubelet"))).toBe("3 active\ninactive\n");
  });

  it("leaves the kubelet to be enabled, and then to wait for kubeadm", async () => {
    addRepositories();
    await tool(node, words("apt-get update"));
    await tool(node, words("apt-get install -y kubelet"));
    expect(await outcome(node, words("systemctl is-enabled kubelet"))).toBe("1 disabled\n");
    await tool(node, words("systemctl enable --now kubelet"));
    expect(await outcome(node, words("systemctl is-active kubelet"))).toBe("3 activating\n");
  });

  it.each([
    ["apt-get install -y kubelet", "100 E: Unable to locate package kubelet\n", "without `update`"],
    [
      "apt-get install -y kubelet=1.36.4-00",
      "100 E: Version '1.36.4-00' for 'kubelet' was not found\n",
      "of a version that was never built",
    ],
    [
      "apt-get install -y kubelet=1.35.8-1.1",
      "100 E: Version '1.35.8-1.1' for 'kubelet' was not found\n",
      "of another minor",
    ],
    [
      "apt-get install -y containerd.io=2.3.2",
      "100 E: Version '2.3.2' for 'containerd.io' was not found\n",
      "of half a version",
    ],
    ["apt-get install -y hapoxy", "100 E: Unable to locate package hapoxy\n", "of nothing"],
    ["apt-get install kubelet", "1 Do you want to continue? [Y/n] Abort.\n\n", "without -y"],
    ["apt-get instal -y kubelet", "100 E: Invalid operation instal\n", "misspelt"],
    [
      "apt-get --yess install kubelet",
      "100 E: Command line option '--yess' is not understood in combination with the other options\n",
      "with an unknown flag",
    ],
  ])("%s is refused (%s)", async (line, expected, why) => {
    addRepositories();
    if (why !== "without `update`") await tool(node, words("apt-get update"));
    expect(await outcome(node, words(line))).toBe(expected);
  });

  it("trusts no repository without its key", async () => {
    addRepositories();
    host.files.remove("/etc/apt/keyrings/k.asc");
    expect(await outcome(node, words("apt-get update"))).toMatch(/^100 .*is not signed/s);
  });

  it("finds nothing at an address that is no repository", async () => {
    host.files.write(
      "/etc/apt/sources.list.d/x.list",
      "deb [signed-by=/etc/apt/keyrings/k.asc] https://pkgs.k8s.io/core:/stable:/v1.36/rpm/ /\n",
    );
    expect(await outcome(node, words("apt-get update"))).toMatch(/^100 .*does not have a Release file/s);
  });

  it("leaves held packages alone", async () => {
    addRepositories();
    await tool(node, words("apt-get update"));
    await tool(node, words("apt-get install -y kubelet=1.36.3-1.1"));
    await tool(node, words("apt-mark hold kubelet"));
    expect(await outcome(node, words("apt-get install -y kubelet=1.36.4-1.1"))).toContain("Held packages were changed");
    expect(await outcome(node, words("apt-get install -y --allow-change-held-packages kubelet=1.36.4-1.1"))).toMatch(
      /^0 /,
    );
    expect(await outcome(node, words("apt-get install -y --allow-change-held-packages kubelet=1.36.2-1.1"))).toContain(
      "Packages were downgraded",
    );
  });
});

describe("refusals of single tools", () => {
  it.each([
    ["systemctl enable --now kubelt", "1 Failed to enable unit: Unit file kubelt.service does not exist.\n"],
    ["systemctl start kubelt", "5 Failed to start kubelt.service: Unit kubelt.service not found.\n"],
    ["systemctl strat ssh", "1 Unknown command verb strat.\n"],
    ["systemctl --nowait start ssh", "1 systemctl: unrecognized option '--nowait'\n"],
    [
      "sysctl -w net.ipv4.ip_forwarding=1",
      "1 sysctl: cannot stat /proc/sys/net/ipv4/ip_forwarding: No such file or directory\n",
    ],
    [
      "sysctl -w net.bridge.bridge-nf-call-iptables=1",
      "1 sysctl: cannot stat /proc/sys/net/bridge/bridge-nf-call-iptables: No such file or directory\n",
    ],
    [
      "modprobe br_netfliter",
      "1 modprobe: FATAL: Module br_netfliter not found in directory /lib/modules/6.8.0-48-generic\n",
    ],
    [
      "mkfs.ext4 -q /dev/sdz",
      "1 mke2fs 1.47.0 (5-Feb-2023)\nThe file /dev/sdz does not exist and no size was specified.\n",
    ],
    [
      `mount ${disk} /mnt`,
      `32 mount: /mnt: wrong fs type, bad option, bad superblock on ${disk}, missing codepage or helper program, or other error.\n`,
    ],
    [`mount ${disk} /data`, "32 mount: /data: mount point does not exist.\n"],
    ["mount /data", "1 mount: /data: can't find in /etc/fstab.\n"],
    ["umount /mnt", "32 umount: /mnt: not mounted.\n"],
    ["blkid -p /dev/sdz", "2 "],
    ["ip link show eth9", '1 Device "eth9" does not exist.\n'],
    ["getent hosts api.example", "2 "],
    ["curl -fsSL https://example.com/x.sh", "6 curl: (6) Could not resolve host: example.com\n"],
    ["hostnamectl set-hostname a_b!", "1 Invalid hostname 'a_b!'\n"],
  ])("%s", async (line, expected) => {
    expect(await outcome(node, words(line))).toBe(expected);
  });
});

describe("disks", () => {
  it("are formatted once, mounted by fstab, and never formatted again by mistake", async () => {
    expect(await outcome(node, words(`mkfs.ext4 -q -L etcd ${disk}`))).toBe("0 ");
    expect(await outcome(node, words(`blkid -p -s LABEL -o value ${disk}`))).toBe("0 etcd\n");
    expect(await outcome(node, words(`mkfs.ext4 -q ${disk}`))).toContain("contains a ext4 file system");
    host.files.makeDirectory("/var/lib/etcd");
    host.files.append("/etc/fstab", "LABEL=etcd /var/lib/etcd ext4 noatime,nofail 0 2\n");
    expect((await tool(node, words("mount /var/lib/etcd"))).code).toBe(0);
    expect(await outcome(node, words("mountpoint -q /var/lib/etcd"))).toBe("0 ");
    expect(await outcome(node, words(`mkfs.ext4 -F ${disk}`))).toContain(
      "is mounted; will not make a filesystem here!",
    );
    // A file system is never empty, which kubeadm minds.
    expect(reopened().files.list("/var/lib/etcd")).toEqual(["lost+found"]);
    expect(await outcome(node, words("df -BG --output=avail /var/lib/etcd/data"))).toBe("0 avail\n57\n");
  });
});

describe("services", () => {
  it("do not start with a broken configuration", async () => {
    for (const name of ["containerd.io", "haproxy"]) host.state.packages[name] = "2.3.2-1";
    host.save();
    const cfg = "/etc/haproxy/haproxy.cfg";
    host.files.write(
      cfg,
      "frontend api\n  bind 127.0.0.1:8443\n  default_backend control\nbackend contrl\n  server a 10.0.0.1:6443\n",
    );
    expect(await outcome(node, words("systemctl restart haproxy"))).toContain(
      "unable to find required default_backend: 'control'",
    );
    host.files.write(cfg, "frontend api\n  bindd 127.0.0.1:8443\n");
    expect(await outcome(node, words(`haproxy -c -f ${cfg}`))).toContain(
      "unknown keyword 'bindd' in 'frontend' section",
    );
    host.files.write("/etc/containerd/config.toml", "version = 4\n");
    expect(await outcome(node, words("systemctl restart containerd"))).toContain("unsupported config version: 4");
    host.files.write("/etc/systemd/system/x.service", "[Service]\nExecStart=/usr/local/bin/x\n");
    expect(await outcome(node, words("systemctl start x"))).toContain(
      "Failed to locate executable /usr/local/bin/x: No such file or directory",
    );
  });
});

describe("cloud-config", () => {
  it.each([
    ["hello", "it must begin with the line #cloud-config"],
    ["#cloud-config\na: [", "Failed loading yaml blob"],
    ["#cloud-config\nrun_cmd: [ls]\n", "'run_cmd' was unexpected"],
    ["#cloud-config\nwrite_files: [{content: x}]\n", "write_files.0.path"],
  ])("%j is reported", (text, problem) => {
    expect(readCloudConfig(text).problems.join()).toContain(problem);
  });

  it("quotes lists and leaves strings as they are", () => {
    expect(shellify(["echo $HOME", ["echo", "it's", "$HOME"]])).toBe(
      "#!/bin/sh\necho $HOME\n'echo' 'it'\\''s' '$HOME'\n",
    );
  });
});

describe("kubectl's JSONPath", () => {
  const value = {
    items: [{ name: "a", labels: { "x.io/y": "1" }, conditions: [{ type: "Ready", status: "True" }] }, { name: "b" }],
  };
  it.each([
    ["{.items[*].name}", "a b"],
    ["{.items[0].labels.x\\.io/y}", "1"],
    ["{.items[-1].name}", "b"],
    ['{range .items[*]}{.name}{"="}{.conditions[?(@.type=="Ready")].status}{"\\n"}{end}', "a=True\nb=\n"],
    ["{.none}", ""],
  ])("%s", (template, expected) => {
    expect(jsonPath(template, value)).toBe(expected);
  });
});

describe.skipIf(withoutSandbox)("a script", () => {
  it("finds tools only after their packages, and its files where it put them", async () => {
    ownMachine(node);
    const script = `kubectl version --client 2>/dev/null || echo none
printf %s '${key}' | gpg --dearmor -o /etc/apt/keyrings/k.gpg
echo 'deb [signed-by=/etc/apt/keyrings/k.gpg] https://mirror.example/core:/stable:/v1.36/deb/ /' >/etc/apt/sources.list.d/k.list
apt-get update >/dev/null && apt-get install -y kubectl >/dev/null
kubectl version --client; test -e /etc/os-release && . /etc/os-release && echo $VERSION_ID; uname -r`;
    expect(await run(node, `sudo -n bash -c '${script.replaceAll("'", "'\\''")}'`)).toBe(
      "none\nClient Version: v1.36.4\n24.04\n6.8.0-48-generic",
    );
  });

  it("of a user changes nothing outside his home without sudo", async () => {
    ownMachine(node);
    expect(await refusal(run(node, "echo x >/etc/x"))).toContain("/etc/x");
    expect(await refusal(run(node, "apt-get update"))).toContain("are you root?");
    expect(await run(node, "echo x >~/x && sudo -n cp x /etc/x && cat /etc/x && id -un")).toBe("x\nops");
    expect(await run(node, "sudo -n id -u")).toBe("0");
  });

  it("sees disks as block devices and keeps mounts for the next script", async () => {
    cloudMachine("10.10.0.16", { publicAddress: "203.0.113.1", disks: [{ path: disk, sizeGiB: 8 }] });
    const prepare = `set -e; mkfs.ext4 -q ${disk}; mkdir -p /var/lib/etcd; mount ${disk} /var/lib/etcd; echo member >/var/lib/etcd/x`;
    await run("203.0.113.1", `sudo -n bash -c '${prepare}'`);
    expect(await run("203.0.113.1", "cat /var/lib/etcd/x; findmnt -n -o SOURCE /var/lib/etcd")).toBe(`member\n${disk}`);
  });

  it("waits for cloud-init, which runs its own commands in dash", async () => {
    const runcmd = ["echo done >/etc/done", ["sh", "-c", "echo $0 >>/etc/done"]];
    cloudMachine("10.10.0.16", { publicAddress: "203.0.113.1", userData: { runcmd } });
    expect(await run("203.0.113.1", "cat /etc/done 2>/dev/null; cloud-init status --wait; cat /etc/done")).toBe(
      "status: done\ndone\nsh",
    );
  });

  it("learns from cloud-init that user data failed", async () => {
    cloudMachine("10.10.0.16", { publicAddress: "203.0.113.1", userData: { runcmd: ["exit 7"] } });
    expect(await refusal(run("203.0.113.1", "cloud-init status --wait --long"))).toMatch(
      /status: error.*Exit code: 7/s,
    );
    cloudMachine("10.10.0.17", { publicAddress: "203.0.113.2", userData: { run_cmd: [] } });
    expect(await refusal(run("203.0.113.2", "cloud-init status --wait"))).toContain("Process exited with status 2");
  });

  it("that never ends is killed, with all it started", async () => {
    ownMachine(node);
    await run(node, "true");
    const controller = new AbortController();
    const result = await runScript({
      host: reopened(),
      world: theWorld(),
      user: "ops",
      command: "(while :; do read -r -t 1 <><(:); done) & echo started; wait",
      stdin: "",
      onLine: () => controller.abort(),
      signal: controller.signal,
    });
    expect(result.stdout).toBe("started\n");
    expect(result.code).toBeUndefined();
  });
});
