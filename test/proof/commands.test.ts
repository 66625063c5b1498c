import { describe, expect, it } from "vitest";
import { commandRules } from "../../proof/documents/commands.ts";
import { parseShell } from "../../proof/documents/shell.ts";
import { toolCalls } from "../../proof/documents/tools.ts";

const callsOf = (text: string) => parseShell(text).flatMap(toolCalls);

describe("command rules", () => {
  /** Each with what its message must name; `passes` is one step away. */
  const fixtures: Record<string, { refused: [string, RegExp][]; passes: string[] }> = {
    "GB-1721": {
      refused: [
        ["kubectl exec ds/cilium -- cilium policy trace -s 1 -d 2", /policy trace/],
        ["cilium-dbg proxy statistics", /proxy/],
        ["cilium-dbg endpoint regenerate 12", /endpoint regenerate/],
      ],
      passes: ["kubectl exec ds/cilium -- cilium policy get", "cilium-dbg endpoint get 12", "cilium-dbg bpf lb list"],
    },
    "GB-1722": {
      refused: [
        ["cilium hubble observe --pod a", /hubble observe/],
        ["cilium conectivity test", /conectivity/],
      ],
      passes: [
        "cilium hubble port-forward",
        "cilium connectivity test",
        "cilium endpoint list",
        "cilium status --wait",
      ],
    },
    "GB-1723": {
      refused: [["cilium service list", /service list/]],
      passes: [
        "kubectl exec ds/cilium -- cilium service list",
        "kubectl exec -it ds/cilium -- bash\ncilium service list",
        "cilium config view",
      ],
    },
    "GB-1724": {
      refused: [["cilium connectivity test --node-to-node", /--node-to-node/]],
      passes: ["cilium connectivity test --include-unsafe-tests --test '!pod-to-world'"],
    },
    "GB-1725": {
      refused: [
        ["hubble observe --pods a", /--pods/],
        ["hubble obsrve", /obsrve/],
      ],
      passes: ["hubble observe --pod a", "hubble list nodes"],
    },
    "GB-1726": {
      refused: [
        ["hubble observe --verdict DENIED", /DENIED/],
        ["hubble observe -t denied", /denied/],
      ],
      passes: [
        "hubble observe --verdict DROPPED --verdict forwarded",
        "hubble observe -t policy-verdict -t trace:to-endpoint",
      ],
    },
    "GB-1727": {
      refused: [["hubble observe --namespace a,b", /a,b/]],
      passes: ["hubble observe --namespace a --namespace b", "hubble observe --verdict DROPPED,AUDIT"],
    },
    "GB-1728": {
      refused: [
        ["hubble observe --since 2026-01-01T00:00:00Z", /2026-01-01/],
        ["hubble observe --since 720h", /720h/],
      ],
      passes: ["hubble observe --since 5m", "hubble observe --since 2026-01-01 --input-file flows.json"],
    },
    "GB-1729": {
      refused: [["cilium-dbg bpf metrics", /bpf metrics/]],
      passes: ["cilium-dbg bpf metrics list", "cilium-dbg bpf ct -h"],
    },
    "GB-1730": {
      refused: [["# force garbage collection\ncilium-dbg bpf ct flush global", /every tracked connection/]],
      passes: ["# drop all connections of this node\ncilium-dbg bpf ct flush global"],
    },
    "GB-1731": {
      refused: [['helm upgrade cilium cilium/cilium --set prometheus.metrics="+a,+b"', /"\+b"/]],
      passes: ["helm upgrade cilium cilium/cilium --set 'prometheus.metrics={+a,+b}'"],
    },
    "GB-1732": {
      refused: [["helm upgrade cilium cilium/cilium --reuse-values --set debug.enabled=true", /--reuse-values/]],
      passes: ["helm upgrade cilium cilium/cilium --version 1.20.2 --reuse-values --set debug.enabled=true"],
    },
    "GB-1733": {
      refused: [["helm upgrade cilium cilium/cilium -f values.yaml", /not pinned/]],
      passes: [
        "helm upgrade cilium cilium/cilium -f values.yaml --version 1.20.2",
        "helm upgrade cilium ./cilium -f values.yaml",
      ],
    },
    "GB-1734": {
      refused: [["helm upgrade cilium cilium/cilium --reuse-values --set routingMode=native", /routingMode/]],
      passes: ["helm install cilium cilium/cilium --set routingMode=native"],
    },
    "GB-1735": {
      refused: [["helm install cilium cilium/cilium\ncilium clustermesh enable", /clustermesh enable/]],
      passes: [
        "cilium install\ncilium clustermesh enable",
        "helm install cilium cilium/cilium\ncilium clustermesh status",
      ],
    },
    "GB-1736": {
      refused: [["helm install cilium cilium/cilium --set encryption.type=ipsec", /cilium-ipsec-keys/]],
      passes: [
        "kubectl create secret generic cilium-ipsec-keys\nhelm install cilium cilium/cilium --set encryption.type=ipsec",
        "helm install cilium cilium/cilium --set encryption.type=wireguard",
      ],
    },
    "GB-1737": {
      refused: [["helm upgrade cilium cilium/cilium --version 1.20.2 --set hubble.relay.enabled=true", /goes back/]],
      passes: [
        "helm upgrade cilium cilium/cilium --version 1.20.2 --reuse-values --set hubble.relay.enabled=true",
        "helm upgrade --install cilium cilium/cilium --version 1.20.2 --set hubble.relay.enabled=true",
        "helm upgrade cilium cilium/cilium --version 1.20.2",
      ],
    },
    "GB-1741": {
      refused: [
        ["kubectl get ciliumpolicy,cnp -A", /ciliumpolicy/],
        ["kubectl -n a describe ciliumendpiont x", /ciliumendpiont/],
      ],
      passes: [
        "kubectl get ciliumnetworkpolicies,cnp,ccnp -A",
        "kubectl get pods -n kube-system cilium-abcde",
        "kubectl get ciliumnode",
      ],
    },
    "GB-1742": {
      refused: [
        ["kubectl rollout restart -n kube-system deployment/cilium-ingress", /cilium-ingress/],
        ["kubectl delete secret -n kube-system cilium-wireguard-keys", /WireGuard/],
        ["kubectl logs -n kube-system -l app.kubernetes.io/name=cilium-gateway", /cilium-gateway/],
      ],
      passes: ["kubectl get svc -n kube-system cilium-ingress", "kubectl rollout restart deployment/cilium-operator"],
    },
    "GB-1743": {
      refused: [
        [
          "kubectl apply -f https://raw.githubusercontent.com/cilium/cilium/v1.18.4/install/kubernetes/quick-hubble-install.yaml",
          /not in/,
        ],
        [
          "kubectl apply -f https://raw.githubusercontent.com/kubernetes/kubernetes/master/cluster/addons/kube-proxy/kube-proxy-ds.yaml",
          /template/,
        ],
      ],
      passes: [
        "kubectl apply -f https://raw.githubusercontent.com/cilium/cilium/v1.18.4/examples/minikube/http-sw-app.yaml",
      ],
    },
    "GB-1744": {
      refused: [
        ["curl -s https://raw.githubusercontent.com/cilium/hubble/master/stable.txt", /stopped/],
        [
          "HUBBLE_VERSION=v0.13.0\ncurl -L https://github.com/cilium/hubble/releases/download/$HUBBLE_VERSION/h.tar.gz",
          /v0\.x/,
        ],
      ],
      passes: ["curl -s https://raw.githubusercontent.com/cilium/cilium-cli/main/stable.txt"],
    },
    "GB-1745": {
      refused: [
        [
          "kubectl apply -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.0.0/standard-install.yaml",
          /v1\.0/,
        ],
      ],
      passes: [
        "kubectl apply -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.2.0/standard-install.yaml",
      ],
    },
    "GB-1746": {
      refused: [
        [
          `kubectl patch ds cilium -p '{"spec":{"template":{"spec":{"containers":[{"resources":{}}]}}}}'`,
          /Helm release/,
        ],
      ],
      passes: [
        `kubectl patch ds cilium -p '{"spec":{"template":{"spec":{"nodeSelector":{"a":"b"}}}}}'`,
        `kubectl patch ds other -p '{"spec":{"template":{"spec":{"containers":[{"resources":{}}]}}}}'`,
      ],
    },
    "GB-1747": {
      refused: [
        ["kubectl annotate cnp a policy.cilium.io/priority=100", /policy\.cilium\.io\/priority/],
        [
          `kubectl patch ciliumnetworkpolicy a --type=merge -p='{"spec":{"policyEnforcement":true}}'`,
          /spec\.policyEnforcement/,
        ],
      ],
      passes: [
        `kubectl patch cnp a --type=merge -p '{"spec":{"enableDefaultDeny":{"ingress":false}}}'`,
        "kubectl annotate cnp a owner=me",
      ],
    },
    "GB-1748": {
      refused: [
        ["echo 'options wireguard prefer_chacha20_poly1305=0' > /etc/modprobe.d/w.conf", /options wireguard/],
        ["modprobe wireguard fast=1", /fast=1/],
      ],
      passes: ["modprobe wireguard", "echo wireguard > /etc/modules-load.d/w.conf"],
    },
    "GB-1749": {
      refused: [["kubectl delete ds kube-proxy -n kube-system", /ConfigMap/]],
      passes: ["kubectl -n kube-system delete ds kube-proxy\nkubectl -n kube-system delete cm kube-proxy"],
    },
    "GB-1750": {
      refused: [["etcdctl --endpoints=https://127.0.0.1:2379 endpoint health", /certificate/]],
      passes: [
        "etcdctl --endpoints=https://127.0.0.1:2379 --cacert ca.crt --cert a --key b endpoint health",
        "export ETCDCTL_CACERT=ca.crt\netcdctl --endpoints=https://127.0.0.1:2379 endpoint health",
      ],
    },
    "GB-1751": {
      refused: [["kubectl annotate ingress a kubernetes.io/ingress.class=cilium", /ingress\.class/]],
      passes: ["kubectl annotate ingress a ingress.cilium.io/loadbalancer-mode=shared"],
    },
    "GB-1752": {
      refused: [
        [
          "kubeadm init --pod-network-cidr=10.1.0.0/16\nhelm install cilium cilium/cilium --set kubeProxyReplacement=true",
          /kube-proxy/,
        ],
      ],
      passes: [
        "kubeadm init --skip-phases=addon/kube-proxy\nhelm install cilium cilium/cilium --set kubeProxyReplacement=true",
      ],
    },
  };
  const found = (code: string, text: string) =>
    commandRules
      .filter((rule) => rule.code === code)
      .flatMap((rule) => rule.check({ cilium: "1.18.4", calls: callsOf(text), text }));

  it("have a fixture to refuse and a near miss to pass, each", () => {
    expect(Object.keys(fixtures).toSorted()).toEqual(commandRules.map(({ code }) => code).toSorted());
  });

  describe.each(Object.entries(fixtures))("%s", (code, { refused, passes }) => {
    it.each(refused)("refuses %s", (text, named) => {
      expect(
        found(code, text)
          .map(({ message }) => message)
          .join("\n"),
      ).toMatch(named);
    });
    it.each(passes)("passes %s", (text) => {
      expect(found(code, text)).toEqual([]);
    });
  });
});
