import { Host } from "../host.ts";
import { kubeadm } from "../kubeadm/kubeadm.ts";
import { kubectl } from "../kubectl/kubectl.ts";
import { fail, type Tool, type ToolCall, type ToolResult } from "../tool.ts";
import { aptCache, aptGet, aptMark, dpkg, gpg } from "./apt.ts";
import { blkid, lsblk, mkfs, wipefs } from "./disks.ts";
import { lsmod, modprobe, swapoff, swapon, sysctl, uname } from "./kernel.ts";
import { df, findmnt, mount, mountpoint, umount } from "./mounts.ts";
import { curl, getent, hostname, ip, ping, ss } from "./network.ts";
import { catalogue } from "./packages.ts";
import {
  chronyc,
  cloudInit,
  containerd,
  crictl,
  ctr,
  haproxy,
  keepalived,
  kubelet,
  reboot,
  runc,
  silent,
  sleepTool,
  sshd,
  sshKeygen,
} from "./services.ts";
import { speed } from "./speed.ts";
import { hostnamectl, systemctl, timedatectl } from "./systemd.ts";

/** What Ubuntu 24.04 has without any package of ours. */
const basic: Readonly<Record<string, Tool>> = {
  apt: aptGet,
  "apt-get": aptGet,
  "apt-mark": aptMark,
  "apt-cache": aptCache,
  dpkg,
  "dpkg-query": dpkg,
  gpg,
  blkid,
  df,
  findmnt,
  lsblk,
  "mkfs.ext4": mkfs,
  "mkfs.xfs": mkfs,
  mke2fs: mkfs,
  mount,
  mountpoint,
  umount,
  wipefs,
  lsmod,
  modprobe,
  swapoff,
  swapon,
  sysctl,
  uname,
  curl,
  wget: curl,
  getent,
  hostname,
  ip,
  ping,
  ss,
  systemctl,
  hostnamectl,
  timedatectl,
  "cloud-init": cloudInit,
  sshd,
  "ssh-keygen": sshKeygen,
  sleep: sleepTool(speed),
  reboot,
  shutdown: reboot,
  poweroff: reboot,
  udevadm: silent,
  logger: silent,
  "update-ca-certificates": silent,
  journalctl: silent,
  "systemd-tmpfiles": silent,
  "systemd-sysusers": silent,
  ufw: silent,
  iptables: silent,
  ip6tables: silent,
  "iptables-save": silent,
  nft: silent,
  resolvectl: silent,
  sync: silent,
  augenrules: silent,
};

/** What comes with packages. */
const packaged: Readonly<Record<string, Tool>> = {
  kubeadm,
  kubectl,
  chronyc,
  containerd,
  crictl,
  ctr,
  haproxy,
  keepalived,
  kubelet,
  runc,
  auditctl: silent,
  conntrack: silent,
  ethtool: silent,
  ipset: silent,
  socat: silent,
};

export const basicTools = Object.keys(basic);

/** The packages that bring each tool. */
export const packagedTools: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.keys(packaged).map((tool) => [
    tool,
    Object.keys(catalogue).filter((name) => catalogue[name]?.tools?.includes(tool) === true),
  ]),
);

/** Tools that wait for others on the same machine, and so must not keep it to themselves. */
const patient = new Set(["cloud-init", "sleep"]);
const queues = new Map<string, Promise<unknown>>();

/** Answers one call; calls on one machine come one after another. */
export function answer(call: ToolCall): Promise<ToolResult> {
  const tool = basic[call.name] ?? packaged[call.name];
  if (tool === undefined) return Promise.resolve(fail(`${call.name}: command not found`, 127));
  if (patient.has(call.name)) return Promise.resolve(tool(call, Host.open(call.machine)));
  const before = queues.get(call.machine.address) ?? Promise.resolve();
  const result = before.then(async () => {
    const host = Host.open(call.machine);
    const answered = await tool(call, host);
    host.save();
    return answered;
  });
  queues.set(
    call.machine.address,
    result.catch(() => {}),
  );
  return result;
}
