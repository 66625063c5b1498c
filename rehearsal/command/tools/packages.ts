/** What a package brings besides files under /usr. */
export interface Package {
  /** Version in Ubuntu 24.04's archive; absent for packages of another repository. */
  readonly version?: string;
  /** systemd units, and whether the package starts and enables them. */
  readonly units?: readonly { readonly name: string; readonly starts: boolean }[];
  readonly tools?: readonly string[];
  readonly conflicts?: readonly string[];
  readonly depends?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly directories?: readonly string[];
  /** User and group of the same name that the package makes. */
  readonly account?: string;
  /** Modelled seconds to fetch and install. */
  readonly seconds?: number;
}

const service = (name: string, starts = true) => [{ name, starts }];

/** Ubuntu 24.04's archive, as far as node set-ups use it (packages.ubuntu.com/noble). */
const archive: Readonly<Record<string, Package>> = {
  "apparmor-utils": { version: "4.0.1really4.0.1-0ubuntu0.24.04.4" },
  "apt-transport-https": { version: "2.8.3" },
  auditd: { version: "1:3.1.2-2.1build1.1", units: service("auditd"), tools: ["auditctl", "augenrules"] },
  bash: { version: "5.2.21-2ubuntu4" },
  bpftool: { version: "7.4.0+6.8.0-60.63" },
  "ca-certificates": { version: "20240203" },
  chrony: {
    version: "4.5-1ubuntu4.2",
    units: service("chrony"),
    tools: ["chronyc", "chronyd"],
    conflicts: ["systemd-timesyncd"],
    account: "_chrony",
    directories: ["/etc/chrony/sources.d", "/etc/chrony/conf.d"],
    files: {
      "/etc/chrony/chrony.conf":
        "confdir /etc/chrony/conf.d\nsourcedir /etc/chrony/sources.d\npool ntp.ubuntu.com iburst maxsources 4\nmakestep 1 3\n",
    },
  },
  conntrack: { version: "1:1.4.8-1ubuntu1", tools: ["conntrack"] },
  containerd: {
    version: "1.7.28-0ubuntu1~24.04.1",
    units: service("containerd"),
    tools: ["containerd", "ctr"],
    depends: ["runc"],
    conflicts: ["containerd.io"],
    seconds: 20,
  },
  cron: { version: "3.0pl1-184ubuntu2", units: service("cron") },
  curl: { version: "8.5.0-2ubuntu10.6" },
  ebtables: { version: "2.0.11-6ubuntu1" },
  e2fsprogs: { version: "1.47.0-2.4~exp1ubuntu4.1" },
  "etcd-client": { version: "3.4.30-1ubuntu0.24.04.3", tools: ["etcdctl"] },
  ethtool: { version: "1:6.7-1build1", tools: ["ethtool"] },
  gnupg: { version: "2.4.4-2ubuntu17.3" },
  gpg: { version: "2.4.4-2ubuntu17.3" },
  haproxy: {
    version: "2.8.15-1ubuntu0.24.04.1",
    units: service("haproxy"),
    tools: ["haproxy"],
    account: "haproxy",
    files: {
      "/etc/haproxy/haproxy.cfg":
        "global\n\tdaemon\n\ndefaults\n\tmode http\n\ttimeout connect 5000\n\ttimeout client 50000\n\ttimeout server 50000\n",
    },
    seconds: 10,
  },
  ipset: { version: "7.19-1ubuntu2", tools: ["ipset"] },
  iptables: { version: "1.8.10-3ubuntu2" },
  jq: { version: "1.7.1-3build1" },
  keepalived: {
    version: "1:2.2.8-1build2",
    units: service("keepalived"),
    tools: ["keepalived"],
    directories: ["/etc/keepalived"],
    seconds: 8,
  },
  kmod: { version: "31+20240202-2ubuntu7.1" },
  logrotate: { version: "3.21.0-2build1" },
  lvm2: { version: "2.03.16-3ubuntu3.2" },
  multipathtools: { version: "0.9.4-5ubuntu8" },
  netcat: { version: "1.226-1ubuntu2" },
  "netcat-openbsd": { version: "1.226-1ubuntu2" },
  "nfs-common": { version: "1:2.6.4-3ubuntu5.1" },
  nftables: { version: "1.0.9-1build1" },
  nvme: { version: "2.8-1ubuntu0.1" },
  "nvme-cli": { version: "2.8-1ubuntu0.1" },
  "open-iscsi": { version: "2.1.9-3ubuntu5.4", units: service("open-iscsi") },
  "openssh-server": { version: "1:9.6p1-3ubuntu13.13", units: service("ssh") },
  openssl: { version: "3.0.13-0ubuntu3.5" },
  parted: { version: "3.6-4build1" },
  python3: { version: "3.12.3-0ubuntu2" },
  rsyslog: { version: "8.2312.0-3ubuntu9.1", units: service("rsyslog") },
  runc: { version: "1.3.3-0ubuntu1~24.04.2", tools: ["runc"] },
  socat: { version: "1.8.0.0-4build3", tools: ["socat"] },
  "systemd-timesyncd": { version: "255.4-1ubuntu8.10", units: service("systemd-timesyncd"), conflicts: ["chrony"] },
  tcpdump: { version: "4.99.4-3ubuntu4" },
  "unattended-upgrades": { version: "2.9.1+nmu4ubuntu1", units: service("unattended-upgrades") },
  "util-linux": { version: "2.39.3-9ubuntu6.3" },
  "wireguard-tools": { version: "1.0.20210914-1ubuntu4", tools: ["wg"] },
  xfsprogs: { version: "6.6.0-1ubuntu2.1" },
};

