import type { NodeSiteSpec } from "../../config/schema.ts";
import { auditLogDirectory } from "../../kubernetes/kubeadm.ts";
import type { Slot } from "../../network/plan.ts";
import { requiredModules } from "../preflight.ts";
import { apiAccess } from "./api-access.ts";
import { approveServing } from "./approve-serving.ts";
import { exclusive, file, put, quote, script, strict } from "./bash.ts";
import { containerRuntime } from "./container-runtime.ts";
import { packages } from "./packages.ts";
import { etcdLabel, etcdMount } from "./paths.ts";

export interface PrepareArgs {
  readonly site: NodeSiteSpec;
  readonly slot: Slot;
  /** Block device for etcd, where there is one; a control plane without keeps etcd on the root disk. */
  readonly etcdDevice?: string | undefined;
}

/**
 * Turns an Ubuntu machine of any platform into one that can join. Other nodes appear in it only as far as every node must know them: the
 * control planes, where the API is reached through a proxy. So raising a worker count changes no other node's script.
 */
export function renderPrepare({ site, slot, etcdDevice }: PrepareArgs): string {
  const controlPlane = slot.role === "control-plane";
  return script(
    strict,
    exclusive,
    put,
    kernel(site),
    networkd,
    packages(site, slot),
    time(site),
    containerRuntime(site),
    apiAccess(site, slot),
    etcdDevice === undefined ? "" : etcdDisk(etcdDevice),
    `install -d -m 0700 ${quote(site.cilium.hubble.exportDirectory)}${controlPlane ? ` ${auditLogDirectory}` : ""}`,
    controlPlane ? approveServing : "",
    "systemctl enable -q kubelet",
  );
}

/** What the kubelet expects with `protectKernelDefaults` (pkg/kubelet/cm, setupKernelTunables), and what a node does anyway. */
const sysctls = {
  "net.ipv4.ip_forward": 1,
  "vm.overcommit_memory": 1,
  "vm.panic_on_oom": 0,
  "kernel.panic": 10,
  "kernel.panic_on_oops": 1,
  "kernel.keys.root_maxkeys": 1_000_000,
  "kernel.keys.root_maxbytes": 25_000_000,
  // A few pods that watch files use Ubuntu's 128 instances up (kind.sigs.k8s.io/docs/user/known-issues).
  "fs.inotify.max_user_instances": 512,
  "fs.inotify.max_user_watches": 524_288,
};

/** rp_filter is not among them: the Cilium agent switches it off for its own devices, after systemd. */
function kernel(site: NodeSiteSpec): string {
  const modules = requiredModules(site);
  const settings = Object.entries(sysctls).map(([key, value]) => `${key} = ${value}`);
  return `${file("/etc/modules-load.d/gyeongbu.conf", modules.join("\n"))}
modprobe -a ${modules.join(" ")}
${file("/etc/sysctl.d/90-gyeongbu.conf", settings.join("\n"))}
logged sysctl -p /etc/sysctl.d/90-gyeongbu.conf`;
}

/** Otherwise it removes Cilium's routes and rules whenever it restarts. */
const networkd = file(
  "/etc/systemd/networkd.conf.d/10-gyeongbu.conf",
  "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no",
  { onChange: "logged systemctl try-restart systemd-networkd" },
);

/** The cloud's own clock, which needs no way out; a data centre's servers stay whatever the host has. */
function time({ platform }: NodeSiteSpec): string {
  switch (platform) {
    case "aws":
      // docs.aws.amazon.com/AWSEC2, Amazon Time Sync Service.
      return chrony("server 169.254.169.123 prefer iburst minpoll 4 maxpoll 4");
    case "azure":
      // learn.microsoft.com/azure/virtual-machines/linux/time-sync.
      return chrony("refclock PHC /dev/ptp_hyperv poll 3 dpoll -2 offset 0 stratum 2");
    case "on-prem":
      return "";
  }
}

const chrony = (source: string) =>
  file("/etc/chrony/conf.d/gyeongbu.conf", source, { onChange: "logged systemctl restart chrony" });

/** A disk that holds anything but our own file system is never written to. */
function etcdDisk(device: string): string {
  return `device=${quote(device)}
for _ in $(seq 60); do
  [[ -b $device ]] && break
  sleep 2
done
found=0
blkid -p "$device" >/dev/null || found=$?
# 2: no signature of anything (man blkid).
if [[ $found -eq 2 ]]; then
  logged mkfs.ext4 -q -L ${etcdLabel} "$device"
elif [[ $found -ne 0 || $(blkid -p -s LABEL -o value "$device") != ${etcdLabel} ]]; then
  refuse GB-730 "$device holds something else: $(blkid -p "$device"). Run wipefs -a $device if nobody needs it."
fi
mkdir -p ${etcdMount}
{
  sed '\\#[[:space:]]${etcdMount}[[:space:]]#d' /etc/fstab
  echo "LABEL=${etcdLabel} ${etcdMount} ext4 noatime,nofail,x-systemd.device-timeout=60s 0 2"
} | put 0644 /etc/fstab systemctl daemon-reload
mountpoint -q ${etcdMount} || mount ${etcdMount}
chmod 0700 ${etcdMount}
# nofail keeps SSH alive without the disk; this keeps etcd from starting empty beside it.
${file("/etc/systemd/system/kubelet.service.d/20-gyeongbu-etcd.conf", `[Unit]\nRequiresMountsFor=${etcdMount}`, {
  onChange: "systemctl daemon-reload",
})}`;
}
