import type { Rule, ValuesSubject } from "../rule.ts";
import { onValues, type Settings, servesNodePorts, wrong, wrongIf } from "./settings.ts";

/** Ports below this one need a capability (Linux, net.ipv4.ip_unprivileged_port_start). */
const firstFreePort = 1024;

const sharedNodePorts = ["insecureNodePort", "secureNodePort"].map((key) => `ingressController.service.${key}`);

/** Cilium itself gives addresses to Services of type LoadBalancer. */
const servesAddresses = (settings: Settings) =>
  settings.on("bgpControlPlane.enabled") || settings.on("l2announcements.enabled");

export const trafficRules: readonly Rule<ValuesSubject>[] = [
  {
    code: "GB-1190",
    severity: "warning",
    title: "Node ports of the ingress controller serve shared ingresses.",
    korean: "ingressController의 NodePort는 shared 모드의 Ingress에만 쓰입니다.",
    reason:
      "loadbalancerMode dedicated, the default, gives each Ingress a Service of its own; the ports belong to the shared one (Documentation/network/servicemesh/ingress.rst).",
    check: onValues((settings) => {
      const set = sharedNodePorts.find((path) => settings.given(path) && settings.on(path));
      return wrongIf(
        set !== undefined &&
          settings.on("ingressController.enabled") &&
          settings.text("ingressController.loadbalancerMode") === "dedicated",
        set ?? "",
        `${set ?? ""} is set, but ingressController.loadbalancerMode is dedicated: an Ingress does not answer there unless it says shared itself.`,
        "Write ingressController.loadbalancerMode: shared.",
      );
    }),
  },
  {
    code: "GB-1191",
    severity: "warning",
    title: "Envoy may listen on the ports that it is given.",
    korean: "1024 미만 포트를 쓰려면 Envoy에 NET_BIND_SERVICE 권한을 유지해야 합니다.",
    reason:
      "Documentation/network/servicemesh/gateway-api/host-network-mode.rst: keepCapNetBindService and the capability itself; the listener fails without.",
    check: onValues((settings) => {
      const port = Number(settings.at("ingressController.hostNetwork.sharedListenerPort"));
      return wrongIf(
        settings.on("ingressController.enabled") &&
          settings.on("ingressController.hostNetwork.enabled") &&
          port > 0 &&
          port < firstFreePort &&
          !settings.on("envoy.securityContext.capabilities.keepCapNetBindService"),
        "ingressController.hostNetwork.sharedListenerPort",
        `Envoy is to listen on port ${port}, which it may not without NET_BIND_SERVICE.`,
        `Write envoy.securityContext.capabilities.keepCapNetBindService: true and NET_BIND_SERVICE in envoy.securityContext.capabilities.envoy, or a port of ${firstFreePort} or more.`,
      );
    }),
  },
  {
    code: "GB-1192",
    severity: "error",
    title: "Envoy configurations have a proxy to run in.",
    korean: "envoyConfig에는 l7Proxy가 필요합니다.",
    reason:
      "Without l7Proxy there is no Envoy on any node, and CiliumEnvoyConfig objects do nothing (templates/_helpers.tpl envoyDaemonSetEnabled).",
    check: onValues((settings) =>
      wrongIf(
        settings.on("envoyConfig.enabled") && settings.given("l7Proxy") === false,
        "l7Proxy",
        "envoyConfig.enabled is true, but l7Proxy is false.",
        "Write l7Proxy: true.",
      ),
    ),
  },
  {
    code: "GB-1193",
    severity: "warning",
    title: "No release waits for an address that Cilium itself gives.",
    korean: "Cilium이 주소를 주는 LoadBalancer 서비스를 Helm 대기(wait)로 기다리면 끝나지 않습니다.",
    reason:
      "Helm waits for a LoadBalancer's address, and the pool can only be made once the operator has registered its kind (helm/helm pkg/kube/ready.go).",
    check: onValues((settings) =>
      wrongIf(
        settings.on("clustermesh.useAPIServer") &&
          settings.text("clustermesh.apiserver.service.type") === "LoadBalancer" &&
          !settings.on("clustermesh.apiserver.service.externallyCreated") &&
          !settings.on("clustermesh.apiserver.service.loadBalancerClass") &&
          servesAddresses(settings) &&
          settings.on("enableLBIPAM") &&
          !settings.on("operator.skipCRDCreation"),
        "clustermesh.apiserver.service.type",
        "clustermesh-apiserver waits for an address of Cilium's own pool, which cannot exist before this release is through.",
        "Install without waiting (skipAwait: true, no --wait), or write type: NodePort.",
      ),
    ),
  },
  {
    code: "GB-1194",
    severity: "warning",
    title: "Load balancing settings are read.",
    korean: "loadBalancer 설정은 kube-proxy 대체가 켜져 있을 때만 쓰입니다.",
    reason:
      "Without kube-proxy replacement kube-proxy balances, and the agent ignores mode, algorithm and acceleration (pkg/kpr).",
    check: onValues((settings) => {
      if (servesNodePorts(settings)) return [];
      const ordinary: Readonly<Record<string, string>> = {
        mode: "snat",
        algorithm: "random",
        acceleration: "disabled",
      };
      return Object.entries(ordinary)
        .map(([key, value]) => ({ path: `loadBalancer.${key}`, value }))
        .filter(({ path, value }) => settings.given(path) && settings.text(path) !== value)
        .map(({ path }) =>
          wrong(
            path,
            `${path} is ${settings.text(path)}, but kubeProxyReplacement is not true, so that kube-proxy balances.`,
            "Write kubeProxyReplacement: true, or remove it.",
          ),
        );
    }),
  },
];
