/** A chart key that is gone, or has moved. */
export interface RemovedKey {
  /** The last Cilium minor whose chart had it, where `data/chart-keys.json` does not reach back that far. */
  readonly last?: string;
  /** What does the job now, as the object of "use". */
  readonly instead?: string;
}

/**
 * Keys that people still write. `last` is taken from the `values.yaml` of the charts 1.10 to 1.17 (cilium/charts), `instead` from
 * Cilium's upgrade notes (`Documentation/operations/upgrade.rst` of each minor).
 */
export const removedKeys: Readonly<Record<string, RemovedKey>> = {
  bgp: { last: "1.16", instead: "bgpControlPlane.enabled and the CiliumBGP* resources" },
  "bpf.clockProbe": { last: "1.12", instead: "bpfClockProbe" },
  "bpf.hostRouting": { last: "1.12", instead: "bpf.hostLegacyRouting, with the opposite value" },
  "bpf.lbBypassFIBLookup": { last: "1.12" },
  "ciliumEndpointSlice.sliceMode": { last: "1.17" },
  "clustermesh.apiserver.etcd.image": { last: "1.14", instead: "clustermesh.apiserver.image" },
  "clustermesh.apiserver.kvstoremesh.image": { last: "1.14", instead: "clustermesh.apiserver.image" },
  "clustermesh.apiserver.tls.admin": { instead: "clustermesh.apiserver.tls.auto, or Secrets made beforehand" },
  "clustermesh.apiserver.tls.ca": { last: "1.14", instead: "tls.ca" },
  "clustermesh.apiserver.tls.enableSecrets": { instead: "clustermesh.apiserver.tls.auto.enabled" },
  "clustermesh.apiserver.tls.remote": { instead: "clustermesh.apiserver.tls.auto, or Secrets made beforehand" },
  "clustermesh.apiserver.tls.server.cert": { instead: "clustermesh.apiserver.tls.auto, or Secrets made beforehand" },
  "clustermesh.apiserver.tls.server.extraDnsNames": {
    instead: "clustermesh.apiserver.tls.auto.server.extraDnsNames",
  },
  "clustermesh.apiserver.tls.server.extraIpAddresses": {
    instead: "clustermesh.apiserver.tls.auto.server.extraIpAddresses",
  },
  "clustermesh.apiserver.tls.server.key": { instead: "clustermesh.apiserver.tls.auto, or Secrets made beforehand" },
  "clustermesh.enableMCSAPISupport": { instead: "clustermesh.mcsapi.enabled" },
  containerRuntime: { last: "1.15" },
  datapathMode: { last: "1.12", instead: "bpf.datapathMode" },
  "egressGateway.installRoutes": { last: "1.15" },
  enableCiliumEndpointSlice: { last: "1.17", instead: "ciliumEndpointSlice.enabled" },
  enableCnpStatusUpdates: { last: "1.14" },
  enableK8sEventHandover: { last: "1.14" },
  enableK8sTerminatingEndpoint: { last: "1.17" },
  enableRuntimeDeviceDetection: { last: "1.17" },
  "encryption.interface": { last: "1.15", instead: "devices" },
  "encryption.keyFile": { last: "1.15", instead: "encryption.ipsec.keyFile and the Secret cilium-ipsec-keys" },
  "encryption.mountPath": { last: "1.15", instead: "encryption.ipsec.mountPath" },
  "encryption.secretName": { last: "1.15", instead: "encryption.ipsec.secretName" },
  "encryption.strictMode.allowRemoteNodeIdentities": {
    instead: "encryption.strictMode.egress.allowRemoteNodeIdentities",
  },
  "encryption.strictMode.cidr": { instead: "encryption.strictMode.egress.cidr" },
  "encryption.strictMode.enabled": { instead: "encryption.strictMode.egress.enabled" },
  "encryption.wireguard.encapsulate": { last: "1.14" },
  "encryption.wireguard.userspaceFallback": {
    last: "1.16",
    instead: "the kernel's WireGuard module, which every supported kernel has",
  },
  endpointStatus: { last: "1.15" },
  "eni.updateEC2AdapterLimitViaAPI": { last: "1.17" },
  "etcd.managed": { last: "1.15", instead: "an etcd of your own, in etcd.endpoints" },
  externalIPs: { last: "1.16", instead: "kubeProxyReplacement: true, which includes it" },
  externalWorkloads: { last: "1.17" },
  highScaleIPcache: { last: "1.17" },
  hostPort: { last: "1.17", instead: "kubeProxyReplacement: true, which includes it" },
  "hubble.export.static.backends": { instead: "a log shipper that reads hubble.export.static.filePath" },
  "hubble.flowBufferSize": { last: "1.12", instead: "hubble.eventBufferCapacity" },
  "hubble.peerService.enabled": { last: "1.13" },
  "hubble.relay.dialTimeout": { last: "1.17" },
  "hubble.tls.ca": { last: "1.13", instead: "tls.ca" },
  identityGCInterval: { last: "1.12", instead: "operator.identityGCInterval" },
  identityHeartbeatTimeout: { last: "1.12", instead: "operator.identityHeartbeatTimeout" },
  "ingressController.service.nodePorts": {
    instead: "ingressController.service.insecureNodePort and ingressController.service.secureNodePort",
  },
  installIptablesRules: { last: "1.12" },
  "ipam.operator.clusterPoolIPv4PodCIDR": { last: "1.13", instead: "ipam.operator.clusterPoolIPv4PodCIDRList" },
  "ipam.operator.clusterPoolIPv6PodCIDR": { last: "1.13", instead: "ipam.operator.clusterPoolIPv6PodCIDRList" },
  ipvlan: { last: "1.11" },
  "l2NeighDiscovery.refreshPeriod": { last: "1.17" },
  "l2podAnnouncements.interface": { instead: "l2podAnnouncements.interfacePattern" },
  "loadBalancer.experimental": { last: "1.17" },
  nativeRoutingCIDR: { last: "1.11", instead: "ipv4NativeRoutingCIDR" },
  "nodePort.enabled": { instead: "kubeProxyReplacement: true, which includes it" },
  "operator.skipCNPStatusStartupClean": { last: "1.15" },
  proxy: { last: "1.15", instead: "envoy" },
  remoteNodeIdentity: { last: "1.15" },
  serviceMesh: { instead: "authentication.enabled" },
  sessionAffinity: { instead: "kubeProxyReplacement: true, which includes it" },
  sockops: { last: "1.13" },
  tunnel: { last: "1.14", instead: "routingMode: native, or routingMode: tunnel with tunnelProtocol" },
};

/** Keys of later charts, and what does the job before. */
export const earlierKeys: Readonly<Record<string, string>> = {
  "clustermesh.apiserver.tls.auto.server": "clustermesh.apiserver.tls.server",
  "clustermesh.mcsapi": "clustermesh.enableMCSAPISupport",
  "encryption.strictMode.egress": "encryption.strictMode.enabled and encryption.strictMode.cidr",
};
