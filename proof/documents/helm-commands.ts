import type { Rule } from "../rule.ts";
import { type CommandsSubject, eachCall } from "./each-call.ts";
import { helmCall } from "./helm-set.ts";
import { flagValues, hasFlag, subcommands, type ToolCall } from "./tools.ts";

const upgrades = (call: ToolCall) =>
  call.tool === "helm" && call.args.includes("upgrade") && helmCall(call) !== undefined;

/** Helm keeps the release's values where none are given, and drops them all where some are. */
function setsAll(call: ToolCall): boolean {
  const found = helmCall(call);
  return found?.complete === true && Object.keys(found.values).length > 0;
}

export const helmRules: readonly Rule<CommandsSubject>[] = [
  {
    code: "GB-1731",
    severity: "error",
    title: "Helm can read what --set says.",
    korean: "--set 값은 Helm이 읽을 수 있는 형식이어야 합니다.",
    reason:
      "Helm splits at commas and refuses a part without a value (helm.sh/docs/intro/using_helm, the format of --set).",
    check: (subject) => eachCall(subject, ["helm", "cilium"], (call) => helmCall(call)?.problems),
  },
  {
    code: "GB-1732",
    severity: "warning",
    title: "An upgrade to another chart does not reuse the old release's values.",
    korean: "차트 버전이 바뀔 수 있는 helm upgrade에는 --reuse-values를 쓰지 않습니다.",
    reason:
      "The new chart's defaults would be missing (Documentation/operations/upgrade.rst, upgrading a minor version).",
    check: (subject) => {
      const minors = new Set(
        subject.calls.flatMap((call) => /^\d+\.\d+/.exec(helmCall(call)?.version ?? "")?.[0] ?? []),
      );
      return eachCall(subject, "helm", (call) =>
        upgrades(call) && hasFlag(call, "--reuse-values") && (!hasFlag(call, "--version") || minors.size > 1)
          ? {
              message: "--reuse-values keeps the old chart's defaults, and the chart may be a newer one here.",
              fix: "Pin --version to what runs, or keep all values in a file: --version X -f values.yaml.",
            }
          : undefined,
      );
    },
  },
  {
    code: "GB-1733",
    severity: "warning",
    title: "An upgrade's chart version is pinned.",
    korean: "helm upgrade에는 차트 버전을 고정해야 합니다.",
    reason: "Without --version Helm takes the newest chart, which may be minors ahead (helm upgrade --help).",
    check: (subject) =>
      eachCall(subject, "helm", (call) => {
        const remote = call.args.some((arg) => /^(?:cilium\/cilium|oci:.*\/cilium)$/.test(arg));
        return upgrades(call) && remote && !hasFlag(call, "--version", "--devel", "--install", "-i")
          ? {
              message: "The chart's version is not pinned, so the command may jump minors.",
              fix: `Write --version ${subject.cilium}, or the version that runs.`,
            }
          : undefined;
      }),
  },
  {
    code: "GB-1737",
    severity: "warning",
    title: "An upgrade keeps the values that were set before.",
    korean: "helm upgrade는 이전에 설정한 값을 유지해야 합니다.",
    reason:
      "With --set alone Helm goes back to the chart's defaults for everything else (helm upgrade --help, --reset-values).",
    check: (subject) =>
      eachCall(subject, "helm", (call) =>
        upgrades(call) && setsAll(call) && !hasFlag(call, "--install", "-i", "--reset-values")
          ? {
              message: "It names no values file, so everything that was set before goes back to the chart's default.",
              fix: "Pass the whole set: -f values.yaml, and change the file.",
            }
          : undefined,
      ),
  },
  {
    code: "GB-1734",
    severity: "warning",
    title: "The datapath is not switched in place.",
    korean: "운영 중인 클러스터의 데이터패스(터널/네이티브)를 한 번에 바꾸지 않습니다.",
    reason:
      "Nodes of both modes cannot reach each other while the agents roll (Documentation/configuration/per-node-config.rst shows how to go node by node).",
    check: (subject) =>
      eachCall(subject, "helm", (call) => {
        const values = upgrades(call) && !hasFlag(call, "--install", "-i") ? (helmCall(call)?.values ?? {}) : {};
        const key = ["routingMode", "tunnelProtocol", "tunnel"].find((each) => each in values);
        return key === undefined
          ? undefined
          : {
              message: `The upgrade sets ${key}; while agents restart, nodes of the old and the new datapath cannot talk.`,
              fix: "Use new nodes, or a CiliumNodeConfig per node that is drained first.",
            };
      }),
  },
  {
    code: "GB-1735",
    severity: "warning",
    title: "One tool owns the Helm release.",
    korean: "Helm 릴리스는 한 가지 도구로만 관리합니다.",
    reason:
      "cilium clustermesh enable, hubble enable and config set change the release or its ConfigMap behind Helm's values (cilium-cli).",
    check: (subject) => {
      const byHelm = subject.calls.some((call) => call.tool === "helm" && helmCall(call) !== undefined);
      if (!byHelm) return [];
      return eachCall(subject, "cilium", (call) => {
        const words = subcommands(call).slice(0, 2).join(" ");
        return !call.inPod && /^(?:clustermesh (?:enable|connect)|hubble enable|config set)$/.test(words)
          ? {
              message: `cilium ${words} changes the release that Helm installs here; the next helm upgrade undoes it.`,
              fix: "Write the values instead: clustermesh.*, hubble.*, and keep them in one file.",
            }
          : undefined;
      });
    },
  },
  {
    code: "GB-1736",
    severity: "warning",
    title: "A guide that turns IPsec on makes its key.",
    korean: "IPsec을 켜는 문서는 cilium-ipsec-keys Secret을 만들어야 합니다.",
    reason:
      "Agents wait for the Secret and do not start without it (Documentation/security/network/encryption-ipsec.rst).",
    check: (subject) => {
      if (/cilium-ipsec-keys|encryption create-key/.test(subject.text)) return [];
      const ipsec =
        /^[ \t]*type:[ \t]*["']?ipsec\b/m.test(subject.text) && /^[ \t]*encryption:[ \t]*$/m.test(subject.text);
      return eachCall(subject, "helm", (call) => {
        const found = helmCall(call);
        const set = flagValues(call, "--set").some((each) => /encryption\.type=ipsec/.test(each));
        const byFile = ipsec && hasFlag(call, "-f", "--values") && call.args.includes("install");
        return found && (set || byFile)
          ? {
              message: "IPsec needs the Secret cilium-ipsec-keys first, and nothing here makes it.",
              fix: "Make it before installing: kubectl -n kube-system create secret generic cilium-ipsec-keys --from-literal=keys=...",
            }
          : undefined;
      });
    },
  },
];
