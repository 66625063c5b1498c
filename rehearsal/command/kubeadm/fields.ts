/** The shape of a configuration value, as Go's decoder sees it. */
export type Shape =
  | "string"
  | "number"
  | "boolean"
  | "any"
  | { readonly list: Shape; readonly go: string }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

const fields = (shapes: Record<string, Shape>): Shape => ({ fields: shapes });
const same = (names: string, shape: Shape): Record<string, Shape> =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, shape]),
  );
const texts: Shape = { list: "string", go: "[]string" };
const list = (shape: Shape, go: string): Shape => ({ list: shape, go });

const args = list(fields(same("name value", "string")), "[]v1beta4.Arg");
const environment = list(fields({ ...same("name value", "string"), valueFrom: "any" }), "[]v1beta4.EnvVar");
const volumes = list(
  fields({ ...same("name hostPath mountPath pathType", "string"), readOnly: "boolean" }),
  "[]v1beta4.HostPathMount",
);
const component = { extraArgs: args, extraVolumes: volumes, extraEnvs: environment };
const image = same("imageRepository imageTag", "string");
const durations = fields(
  same(
    "controlPlaneComponentHealthCheck kubeletHealthCheck kubernetesAPICall etcdAPICall tlsBootstrap discovery upgradeManifests",
    "string",
  ),
);
const apiEndpoint = fields({ advertiseAddress: "string", bindPort: "number" });
const registration = fields({
  ...same("name criSocket imagePullPolicy", "string"),
  taints: list(fields(same("key value effect timeAdded", "string")), "[]v1.Taint"),
  kubeletExtraArgs: args,
  ignorePreflightErrors: texts,
  imagePullSerial: "boolean",
});
const patches = fields({ directory: "string" });
const token = fields({ ...same("token description ttl expires", "string"), usages: texts, groups: texts });

/** v1beta4 of k8s.io/kubernetes v1.36.3 (cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go). */
export const kubeadmKinds: Readonly<Record<string, Shape>> = {
  InitConfiguration: fields({
    bootstrapTokens: list(token, "[]v1.BootstrapToken"),
    dryRun: "boolean",
    nodeRegistration: registration,
    localAPIEndpoint: apiEndpoint,
    certificateKey: "string",
    skipPhases: texts,
    patches,
    timeouts: durations,
  }),
  ClusterConfiguration: fields({
    etcd: fields({
      local: fields({
        ...image,
        dataDir: "string",
        extraArgs: args,
        extraEnvs: environment,
        serverCertSANs: texts,
        peerCertSANs: texts,
      }),
      external: fields({ endpoints: texts, httpEndpoints: texts, ...same("caFile certFile keyFile", "string") }),
    }),
    networking: fields(same("serviceSubnet podSubnet dnsDomain", "string")),
    ...same(
      "kubernetesVersion controlPlaneEndpoint certificatesDir imageRepository clusterName encryptionAlgorithm certificateValidityPeriod caCertificateValidityPeriod",
      "string",
    ),
    apiServer: fields({ ...component, certSANs: texts }),
    controllerManager: fields(component),
    scheduler: fields(component),
    dns: fields({ ...image, disabled: "boolean" }),
    proxy: fields({ disabled: "boolean" }),
    featureGates: { map: "boolean" },
  }),
  JoinConfiguration: fields({
    dryRun: "boolean",
    nodeRegistration: registration,
    caCertPath: "string",
    discovery: fields({
      bootstrapToken: fields({
        ...same("token apiServerEndpoint", "string"),
        caCertHashes: texts,
        unsafeSkipCAVerification: "boolean",
      }),
      file: fields({ kubeConfigPath: "string" }),
      tlsBootstrapToken: "string",
    }),
    controlPlane: fields({ localAPIEndpoint: apiEndpoint, certificateKey: "string" }),
    skipPhases: texts,
    patches,
    timeouts: durations,
  }),
  ResetConfiguration: fields({
    ...same("cleanupTmpDir dryRun force", "boolean"),
    ...same("certificatesDir criSocket", "string"),
    ignorePreflightErrors: texts,
    skipPhases: texts,
    unmountFlags: texts,
    timeouts: durations,
  }),
  UpgradeConfiguration: fields({ apply: "any", diff: "any", node: "any", plan: "any", timeouts: durations }),
};

const names = (text: string): Record<string, Shape> => same(text, "any");

