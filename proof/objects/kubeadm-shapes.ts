/**
 * Fields of kubeadm's configuration kinds (kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4 and v1beta3). `true` is a field
 * whose inside is not looked at; a list stands for its items.
 */
export type Fields = { readonly [field: string]: true | Fields };

const component = { extraArgs: true, extraVolumes: true, extraEnvs: true } as const;
const timeouts = {
  controlPlaneComponentHealthCheck: true,
  kubeletHealthCheck: true,
  kubernetesAPICall: true,
  etcdAPICall: true,
  tlsBootstrap: true,
  discovery: true,
  upgradeManifests: true,
} as const;
const node = {
  name: true,
  criSocket: true,
  taints: true,
  kubeletExtraArgs: true,
  ignorePreflightErrors: true,
  imagePullPolicy: true,
  imagePullSerial: true,
} as const;
const localApi = { advertiseAddress: true, bindPort: true } as const;
const head = { apiVersion: true, kind: true, metadata: true } as const;

const v1beta4: Readonly<Record<string, Fields>> = {
  ClusterConfiguration: {
    ...head,
    etcd: {
      local: {
        imageRepository: true,
        imageTag: true,
        dataDir: true,
        extraArgs: true,
        extraEnvs: true,
        serverCertSANs: true,
        peerCertSANs: true,
      },
      external: { endpoints: true, httpEndpoints: true, caFile: true, certFile: true, keyFile: true },
    },
    networking: { serviceSubnet: true, podSubnet: true, dnsDomain: true },
    kubernetesVersion: true,
    controlPlaneEndpoint: true,
    apiServer: { ...component, certSANs: true },
    controllerManager: component,
    scheduler: component,
    dns: { imageRepository: true, imageTag: true, disabled: true },
    proxy: { disabled: true },
    certificatesDir: true,
    imageRepository: true,
    featureGates: true,
    clusterName: true,
    encryptionAlgorithm: true,
    certificateValidityPeriod: true,
    caCertificateValidityPeriod: true,
  },
  InitConfiguration: {
    ...head,
    bootstrapTokens: { token: true, description: true, ttl: true, expires: true, usages: true, groups: true },
    dryRun: true,
    nodeRegistration: node,
    localAPIEndpoint: localApi,
    certificateKey: true,
    skipPhases: true,
    patches: { directory: true },
    timeouts,
  },
  JoinConfiguration: {
    ...head,
    dryRun: true,
    nodeRegistration: node,
    caCertPath: true,
    discovery: {
      bootstrapToken: { token: true, apiServerEndpoint: true, caCertHashes: true, unsafeSkipCAVerification: true },
      file: { kubeConfigPath: true },
      tlsBootstrapToken: true,
    },
    controlPlane: { localAPIEndpoint: localApi, certificateKey: true },
    skipPhases: true,
    patches: { directory: true },
    timeouts,
  },
};

const older = { imagePullSerial: true, extraEnvs: true, timeouts: true, dryRun: true } as const;

/** Kinds of a kubeadm API version; `undefined` for one that is not described. */
export function kubeadmKinds(version: string): Readonly<Record<string, Fields>> | undefined {
  if (version === "v1beta4") return v1beta4;
  if (version !== "v1beta3") return undefined;
  const { ClusterConfiguration, InitConfiguration, JoinConfiguration } = v1beta4;
  const cluster = without(ClusterConfiguration ?? {}, {
    ...older,
    proxy: true,
    disabled: true,
    encryptionAlgorithm: true,
    certificateValidityPeriod: true,
    caCertificateValidityPeriod: true,
  });
  return {
    ClusterConfiguration: {
      ...cluster,
      apiServer: { extraArgs: true, extraVolumes: true, certSANs: true, timeoutForControlPlane: true },
    },
    InitConfiguration: without(InitConfiguration ?? {}, older),
    JoinConfiguration: {
      ...without(JoinConfiguration ?? {}, older),
      discovery: { bootstrapToken: true, file: true, tlsBootstrapToken: true, timeout: true },
    },
  };
}

function without(fields: Fields, gone: Readonly<Record<string, true>>): Fields {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([field]) => !Object.hasOwn(gone, field))
      .map(([field, inner]) => [field, inner === true ? true : without(inner, gone)]),
  );
}
