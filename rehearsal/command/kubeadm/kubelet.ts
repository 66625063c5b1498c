import type { Host } from "../host.ts";
import { componentFlags } from "./flags.ts";

/** Kernel settings that the kubelet insists on with `protectKernelDefaults` (pkg/kubelet/cm, setupKernelTunables). */
const kernelDefaults: Readonly<Record<string, string>> = {
  "vm/overcommit_memory": "1",
  "vm/panic_on_oom": "0",
  "kernel/panic": "10",
  "kernel/panic_on_oops": "1",
  "kernel/keys/root_maxkeys": "1000000",
  "kernel/keys/root_maxbytes": "25000000",
};

/**
 * Why the kubelet would not come up with this configuration; `undefined` when it would.
 *
 * @param config  A KubeletConfiguration without the defaults.
 * @param extraArgs  Flags of nodeRegistration.kubeletExtraArgs.
 */
export function kubeletProblem(
  host: Host,
  config: Readonly<Record<string, unknown>>,
  extraArgs: readonly { name: string; value: string }[],
): string | undefined {
  if (host.state.units.kubelet?.masked === true) return "Unit kubelet.service is masked";
  const unknown = extraArgs.find(({ name }) => !componentFlags.kubelet.has(name));
  if (unknown !== undefined) return `failed to parse kubelet flag: unknown flag: --${unknown.name}`;
  const address = extraArgs.find(({ name }) => name === "node-ip")?.value;
  if (address !== undefined && address !== host.machine.address)
    return `failed to validate nodeIP: node IP: "${address}" not found in the host's network interfaces`;
  if (config.protectKernelDefaults === true) {
    for (const [key, expected] of Object.entries(kernelDefaults)) {
      const actual = (host.files.read(`/proc/sys/${key}`) ?? "").trim();
      if (actual !== expected)
        return `Failed to start ContainerManager: invalid kernel flag: ${key}, expected value: ${expected}, actual value: ${actual}`;
    }
  }
  if (host.state.swap && config.failSwapOn !== false)
    return "running with swap on is not supported, please disable swap or set --fail-swap-on flag to false";
  if (config.cgroupDriver !== undefined && config.cgroupDriver !== "systemd" && config.cgroupDriver !== "cgroupfs")
    return `invalid configuration: cgroupDriver ${JSON.stringify(config.cgroupDriver)}`;
  const dropIns = host.files
    .list("/etc/systemd/system/kubelet.service.d")
    .map((name) => host.files.read(`/etc/systemd/system/kubelet.service.d/${name}`) ?? "");
  const required = dropIns.flatMap((content) =>
    [...content.matchAll(/^RequiresMountsFor=(.+)$/gm)].flatMap(([, paths]) => (paths ?? "").split(/\s+/)),
  );
  const fstab = host.files.read("/etc/fstab") ?? "";
  const missing = required.find(
    (path) =>
      fstab.split("\n").some((line) => line.split(/\s+/)[1] === path) &&
      !host.state.mounts.some(({ target }) => target === path),
  );
  return missing === undefined ? undefined : `Dependency failed for kubelet.service: ${missing} is not mounted`;
}
