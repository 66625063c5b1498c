import type { Host } from "../host.ts";
import { criAnswers } from "../tools/configs.ts";
import { listening, unitExists } from "../tools/units.ts";

/** One finding of a preflight check: its name as `--ignore-preflight-errors` takes it, and what is wrong. */
export interface Finding {
  readonly check: string;
  readonly text: string;
  readonly warning?: boolean;
}

/** kubeadm stopped; the code is its exit status. */
export class KubeadmError extends Error {
  readonly code: number;
  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}

/** Checks of init and join alike (cmd/kubeadm/app/preflight, addCommonChecks). */
export function commonFindings(host: Host, kubernetesVersion: string | undefined): Finding[] {
  const { state, files } = host;
  const findings: Finding[] = [];
  if (!criAnswers(host)) {
    findings.push({
      check: "CRI",
      text: 'could not connect to the container runtime: failed to create new CRI runtime service: validate service connection: validate CRI v1 runtime API for endpoint "unix:///run/containerd/containerd.sock": rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService',
    });
  }
  if (state.swap)
    findings.push({
      check: "Swap",
      text: "swap is supported for cgroup v2 only. The kubelet must be properly configured to use swap.",
      warning: true,
    });
  const kubelet = state.packages.kubelet;
  if (kubelet === undefined) findings.push({ check: "FileExisting-kubelet", text: "kubelet not found in system path" });
  const installed = minor(kubelet ?? "");
  if (kubernetesVersion !== undefined && installed > minor(kubernetesVersion)) {
    findings.push({
      check: "KubeletVersion",
      text: `the kubelet version is higher than the control plane version. This is not a supported version skew and may lead to a malfunctional cluster. Kubelet version: "${kubelet?.split("-")[0] ?? ""}" Control plane version: "${kubernetesVersion}"`,
    });
  }
  if (unitExists(host, "kubelet") && state.units.kubelet?.enabled !== true) {
    findings.push({
      check: "Service-Kubelet",
      text: "kubelet service is not enabled, please run 'systemctl enable kubelet.service'",
      warning: true,
    });
  }
  if (listening(host).has(10_250)) findings.push({ check: "Port-10250", text: "Port 10250 is in use" });
  if ((files.read("/proc/sys/net/ipv4/ip_forward") ?? "").trim() !== "1") {
    findings.push({
      check: "FileContent--proc-sys-net-ipv4-ip_forward",
      text: "/proc/sys/net/ipv4/ip_forward contents are not set to 1",
    });
  }
  return findings;
}

/** Checks of a machine that becomes a control plane (InitNodeChecks). */
export function controlPlaneFindings(host: Host, bindPort: number, etcdDirectory: string): Finding[] {
  const taken = listening(host);
  const ports = [bindPort, 10_259, 10_257, 2379, 2380].filter((port) => taken.has(port));
  const manifests = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"].map(
    (name) => `/etc/kubernetes/manifests/${name}.yaml`,
  );
  return [
    ...manifests
      .filter((path) => host.files.exists(path))
      .map((path) => ({ check: `FileAvailable-${path.replaceAll("/", "-")}`, text: `${path} already exists` })),
    ...ports.map((port) => ({ check: `Port-${port}`, text: `Port ${port} is in use` })),
    ...(host.files.list(etcdDirectory).length > 0
      ? [{ check: `DirAvailable-${etcdDirectory.replaceAll("/", "-")}`, text: `${etcdDirectory} is not empty` }]
      : []),
  ];
}

/** Checks of a machine that joins. */
export function joinFindings(host: Host, worker: boolean): Finding[] {
  const paths = [
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/bootstrap-kubelet.conf",
    ...(worker ? ["/etc/kubernetes/pki/ca.crt"] : []),
  ];
  return paths
    .filter((path) => host.files.exists(path))
    .map((path) => ({ check: `FileAvailable-${path.replaceAll("/", "-")}`, text: `${path} already exists` }));
}

/**
 * Warns of what may be ignored.
 *
 * @returns the warnings as kubeadm prints them.
 * @throws KubeadmError, with kubeadm's text, on anything else.
 */
export function judge(findings: readonly Finding[], ignored: readonly string[]): string {
  const lower = ignored.map((name) => name.toLowerCase());
  const passes = ({ check, warning }: Finding): boolean =>
    warning === true || lower.includes("all") || lower.includes(check.toLowerCase());
  const errors = findings
    .filter((finding) => !passes(finding))
    .map(({ check, text }) => `\t[ERROR ${check}]: ${text}\n`);
  const warnings = findings
    .filter(passes)
    .map(({ check, text }) => `\t[WARNING ${check}]: ${text}\n`)
    .join("");
  if (errors.length === 0) return warnings;
  throw new KubeadmError(
    `${warnings}[preflight] Some fatal errors occurred:\n${errors.join("")}[preflight] If you know what you are doing, you can make a check non-fatal with \`--ignore-preflight-errors=...\`\nerror: error execution phase preflight: preflight checks failed`,
    2,
  );
}

function minor(version: string): number {
  return Number(/^v?1\.(\d+)/.exec(version)?.[1] ?? 0);
}
