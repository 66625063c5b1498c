const words = (text: string): string[] => text.trim().split(/\s+/);

const server = words(`
  allow-metric-labels allow-metric-labels-manifest authentication-kubeconfig authentication-skip-lookup authentication-token-webhook-cache-ttl
  authentication-tolerate-lookup-failure authorization-always-allow-paths authorization-kubeconfig authorization-webhook-cache-authorized-ttl
  authorization-webhook-cache-unauthorized-ttl bind-address cert-dir client-ca-file contention-profiling disable-http2-serving disabled-metrics
  emulated-version emulation-forward-compatible feature-gates http2-max-streams-per-connection kubeconfig leader-elect leader-elect-lease-duration
  leader-elect-renew-deadline leader-elect-resource-lock leader-elect-resource-name leader-elect-resource-namespace leader-elect-retry-period
  log-flush-frequency log-json-info-buffer-size log-json-split-stream log-text-info-buffer-size log-text-split-stream logging-format master
  min-compatibility-version permit-address-sharing permit-port-sharing profiling requestheader-allowed-names requestheader-client-ca-file
  requestheader-extra-headers-prefix requestheader-group-headers requestheader-uid-headers requestheader-username-headers secure-port
  show-hidden-metrics-for-version tls-cert-file tls-cipher-suites tls-curve-preferences tls-min-version tls-private-key-file tls-sni-cert-key v vmodule
`);

const apiServer = words(`
  admission-control-config-file advertise-address aggregator-reject-forwarding-redirect allow-privileged anonymous-auth api-audiences audit-log-batch-buffer-size
  audit-log-batch-max-size audit-log-batch-max-wait audit-log-batch-throttle-burst audit-log-batch-throttle-enable audit-log-batch-throttle-qps audit-log-compress
  audit-log-format audit-log-maxage audit-log-maxbackup audit-log-maxsize audit-log-mode audit-log-path audit-log-truncate-enabled audit-log-truncate-max-batch-size
  audit-log-truncate-max-event-size audit-log-version audit-policy-file audit-webhook-batch-buffer-size audit-webhook-batch-initial-backoff audit-webhook-batch-max-size
  audit-webhook-batch-max-wait audit-webhook-batch-throttle-burst audit-webhook-batch-throttle-enable audit-webhook-batch-throttle-qps audit-webhook-config-file
  audit-webhook-initial-backoff audit-webhook-mode audit-webhook-truncate-enabled audit-webhook-truncate-max-batch-size audit-webhook-truncate-max-event-size
  audit-webhook-version authentication-config authentication-token-webhook-config-file authentication-token-webhook-version authorization-config authorization-mode
  authorization-policy-file authorization-webhook-config-file authorization-webhook-version coordinated-leadership-lease-duration coordinated-leadership-renew-deadline
  coordinated-leadership-retry-period cors-allowed-origins debug-socket-path default-not-ready-toleration-seconds default-unreachable-toleration-seconds
  delete-collection-workers disable-admission-plugins egress-selector-config-file enable-admission-plugins enable-aggregator-routing enable-bootstrap-token-auth
  enable-garbage-collector enable-logs-handler enable-priority-and-fairness encryption-provider-config encryption-provider-config-automatic-reload
  endpoint-reconciler-type etcd-cafile etcd-certfile etcd-compaction-interval etcd-count-metric-poll-period etcd-db-metric-poll-interval etcd-healthcheck-timeout
  etcd-keyfile etcd-prefix etcd-readycheck-timeout etcd-servers etcd-servers-overrides event-ttl external-hostname goaway-chance kubelet-certificate-authority
  kubelet-client-certificate kubelet-client-key kubelet-preferred-address-types kubelet-timeout kubernetes-service-node-port lease-reuse-duration-seconds
  livez-grace-period max-connection-bytes-per-sec max-mutating-requests-inflight max-requests-inflight min-request-timeout oidc-ca-file oidc-client-id
  oidc-groups-claim oidc-groups-prefix oidc-issuer-url oidc-required-claim oidc-signing-algs oidc-username-claim oidc-username-prefix peer-advertise-ip
  peer-advertise-port peer-ca-file proxy-client-cert-file proxy-client-key-file request-timeout runtime-config runtime-config-emulation-forward-compatible
  service-account-extend-token-expiration service-account-issuer service-account-jwks-uri service-account-key-file service-account-lookup
  service-account-max-token-expiration service-account-signing-endpoint service-account-signing-key-file service-cluster-ip-range service-node-port-range
  shutdown-delay-duration shutdown-send-retry-after shutdown-watch-termination-grace-period storage-backend storage-initialization-timeout storage-media-type
  strict-transport-security-directives token-auth-file tracing-config-file watch-cache watch-cache-sizes
`);

