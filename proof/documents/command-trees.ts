/**
 * Subcommands of the agent's tool (`cilium-dbg`, Documentation/cmdref of the branches v1.18 to v1.20), of the cilium CLI (cilium-cli/cli) and
 * of hubble (hubble/cmd). A group whose second word is an argument rather than a subcommand has no list.
 */
interface Tree {
  readonly [command: string]: readonly string[] | true;
}

const list = ["list", "ls"];

/** In all of 1.18 to 1.20; aliases included. */
const agentTool: Tree = {
  bgp: ["peers", "neighbors", "route-policies", "rps", "routes"],
  bpf: [
    ..."auth bandwidth config ct egress endpoint frag fragments fs ipcache ipmasq lb metrics multicast mcast nat".split(
      " ",
    ),
    ..."nodeid policy sha template socknat srv6 vtep recorder tunnel".split(" "),
  ],
  "build-config": true,
  cgroups: list,
  cleanup: true,
  completion: true,
  config: true,
  debuginfo: true,
  encrypt: ["flush", "status", "dump-xfrm"],
  endpoint: ["config", "disconnect", "get", "inspect", "show", "health", "labels", "list", "ls", "log"],
  envoy: ["admin"],
  fqdn: ["cache", "names"],
  help: true,
  identity: ["get", ...list],
  ip: ["get", ...list],
  kvstore: ["delete", "get", "set"],
  loadinfo: true,
  lrp: list,
  map: ["events", "get", ...list],
  metrics: list,
  monitor: true,
  node: list,
  nodeid: list,
  policy: ["get", "selectors", "wait", "delete", "import", "validate", "subject-selectors"],
  "post-uninstall-cleanup": true,
  prefilter: ["delete", "update", ...list],
  preflight: ["migrate-identity", "validate-cnp", "fqdn-poller", "validate-configmap"],
  recorder: ["delete", "get", "update", ...list],
  service: list,
  shell: true,
  statedb: true,
  status: true,
  sysdump: true,
  troubleshoot: ["clustermesh", "kvstore"],
  version: true,
};

const installTool: Tree = {
  bgp: ["peers", "neighbors", "routes"],
  clustermesh: ["connect", "disable", "disconnect", "enable", "inspect-policy-default-local-cluster", "status"],
  completion: true,
  config: ["delete", "set", "view"],
  connectivity: ["perf", "test"],
  context: true,
  encrypt: ["create-key", "key-status", "ks", "rotate-key", "status"],
  encryption: ["create-key", "key-status", "ks", "rotate-key", "status"],
  features: ["status", "summary"],
  fs: ["status", "summary"],
  help: true,
  hubble: ["disable", "enable", "port-forward", "ui"],
  install: true,
  multicast: ["add", "delete", "list"],
  status: true,
  sysdump: true,
  uninstall: true,
  upgrade: true,
  version: true,
};

const flowTool: Tree = {
  completion: true,
  config: ["get", "reset", "set", "view"],
  help: true,
  list: ["namespaces", "node", "nodes"],
  observe: true,
  record: true,
  reflect: true,
  status: true,
  version: true,
  w: true,
  watch: true,
};

export const trees = { agentTool, installTool, flowTool } as const;

/** Words of a command line as far as a tool knows them; `wrong` is the first word that is no subcommand of the ones before. */
export function follow(tree: Tree, words: readonly string[]): { readonly known: string[]; readonly wrong?: string } {
  const [first, second] = words;
  if (first === undefined || !isWord(first)) return { known: [] };
  const below = Object.hasOwn(tree, first) ? tree[first] : undefined;
  if (below === undefined) return { known: [], wrong: first };
  if (below === true || second === undefined || !isWord(second)) return { known: [first] };
  return below.includes(second) ? { known: [first, second] } : { known: [first], wrong: second };
}

/** The subcommands that could have stood where a wrong one does. */
export function choices(tree: Tree, known: readonly string[]): readonly string[] {
  const below = known[0] === undefined ? Object.keys(tree) : tree[known[0]];
  return Array.isArray(below) ? below : [];
}

function isWord(word: string): boolean {
  return /^[a-z][a-z0-9-]*$/.test(word);
}

/** Flags of `cilium connectivity test`, without dashes (cilium-cli/cli/connectivity.go and its history). */
export const connectivityFlags: readonly string[] = (
  "agent-daemonset-name agent-pod-selector all-flows as as-group assume-cilium-version bandwidth chart-directory cilium-pod-selector cleanup " +
  "code-owners collect-sysdump-on-failure conn-disrupt-dispatch-interval conn-disrupt-test-restarts-path conn-disrupt-test-setup " +
  "conn-disrupt-test-xfrm-errors-path connect-timeout context crr curl-image curl-insecure curl-parallel datapath debug " +
  "deployment-pod-annotations dns-test-server-image duration echo-image exclude-code-owners exit-zero-on-failure expected-drop-reasons " +
  "expected-xfrm-errors flow-validation flush-ct force-deploy frr-image helm-release-name helm-values-secret-name help host-net " +
  "hubble hubble-server include-unsafe-tests ip-families json-mock-image junit-file junit-property k8s-localhost-test k8s-version kubeconfig " +
  "log-check-extra-exceptions log-check-levels log-check-only-test-time log-code-owners multi-cluster namespace namespace-annotations " +
  "namespace-labels node-cidr node-selector pause-on-fail post-test-sleep print-flows print-image-artifacts request-timeout retry " +
  "retry-delay secondary-network-iface service-type single-node skip-ip-cache-check socat-image sysdump-output-filename test test-concurrency " +
  "test-conn-disrupt-image test-namespace timeout timestamp tolerations verbose version"
).split(" ");

/** Flags of `hubble observe`, without dashes (hubble/cmd/observe_help.txt, v1.18 to v1.20). */
export const observeFlags: readonly string[] = (
  "all all-namespaces allowlist basic-auth-password basic-auth-username cel-expression cluster color config debug denylist drop-reason-desc " +
  "encrypted experimental-field-mask experimental-use-default-field-masks field-mask first follow fqdn from-all-namespaces from-cluster " +
  "from-fqdn from-identity from-ip from-label from-namespace from-pod from-port from-service from-workload help http-header http-method " +
  "http-path http-status http-url identity input-file interface ip ip-trace-id ip-translation ip-version ipv4 ipv6 json kube-context " +
  "kube-namespace kubeconfig label last namespace node-label node-name not not-reply numeric output pod port port-forward port-forward-port " +
  "print-node-name print-policy-names print-raw-filters protocol reply request-timeout server service silent-errors since snat-ip tcp-flags " +
  "time-format timeout tls tls-allow-insecure tls-ca-cert-files tls-client-cert-file tls-client-key-file tls-server-name to-all-namespaces " +
  "to-cluster to-fqdn to-identity to-ip to-label to-namespace to-pod to-port to-service to-workload trace-id traffic-direction type unencrypted " +
  "until use-default-field-masks uuid verdict workload"
).split(" ");

/** Verdicts that `hubble observe --verdict` knows (api/v1/flow/flow.proto). */
export const observedVerdicts = [
  "FORWARDED",
  "DROPPED",
  "AUDIT",
  "REDIRECTED",
  "ERROR",
  "TRACED",
  "TRANSLATED",
] as const;
/** Event types that `hubble observe --type` knows. */
export const observedTypes = [
  "capture",
  "drop",
  "l7",
  "policy-verdict",
  "trace",
  "trace-sock",
  "agent",
  "debug",
  "recorder",
] as const;
