import type { Host } from "../host.ts";
import { catalogue } from "./packages.ts";

const suffix = /\.(service|timer|socket|path|mount|target|slice)$/;
const directories = ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system"];
/** Units of systemd itself that scripts start, stop or mask. */
const ofSystemd = new Set(
  "systemd-timesyncd systemd-resolved systemd-networkd systemd-journald systemd-logind systemd-modules-load systemd-sysctl systemd-udevd ssh.socket apt-daily.timer apt-daily-upgrade.timer apt-daily apt-daily-upgrade swap.target multi-user.target network-online.target local-fs.target unattended-upgrades ssh cron rsyslog ufw multipathd multipathd.socket apparmor snapd snapd.socket cloud-init cloud-final cloud-config iscsid motd-news.timer fwupd-refresh.timer sleep.target suspend.target hibernate.target hybrid-sleep.target needrestart dbus".split(
    " ",
  ),
);

/** `kubelet` for `kubelet.service`; other suffixes stay, since they name other units. */
export function unitName(name: string): string {
  if (name === "sshd" || name === "sshd.service") return "ssh";
  return name.replace(/\.service$/, "");
}

/** The unit file that a script wrote; `undefined` for units of packages. */
export function unitFile(host: Host, name: string): string | undefined {
  const file = suffix.test(name) ? name : `${name}.service`;
  for (const directory of directories) {
    const content = host.files.read(`${directory}/${file}`);
    if (content !== undefined) return content;
  }
  return undefined;
}

/** Whether systemd could load it. */
export function unitExists(host: Host, name: string): boolean {
  if (ofSystemd.has(name) || unitFile(host, name) !== undefined) return true;
  if (name.endsWith(".mount") || name.endsWith(".swap")) return true;
  return Object.keys(host.state.packages).some(
    (one) => catalogue[one]?.units?.some((unit) => unit.name === name) === true,
  );
}

/** What a package's installation does with its units. */
export function addUnits(host: Host, units: readonly { readonly name: string; readonly starts: boolean }[]): void {
  for (const { name, starts } of units) {
    const masked = host.state.units[name]?.masked ?? false;
    host.state.units[name] ??= { enabled: starts, active: starts && !masked, masked };
  }
}

export function isActive(host: Host, name: string): boolean {
  return host.state.units[unitName(name)]?.active ?? false;
}

/** TCP ports that something on the host listens on. */
export function listening(host: Host): Set<number> {
  const ports = new Set<number>();
  const manifests = host.files.list("/etc/kubernetes/manifests");
  if (isActive(host, "ssh")) ports.add(22);
  if (kubeletRuns(host)) {
    for (const port of [10248, 10250]) ports.add(port);
    if (manifests.includes("kube-apiserver.yaml")) ports.add(6443);
    if (manifests.includes("kube-scheduler.yaml")) ports.add(10259);
    if (manifests.includes("kube-controller-manager.yaml")) ports.add(10257);
    if (manifests.includes("etcd.yaml")) for (const port of [2379, 2380, 2381]) ports.add(port);
  }
  if (isActive(host, "haproxy")) {
    const binds = (host.files.read("/etc/haproxy/haproxy.cfg") ?? "").matchAll(/^\s*bind\s+\S*?:(\d+)/gm);
    for (const [, port] of binds) ports.add(Number(port));
  }
  return ports;
}

/** The kubelet runs once kubeadm has written its configuration; before that systemd restarts it again and again. */
export function kubeletRuns(host: Host): boolean {
  return isActive(host, "kubelet") && host.files.exists("/var/lib/kubelet/config.yaml");
}
