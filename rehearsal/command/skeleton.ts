import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Host } from "./host.ts";
import { sysctlDefaults } from "./sysctl.ts";

const directories = [
  ["etc", 0o755],
  ["etc/apt/sources.list.d", 0o755],
  ["etc/apt/keyrings", 0o755],
  ["etc/apt/preferences.d", 0o755],
  ["etc/apt/apt.conf.d", 0o755],
  ["etc/modules-load.d", 0o755],
  ["etc/sysctl.d", 0o755],
  ["etc/systemd/system", 0o755],
  ["etc/ssh/sshd_config.d", 0o755],
  ["etc/sudoers.d", 0o750],
  ["etc/security/limits.d", 0o755],
  ["etc/default", 0o755],
  ["etc/alternatives", 0o755],
  ["etc/ssl/certs", 0o755],
  ["var/lib", 0o755],
  ["var/log", 0o755],
  ["var/cache", 0o755],
  ["var/tmp", 0o1777],
  ["root", 0o700],
  ["home", 0o755],
  ["run/lock", 0o1777],
  ["run/systemd/system", 0o755],
  ["tmp", 0o1777],
  ["opt", 0o755],
  ["srv", 0o755],
  ["mnt", 0o755],
  ["usr", 0o755],
  ["proc", 0o555],
  ["dev", 0o755],
  ["dev/shm", 0o1777],
  ["sys/fs/cgroup", 0o755],
  [".rehearsal/shims", 0o755],
  [".rehearsal/run", 0o755],
] as const;

/** Files of a fresh Ubuntu 24.04 server that scripts read. */
const files: Readonly<Record<string, string>> = {
  "etc/os-release": [
    'PRETTY_NAME="Ubuntu 24.04.3 LTS"',
    'NAME="Ubuntu"',
    'VERSION_ID="24.04"',
    'VERSION="24.04.3 LTS (Noble Numbat)"',
    "VERSION_CODENAME=noble",
    "ID=ubuntu",
    "ID_LIKE=debian",
    "UBUNTU_CODENAME=noble",
    "",
  ].join("\n"),
  "etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\n",
  "etc/passwd": [
    "root:x:0:0:root:/root:/bin/bash",
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
    "syslog:x:103:104::/nonexistent:/usr/sbin/nologin",
    "_apt:x:42:65534::/nonexistent:/usr/sbin/nologin",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
    "",
  ].join("\n"),
  "etc/group":
    "root:x:0:\ndaemon:x:1:\nadm:x:4:syslog\nsudo:x:27:\nsyslog:x:104:\nsystemd-journal:x:999:\nnogroup:x:65534:\n",
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
  "etc/fstab": "LABEL=cloudimg-rootfs\t/\text4\tdiscard,commit=30,errors=remount-ro\t0 1\n",
  "etc/apt/sources.list.d/ubuntu.sources": [
    "Types: deb",
    "URIs: http://archive.ubuntu.com/ubuntu/",
    "Suites: noble noble-updates noble-backports",
    "Components: main universe restricted multiverse",
    "Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg",
    "",
  ].join("\n"),
  "etc/ssh/sshd_config":
    "Include /etc/ssh/sshd_config.d/*.conf\nKbdInteractiveAuthentication no\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\nAcceptEnv LANG LC_*\nSubsystem\tsftp\t/usr/lib/openssh/sftp-server\n",
  "etc/sudoers":
    "Defaults\tsecure_path=...\nroot\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
  "etc/sysctl.conf": "",
  "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma misc\n",
  "etc/environment": "",
  "etc/resolv.conf": "nameserver 127.0.0.53\n",
  "etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n",
};

/** Units that a cloud image runs from its first boot. */
const units = [
  "ssh",
  "systemd-timesyncd",
  "systemd-resolved",
  "systemd-networkd",
  "cron",
  "rsyslog",
  "unattended-upgrades",
];
const unitsAtRest = ["ufw", "multipathd", "apparmor", "snapd"];

/** Packages of an Ubuntu 24.04 cloud image that scripts rely on without installing them. */
const packages: Readonly<Record<string, string>> = {
  "ca-certificates": "20240203",
  curl: "8.5.0-2ubuntu10.6",
  gnupg: "2.4.4-2ubuntu17.3",
  "openssh-server": "1:9.6p1-3ubuntu13.13",
  e2fsprogs: "1.47.0-2.4~exp1ubuntu4.1",
  xfsprogs: "6.6.0-1ubuntu2.1",
  iptables: "1.8.10-3ubuntu2",
  nftables: "1.0.9-1build1",
  python3: "3.12.3-0ubuntu2",
  openssl: "3.0.13-0ubuntu3.5",
};

/** Lays out the file system of a machine that never ran. */
export function layOut(host: Host): void {
  const root = join(host.directory, "root");
  mkdirSync(host.directory, { recursive: true, mode: 0o700 });
  for (const [path, mode] of directories) {
    mkdirSync(join(root, path), { recursive: true });
    chmodSync(join(root, path), mode);
  }
  for (const [path, content] of Object.entries(files)) write(join(root, path), content);
  const { name, address } = host.machine;
  write(join(root, "etc/hostname"), `${name}\n`);
  write(join(root, "etc/hosts"), `127.0.0.1 localhost\n127.0.1.1 ${name}\n::1 ip6-localhost ip6-loopback\n`);
  write(
    join(root, "etc/machine-id"),
    `${createHash("md5").update(`${host.machine.identity}${address}`).digest("hex")}\n`,
  );
  for (const link of ["bin", "sbin", "lib", "lib64"]) linkAsHere(root, link);
  if (existsSync("/etc/ld.so.cache")) write(join(root, "etc/ld.so.cache"), readFileSync("/etc/ld.so.cache"));
  if (existsSync("/etc/ssl/openssl.cnf"))
    write(join(root, "etc/ssl/openssl.cnf"), readFileSync("/etc/ssl/openssl.cnf"));
  symlinkSync("/proc/self/mounts", join(root, "etc/mtab"));
  const descriptors = { fd: "", stdin: "/0", stdout: "/1", stderr: "/2" };
  for (const [link, tail] of Object.entries(descriptors)) symlinkSync(`/proc/self/fd${tail}`, join(root, "dev", link));
  for (const part of ["bin", "sbin", "lib", "share", "etc"])
    mkdirSync(join(host.directory, "local", part), { recursive: true });
  for (const [key, value] of Object.entries(sysctlDefaults)) {
    write(join(host.directory, "proc/sys", key.replaceAll(".", "/")), `${value}\n`);
  }
  write(join(host.directory, "proc/modules"), "");
  write(join(host.directory, "proc/swaps"), "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
  const unit = (active: boolean) => ({ enabled: active, active, masked: false });
  host.state.units = Object.fromEntries([
    ...units.map((one) => [one, unit(true)]),
    ...unitsAtRest.map((one) => [one, unit(false)]),
  ]);
  host.state.packages = { ...packages };
  host.state.hostname = name;
}

/** `/bin` and its like are links into `/usr` on every Debian and Ubuntu that is still supported. */
function linkAsHere(root: string, name: string): void {
  if (existsSync(`/usr/${name}`)) symlinkSync(`usr/${name}`, join(root, name));
}

function write(file: string, content: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