/** kubelet.config.k8s.io/v1beta1 of k8s.io/kubelet v0.36.3. */
export const kubeletConfiguration: Shape = fields({
  ...names(`syncFrequency fileCheckFrequency httpCheckFrequency staticPodURLHeader imagePullCredentialsVerificationPolicy streamingConnectionIdleTimeout
    nodeStatusUpdateFrequency nodeStatusReportFrequency imageMinimumGCAge imageMaximumGCAge volumeStatsAggPeriod cpuManagerPolicyOptions cpuManagerReconcilePeriod
    topologyManagerPolicyOptions qosReserved runtimeRequestTimeout cpuCFSQuotaPeriod evictionHard evictionSoft evictionSoftGracePeriod evictionPressureTransitionPeriod
    evictionMinimumReclaim featureGates memorySwap containerLogMonitorInterval systemReserved kubeReserved logging shutdownGracePeriod shutdownGracePeriodCriticalPods
    shutdownGracePeriodByPodPriority crashLoopBackOff reservedMemory registerWithTaints tracing userNamespaces providerID`),
  authentication: fields({
    x509: fields({ clientCAFile: "string" }),
    webhook: fields({ enabled: "boolean", cacheTTL: "string" }),
    anonymous: fields({ enabled: "boolean" }),
  }),
  authorization: fields({ mode: "string", webhook: fields(same("cacheAuthorizedTTL cacheUnauthorizedTTL", "string")) }),
  ...same(
    `enableServer rotateCertificates serverTLSBootstrap enableDebuggingHandlers enableContentionProfiling cgroupsPerQOS singleProcessOOMKill runOnce cpuCFSQuota
     serializeImagePulls mergeDefaultEvictionSettings enableControllerAttachDetach protectKernelDefaults makeIPTablesUtilChains failSwapOn kernelMemcgNotification
     enableSystemLogHandler enableSystemLogQuery enableProfilingHandler enableDebugFlagsHandler seccompDefault registerNode localStorageCapacityIsolation failCgroupV1`,
    "boolean",
  ),
  ...same(
    `port readOnlyPort registryPullQPS registryBurst eventRecordQPS eventBurst healthzPort oomScoreAdj nodeLeaseDurationSeconds imageGCHighThresholdPercent
     imageGCLowThresholdPercent maxPods podPidsLimit nodeStatusMaxImages maxOpenFiles kubeAPIQPS kubeAPIBurst maxParallelImagePulls evictionMaxPodGracePeriod
     podsPerCore iptablesMasqueradeBit iptablesDropBit containerLogMaxFiles containerLogMaxWorkers memoryThrottlingFactor`,
    "number",
  ),
  ...same(
    `staticPodPath podLogsDir staticPodURL address tlsCertFile tlsPrivateKeyFile tlsMinVersion healthzBindAddress clusterDomain kubeletCgroups systemCgroups cgroupRoot
     cgroupDriver cpuManagerPolicy memoryManagerPolicy topologyManagerPolicy topologyManagerScope hairpinMode podCIDR resolvConf contentType containerLogMaxSize
     configMapAndSecretChangeDetectionStrategy reservedSystemCPUs showHiddenMetricsForVersion systemReservedCgroup kubeReservedCgroup volumePluginDir
     containerRuntimeEndpoint imageServiceEndpoint memoryReservationPolicy`,
    "string",
  ),
  ...same(
    "tlsCipherSuites tlsCurvePreferences preloadedImagesVerificationAllowlist clusterDNS enforceNodeAllocatable allowedUnsafeSysctls",
    texts,
  ),
});

/** The first thing Go's strict decoder would say of `value`, in its words; `undefined` when it fits. */
export function shapeProblem(value: unknown, shape: Shape, kind: string, path = ""): string | undefined {
  if (value === null || value === undefined || shape === "any") return undefined;
  const wrong = (go: string): string =>
    `json: cannot unmarshal ${jsonKind(value)} into Go struct field ${kind}${path === "" ? "" : `.${path}`} of type ${go}`;
  if (shape === "string" || shape === "boolean")
    return typeof value === shape ? undefined : wrong(shape === "string" ? "string" : "bool");
  if (shape === "number") return typeof value === "number" ? undefined : wrong("int32");
  if ("list" in shape) {
    if (!Array.isArray(value)) return wrong(shape.go);
    return first(value.map((item, index) => shapeProblem(item, shape.list, kind, `${path}[${index}]`)));
  }
  if (typeof value !== "object" || Array.isArray(value)) return wrong("object");
  const inside = path === "" ? "" : `${path}.`;
  if ("map" in shape)
    return first(Object.entries(value).map(([key, item]) => shapeProblem(item, shape.map, kind, `${inside}${key}`)));
  return first(
    Object.entries(value).map(([key, item]) => {
      const known = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
      return known === undefined
        ? `strict decoding error: unknown field "${inside}${key}"`
        : shapeProblem(item, known, kind, `${inside}${key}`);
    }),
  );
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}
