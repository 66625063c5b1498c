import { clusterRecords, nodeRecords } from "../command/cluster.ts";
import { Host } from "../command/host.ts";
import { findMachine } from "../command/machine.ts";
import type { World } from "../world.ts";

/** A flag that a control plane's component must have, and why; a pattern where the value matters. */
interface Wanted {
  readonly component: "apiServer" | "controllerManager" | "scheduler";
  readonly flag: string;
  readonly value?: RegExp;
  readonly because: string;
}

/** What an auditor asks of a control plane beyond kubeadm's defaults (CIS Kubernetes Benchmark 1.11, sections 1.2 to 1.4 and 3.2). */
const wanted: readonly Wanted[] = [
  { component: "apiServer", flag: "encryption-provider-config", because: "Secrets lie in etcd in clear" },
  { component: "apiServer", flag: "audit-policy-file", because: "nobody knows who did what" },
  { component: "apiServer", flag: "audit-log-path", because: "nobody knows who did what" },
  {
    component: "apiServer",
    flag: "audit-log-maxage",
    because: "the audit log is kept without end, until the disk is full",
  },
  {
    component: "apiServer",
    flag: "enable-admission-plugins",
    value: /NodeRestriction/,
    because: "a kubelet may change other nodes",
  },
  {
    component: "apiServer",
    flag: "kubelet-certificate-authority",
    because: "the API server believes whoever answers for a kubelet",
  },
  { component: "apiServer", flag: "tls-min-version", value: /VersionTLS1[23]/, because: "old TLS is accepted" },
  { component: "apiServer", flag: "profiling", value: /^false$/, because: "profiles are served to whoever asks" },
  {
    component: "controllerManager",
    flag: "profiling",
    value: /^false$/,
    because: "profiles are served to whoever asks",
  },
  { component: "scheduler", flag: "profiling", value: /^false$/, because: "profiles are served to whoever asks" },
];

/** The same of every kubelet (section 4.2). */
const kubelet: readonly { readonly key: string; readonly value: unknown; readonly because: string }[] = [
  { key: "readOnlyPort", value: 0, because: "pods are listed to whoever asks" },
  { key: "protectKernelDefaults", value: true, because: "the kubelet changes kernel settings instead of minding them" },
  { key: "serverTLSBootstrap", value: true, because: "its serving certificate is self-signed" },
  { key: "rotateCertificates", value: true, because: "its client certificate ends after a year" },
];

/** What kubeadm was not told that it should have been, one sentence each. */
export function hardeningProblems(world: World): string[] {
  return clusterRecords(world).flatMap((cluster) => {
    const configuration = record(cluster.kubeadm.configuration);
    const flags = wanted.flatMap(({ because, component, flag, value = /./ }) => {
      const given = argument(record(configuration[component]).extraArgs, flag);
      if (given !== undefined && value.test(given)) return [];
      const is = given === undefined ? "is not set" : `is ${given}`;
      return [`${cluster.name}: ${component}.extraArgs ${flag} ${is}: ${because}`];
    });
    const settings = record(cluster.kubeadm.kubelet);
    const open = kubelet
      .filter(({ key, value }) => settings[key] !== value)
      .map(({ because, key, value }) => `${cluster.name}: the kubelets' ${key} is not ${String(value)}: ${because}`);
    return [...flags, ...open];
  });
}

/** Where every node waits for Cilium (docs.cilium.io, taint effects): its operator takes the taint away. */
const waitingTaint = "node.cilium.io/agent-not-ready";

/** What nodes have of their own that makes pods misbehave, though kubeadm and Helm are content. */
export function nodeProblems(world: World): string[] {
  return clusterRecords(world).flatMap((cluster) =>
    nodeRecords(world, cluster.name).flatMap(({ address, name, taints }) => {
      const machine = findMachine(world, address);
      const config = machine === undefined ? undefined : Host.open(machine).files.read("/etc/containerd/config.toml");
      const driver = record(cluster.kubeadm.kubelet).cgroupDriver;
      return [
        ...(taints.some(({ key }) => key === waitingTaint)
          ? []
          : [`${name} registered without the taint ${waitingTaint}, so pods start on it before Cilium knows them`]),
        // kubernetes.io/docs/setup/production-environment/container-runtimes: two managers of one tree of cgroups are unstable.
        ...(config !== undefined && driver === "systemd" && !/^\s*SystemdCgroup\s*=\s*true/m.test(config)
          ? [`${name}: containerd's SystemdCgroup is not true, and the kubelet's cgroupDriver is systemd`]
          : []),
      ];
    }),
  );
}

function argument(list: unknown, name: string): string | undefined {
  const found = Array.isArray(list) ? list.map(record).find((entry) => entry.name === name) : undefined;
  return typeof found?.value === "string" ? found.value : undefined;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

/** With machines in three places or more, no place holds so many control planes that its loss is the loss of etcd's quorum. */
export function spreadProblems(world: World): string[] {
  const nodes = world.find("kubernetes", "node");
  return Map.groupBy(nodes, ({ place }) => place)
    .entries()
    .flatMap(([cluster, members]) => {
      const zoneOf = (address: unknown): string => {
        const zone = typeof address === "string" ? world.get("host", address)?.properties.zone : undefined;
        return typeof zone === "string" ? zone : "";
      };
      const zones = new Set(members.map(({ properties }) => zoneOf(properties.address)));
      const leaders = members.filter(({ properties }) => properties.role === "control-plane");
      const held = Map.groupBy(leaders, ({ properties }) => zoneOf(properties.address));
      if (zones.size < 3 || leaders.length < 3) return [];
      return [...held]
        .filter(([, group]) => group.length * 2 > leaders.length)
        .map(
          ([zone, group]) =>
            `${cluster}: ${group.length} of ${leaders.length} control planes stand in ${zone}, so its loss is the loss of etcd`,
        );
    })
    .toArray();
}
