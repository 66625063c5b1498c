import type { NodeSiteSpec } from "../config/schema.ts";
import type { Slot } from "../network/plan.ts";
import { usesLocalProxy } from "../network/plan.ts";
import { ports } from "../network/ports.ts";
import { neededDiskGb, ubuntuReleases } from "./requirements.ts";
import { quote, script } from "./scripts/bash.ts";
import { joinedMarker } from "./scripts/paths.ts";

export interface PreflightArgs {
  readonly site: NodeSiteSpec;
  readonly slot: Slot;
  /** Block device for etcd, where there is one. */
  readonly etcdDevice?: string | undefined;
}

/** Cilium's own floor (Documentation/operations/system_requirements.rst); WireGuard's, 5.6, is below it. */
const oldestKernel = "5.10";
/** Seconds from the first connection to the end of cloud-init; it has little to do, and a cold image takes under two minutes. */
const cloudInitSeconds = 300;
/** Seconds that a machine which has just booted may take to find its time. */
const clockSeconds = 120;

/**
 * Reads whether the machine can become this node, and prints everything that is wrong at once, one `GB-7xx` line each. It changes nothing.
 * A node that has joined has its ports in use, so those are looked at before that only.
 */
export function renderPreflight({ site, slot, etcdDevice }: PreflightArgs): string {
  return script(
    `set -euo pipefail
problems=0
problem() {
  echo "$1: $2" >&2
  problems=$((problems + 1))
}`,
    site.platform === "on-prem" ? "" : cloudInit,
    system,
    kernelModules(site),
    clock,
    disk(site, slot),
    `if ! ip -4 -o address show | grep -qF ${quote(` ${slot.address}/`)}; then
  problem GB-707 "no interface has ${slot.address}, this node's address in the plan. Give it that address or correct the stack file."
fi
if [[ -n $(swapon --show) ]]; then
  problem GB-708 "swap is on, and the kubelet does not start with it. Run swapoff -a and remove the swap line from /etc/fstab."
fi`,
    etcdDevice === undefined ? "" : etcdDisk(etcdDevice),
    freePorts(site, slot),
    `[[ $problems -eq 0 ]] || exit 1`,
  );
}

/** sshd answers before cloud-init has ended, and until then apt's sources may still change. Exit code 2 is a warning of its own. */
const cloudInit = `ended=0
timeout ${cloudInitSeconds} cloud-init status --wait >/dev/null || ended=$?
if [[ $ended -ne 0 && $ended -ne 2 ]]; then
  problem GB-711 "cloud-init failed or did not end within ${cloudInitSeconds} s. Run cloud-init status --long on the machine."
fi`;

const system = `# shellcheck source=/dev/null
. /etc/os-release
case "$ID $VERSION_ID" in
  ${ubuntuReleases.map((release) => `"ubuntu ${release}"`).join(" | ")}) ;;
  *) problem GB-701 "this is $ID $VERSION_ID. Install Ubuntu ${ubuntuReleases.join(" or ")}." ;;
esac
kernel=$(uname -r)
if ! printf '%s\\n' ${oldestKernel} "$kernel" | sort -V -C; then
  problem GB-702 "kernel $kernel is older than ${oldestKernel}, the oldest that Cilium runs on. Upgrade it."
fi
if [[ $(stat -fc %T /sys/fs/cgroup) != cgroup2fs ]]; then
  problem GB-703 "/sys/fs/cgroup is not cgroup v2, and the kubelet needs it. Boot with systemd.unified_cgroup_hierarchy=1."
fi`;

/** Modules by feature; built-in ones count as present. */
export function requiredModules({ cilium }: Pick<NodeSiteSpec, "cilium">): string[] {
  const { encryption, routing } = cilium;
  return [
    "overlay",
    ...(encryption === "wireguard" ? ["wireguard"] : []),
    ...(encryption === "ipsec" ? ["xfrm_user", "esp4"] : []),
    ...(routing === "native" ? [] : [routing]),
  ];
}

function kernelModules(site: NodeSiteSpec): string {
  return `for module in ${requiredModules(site).join(" ")}; do
  modprobe -n -q "$module" || problem GB-704 "kernel module $module is missing. Install linux-modules-extra-$kernel or change the stack file."
done`;
}

const clock = `synchronized=no
for _ in $(seq ${clockSeconds / 5}); do
  synchronized=$(timedatectl show -p NTPSynchronized --value)
  [[ $synchronized == yes ]] && break
  sleep 5
done
[[ $synchronized == yes ]] || problem GB-705 "the clock is not synchronized. Give chrony or systemd-timesyncd a server it can reach."`;

function disk(site: NodeSiteSpec, { role }: Slot): string {
  const neededGb = neededDiskGb(site, role);
  return `if [[ ! -e ${joinedMarker} ]]; then
  free=$(df -B1G --output=avail /var/lib | tail -n 1 | tr -d ' ')
  ((free >= ${neededGb})) || problem GB-706 "/var/lib has $free GiB free; images and logs need ${neededGb}. Grow the root disk."
fi`;
}

function etcdDisk(device: string): string {
  return `for _ in $(seq 30); do
  [[ -b ${quote(device)} ]] && break
  sleep 2
done
[[ -b ${quote(device)} ]] || problem GB-709 "there is no block device ${device} for etcd. Attach it or correct the stack file."`;
}

function freePorts(site: NodeSiteSpec, slot: Slot): string {
  const taken = [
    ports.kubelet,
    ...(slot.role === "control-plane" ? [ports.api.backend, ...ports.etcd] : []),
    ...(usesLocalProxy(site, slot) ? [ports.api.frontend] : []),
  ];
  return `unused() {
  local users
  users=$(ss -Hltnp "sport = :$1")
  [[ -z $users ]] || problem GB-710 "port $1 is in use: $users. Stop what listens there."
}
if [[ ! -e ${joinedMarker} && ! -e /etc/kubernetes/kubelet.conf && ! -e /etc/haproxy/haproxy.cfg ]]; then
${taken.map((port) => `  unused ${port}`).join("\n")}
fi`;
}