const controllerManager = words(`
  allocate-node-cidrs attach-detach-reconcile-sync-period cidr-allocator-type cloud-config cloud-provider cluster-cidr cluster-name cluster-signing-cert-file
  cluster-signing-duration cluster-signing-key-file cluster-signing-kube-apiserver-client-cert-file cluster-signing-kube-apiserver-client-key-file
  cluster-signing-kubelet-client-cert-file cluster-signing-kubelet-client-key-file cluster-signing-kubelet-serving-cert-file cluster-signing-kubelet-serving-key-file
  cluster-signing-legacy-unknown-cert-file cluster-signing-legacy-unknown-key-file concurrent-cron-job-syncs concurrent-deployment-syncs concurrent-endpoint-syncs
  concurrent-gc-syncs concurrent-job-syncs concurrent-namespace-syncs concurrent-replicaset-syncs concurrent-resource-quota-syncs concurrent-service-endpoint-syncs
  concurrent-service-syncs concurrent-serviceaccount-token-syncs concurrent-statefulset-syncs configure-cloud-routes controller-shutdown-timeout
  controller-start-interval controllers enable-dynamic-provisioning enable-garbage-collector external-cloud-volume-plugin flex-volume-plugin-dir
  horizontal-pod-autoscaler-sync-period horizontal-pod-autoscaler-tolerance kube-api-burst kube-api-content-type kube-api-qps large-cluster-size-threshold
  legacy-service-account-token-clean-up-period max-endpoints-per-slice min-resync-period node-cidr-mask-size node-cidr-mask-size-ipv4 node-cidr-mask-size-ipv6
  node-eviction-rate node-monitor-grace-period node-monitor-period node-startup-grace-period resource-quota-sync-period root-ca-file route-reconciliation-period
  secondary-node-eviction-rate service-account-private-key-file service-cluster-ip-range terminated-pod-gc-threshold unhealthy-zone-threshold use-service-account-credentials
`);

const kubelet = words(`
  address allowed-unsafe-sysctls anonymous-auth authentication-token-webhook authorization-mode bootstrap-kubeconfig cert-dir cgroup-driver cgroup-root client-ca-file
  cloud-provider cluster-dns cluster-domain config config-dir container-log-max-files container-log-max-size container-runtime-endpoint event-burst event-qps
  eviction-hard eviction-soft fail-cgroupv1 fail-swap-on feature-gates hostname-override image-credential-provider-bin-dir image-credential-provider-config
  image-gc-high-threshold image-gc-low-threshold kube-reserved kubeconfig kubelet-cgroups max-pods node-ip node-labels node-status-max-images
  node-status-update-frequency pod-cidr pod-manifest-path pod-max-pids port protect-kernel-defaults provider-id read-only-port register-node register-with-taints
  reserved-cpus resolv-conf root-dir rotate-certificates rotate-server-certificates runtime-cgroups runtime-request-timeout seccomp-default serialize-image-pulls
  streaming-connection-idle-timeout system-cgroups system-reserved tls-cert-file tls-cipher-suites tls-min-version tls-private-key-file topology-manager-policy v vmodule
`);

const etcd = words(`
  advertise-client-urls auto-compaction-mode auto-compaction-retention cert-file cipher-suites client-cert-auth data-dir election-timeout enable-pprof
  experimental-initial-corrupt-check experimental-watch-progress-notify-interval feature-gates heartbeat-interval initial-advertise-peer-urls initial-cluster
  initial-cluster-state initial-cluster-token initial-corrupt-check key-file listen-client-urls listen-metrics-urls listen-peer-urls log-level logger max-request-bytes
  max-snapshots max-wals metrics name peer-cert-file peer-client-cert-auth peer-key-file peer-trusted-ca-file quota-backend-bytes snapshot-count tls-max-version
  tls-min-version trusted-ca-file watch-progress-notify-interval compact-hash-check-enabled compact-hash-check-time corrupt-check-time backend-batch-interval backend-batch-limit
`);

/** Flags that each component of Kubernetes 1.35 to 1.37 and etcd 3.6 knows (k8s.io/kubernetes v1.36.3, etcd.io/docs/v3.6/op-guide/configuration). */
export const componentFlags: Readonly<
  Record<"kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "kubelet" | "etcd", ReadonlySet<string>>
> = {
  "kube-apiserver": new Set([...server, ...apiServer]),
  "kube-controller-manager": new Set([...server, ...controllerManager]),
  "kube-scheduler": new Set([
    ...server,
    "config",
    "write-config-to",
    "pod-max-in-unschedulable-pods-duration",
    "kube-api-burst",
    "kube-api-qps",
    "kube-api-content-type",
  ]),
  kubelet: new Set(kubelet),
  etcd: new Set(etcd),
};

/** The value that counts of a flag: the last one. */
export function flagOf(
  args: readonly { readonly name: string; readonly value: string }[],
  name: string,
): string | undefined {
  return args.findLast((arg) => arg.name === name)?.value;
}
