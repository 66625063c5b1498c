import { ciliumMinor } from "../../components/cilium/versions.ts";
import type { Rule } from "../rule.ts";
import { type CommandsSubject, eachCall } from "./each-call.ts";
import { helmCall } from "./helm-set.ts";
import { flagValues, hasFlag } from "./tools.ts";

/** URLs that never were, or that are no manifest. */
interface Misleading {
  readonly url: RegExp;
  /** What the text must say besides, where the address alone does not tell. */
  readonly text?: RegExp;
  readonly message: string;
  readonly fix: string;
  readonly severity: "error" | "warning";
}

const urls: readonly Misleading[] = [
  {
    url: /\/cilium\/cilium\/[^/]+\/install\/kubernetes\/(?:quick-hubble-install|experimental-install)\.yaml/,
    severity: "error",
    message: "This manifest is not in the Cilium repository.",
    fix: "Turn Hubble on by values: hubble.relay.enabled=true, hubble.ui.enabled=true.",
  },
  {
    url: /\/cluster\/addons\/kube-proxy\/[\w-]+\.yaml/,
    severity: "error",
    message: "This file is a template of Kubernetes' own scripts, not a manifest.",
    fix: "Write kubeadm init phase addon kube-proxy; then turn kubeProxyReplacement off and restart the agents.",
  },
  {
    url: /\/cilium\/hubble\/(?:master|main)\/stable\.txt/,
    severity: "warning",
    message: "The file names the last release of a repository that stopped: hubble is released with Cilium.",
    fix: "Take the hubble of Cilium's minor from github.com/cilium/hubble/releases.",
  },
  {
    url: /\/cilium\/hubble\/releases\/download\/(?:v0\.|\$)/,
    text: /hubble\/releases\/download\/v0\.|HUBBLE_VERSION=["']?v0\./,
    severity: "warning",
    message: "hubble v0.x is of a repository that stopped: hubble is released with Cilium since 1.16.",
    fix: "Take the hubble of Cilium's minor, e.g. v1.18.x for Cilium 1.18.",
  },
];

/** A version below which the CRDs lack a kind that Cilium waits for: GRPCRoute v1 came with 1.1.0. */
const oldestGatewayApi = [1, 1] as const;

/** Downloads, and what is typed on nodes. */
export const nodeRules: readonly Rule<CommandsSubject>[] = [
  ...(["error", "warning"] as const).map(
    (severity): Rule<CommandsSubject> => ({
      code: severity === "error" ? "GB-1743" : "GB-1744",
      severity,
      title: severity === "error" ? "Manifests that are applied exist." : "Downloads are of the current release.",
      korean:
        severity === "error"
          ? "적용하는 매니페스트는 실제로 존재해야 합니다."
          : "현재 릴리스의 파일을 내려받아야 합니다.",
      reason: "Trees of cilium/cilium and kubernetes/kubernetes; hubble's version follows Cilium's since 1.16.",
      check: (subject) =>
        eachCall(subject, ["kubectl", "curl", "wget"], ({ args }) =>
          urls
            .filter((each) => each.severity === severity && args.some((arg) => each.url.test(arg)))
            .filter((each) => each.text?.test(subject.text) ?? true)
            .map(({ message, fix }) => ({ message, fix })),
        ),
    }),
  ),
  {
    code: "GB-1745",
    severity: "error",
    title: "The Gateway API CRDs have what Cilium waits for.",
    korean: "Gateway API CRD는 Cilium이 요구하는 버전이어야 합니다.",
    reason:
      "The controller stays off until GRPCRoute v1 is there, which came with v1.1.0 (operator/pkg/gateway-api/cell.go).",
    check: (subject) =>
      eachCall(subject, ["kubectl", "curl", "wget"], ({ args }) =>
        args.flatMap((arg) => {
          const [, major, minor] = /gateway-api\/(?:releases\/download\/|)v(\d+)\.(\d+)\.\d+\//.exec(arg) ?? [];
          if (major === undefined || minor === undefined || !/install\.yaml|\/crd\//.test(arg)) return [];
          const old =
            Number(major) < oldestGatewayApi[0] || (Number(major) === 1 && Number(minor) < oldestGatewayApi[1]);
          return old
            ? [
                {
                  message: `Gateway API v${major}.${minor} lacks GRPCRoute v1, so Cilium's controller stays off.`,
                  fix: `Install v${ciliumMinor(subject.cilium).gatewayApi}, before Cilium.`,
                },
              ]
            : [];
        }),
      ),
  },
  {
    code: "GB-1748",
    severity: "error",
    title: "Kernel modules get options that exist.",
    korean: "커널 모듈에는 존재하는 옵션만 줄 수 있습니다.",
    reason:
      "The wireguard module has no parameters (drivers/net/wireguard/main.c); a line with one keeps it from loading.",
    check: (subject) =>
      eachCall(subject, ["modprobe", "echo"], ({ tool, args }) => {
        const text = args.join(" ");
        return (tool === "modprobe" ? /\bwireguard\s+\w+=/ : /\boptions\s+wireguard\s+\w+=/).test(text)
          ? {
              message: `The wireguard module has no options: ${text}.`,
              fix: "Leave it out; WireGuard always uses ChaCha20-Poly1305.",
            }
          : undefined;
      }),
  },
  {
    code: "GB-1750",
    severity: "warning",
    title: "etcdctl shows its certificate.",
    korean: "etcdctl은 인증서를 지정해야 합니다.",
    reason:
      "kubeadm's etcd asks every client for one (kubernetes.io, operating etcd clusters: securing communication).",
    check: (subject) =>
      /ETCDCTL_(?:CACERT|CERT|KEY)/.test(subject.text)
        ? []
        : eachCall(subject, "etcdctl", (call) => {
            const secured = hasFlag(
              call,
              "--cacert",
              "--ca-file",
              "--cert",
              "--cert-file",
              "--insecure-skip-tls-verify",
            );
            return !secured && flagValues(call, "--endpoints").some((each) => each.includes("https://"))
              ? {
                  message: "etcdctl calls https endpoints without a certificate; etcd refuses it.",
                  fix: "Write --cacert /etc/kubernetes/pki/etcd/ca.crt --cert ... --key ... of a client it knows.",
                }
              : undefined;
          }),
  },
  {
    code: "GB-1752",
    severity: "warning",
    title: "kubeadm leaves kube-proxy out where Cilium replaces it.",
    korean: "Cilium이 kube-proxy를 대체하면 kubeadm init에서 kube-proxy를 건너뜁니다.",
    reason: "Both would program Services (Documentation/network/kubernetes/kubeproxy-free.rst).",
    check: (subject) => {
      const replaced = subject.calls.some((call) => String(helmCall(call)?.values.kubeProxyReplacement) === "true");
      const gone = /delete (?:ds|daemonset)[^\n]*kube-proxy|addon\/kube-proxy|proxy:\s*\n\s*disabled:\s*true/.test(
        subject.text,
      );
      return replaced && !gone
        ? eachCall(subject, "kubeadm", (call) =>
            call.args[0] === "init" && !hasFlag(call, "--skip-phases", "--config")
              ? {
                  message: "kubeadm installs kube-proxy, and Cilium replaces it further on.",
                  fix: "Write kubeadm init --skip-phases=addon/kube-proxy.",
                }
              : undefined,
          )
        : [];
    },
  },
];