/** pkgs.k8s.io's `core:/stable:/v1.N/deb`; versions are checked against the repository's minor. */
const kubernetes: Readonly<Record<string, Package>> = {
  kubelet: {
    units: service("kubelet", false),
    tools: ["kubelet"],
    depends: ["kubernetes-cni"],
    directories: ["/etc/kubernetes/manifests", "/var/lib/kubelet", "/usr/local/lib/systemd/system/kubelet.service.d"],
    seconds: 15,
  },
  kubeadm: { tools: ["kubeadm"], depends: ["cri-tools"], seconds: 10 },
  kubectl: { tools: ["kubectl"], seconds: 8 },
  "cri-tools": { tools: ["crictl"], seconds: 4 },
  "kubernetes-cni": { directories: ["/opt/cni/bin"], seconds: 5 },
};

/**
 * The packaged configuration switches the CRI plugin off (github.com/docker/containerd-packaging), so kubeadm finds no
 * runtime until a script writes its own.
 */
const docker: Readonly<Record<string, Package>> = {
  "containerd.io": {
    units: service("containerd"),
    tools: ["containerd", "ctr", "runc"],
    conflicts: ["containerd", "runc"],
    files: { "/etc/containerd/config.toml": 'disabled_plugins = ["cri"]\n' },
    directories: ["/etc/containerd"],
    seconds: 25,
  },
};

/** Everything apt could install, by name. */
export const catalogue: Readonly<Record<string, Package>> = { ...archive, ...kubernetes, ...docker };

/** A repository that an entry of sources.list.d points to. */
export interface Repository {
  readonly uri: string;
  readonly signedBy: string | undefined;
  readonly file: string;
  readonly suites: string;
}

/** Packages of a repository; `undefined` when nothing answers at its URI. Mirrors keep the path of their original. */
export function packagesOf({
  uri,
  suites,
}: Repository):
  | { readonly names: readonly string[]; readonly accepts: (name: string, version: string) => boolean }
  | undefined {
  const minor = /\/v(1\.\d+)\/deb\/?$/.exec(uri)?.[1];
  if (minor !== undefined) {
    return {
      names: Object.keys(kubernetes),
      accepts: (name, version) =>
        name === "cri-tools" || name === "kubernetes-cni"
          ? /^\d+\.\d+\.\d+-\d+\.\d+$/.test(version)
          : new RegExp(`^${minor.replace(".", "\\.")}\\.([0-9]|1\\d)-\\d+\\.\\d+$`).test(version),
    };
  }
  if (/\/linux\/ubuntu\/?$/.test(uri) && /\bnoble\b/.test(suites)) {
    return {
      names: Object.keys(docker),
      accepts: (_, version) => /^2\.\d+\.\d+-\d+~ubuntu\.24\.04~noble$/.test(version),
    };
  }
  if (/\/ubuntu\/?$/.test(uri)) {
    return { names: Object.keys(archive), accepts: (name, version) => archive[name]?.version === version };
  }
  return undefined;
}

/** The version that apt takes when none, or a pattern, is asked for. */
export function candidate(name: string, { uri }: Repository): string {
  const minor = /\/v(1\.\d+)\/deb\/?$/.exec(uri)?.[1];
  if (name === "cri-tools") return `${minor ?? "1.36"}.0-1.1`;
  if (name === "kubernetes-cni") return "1.8.0-1.1";
  if (minor !== undefined) return `${minor}.4-1.1`;
  if (docker[name] !== undefined) return "2.3.2-1~ubuntu.24.04~noble";
  return archive[name]?.version ?? "";
}
