/**
 * The skeleton of the kinds that guides show most, as far as it takes to put a manifest back together whose indentation was lost.
 * Fields: Kubernetes API reference, Gateway API, Prometheus Operator and Cilium CRDs. What is missing here stays unread.
 */
export type Shape = "scalar" | "map" | "any" | readonly [Shape] | { readonly [field: string]: Shape };

const name = "scalar";
const selector = { matchLabels: "map", matchExpressions: [{ key: name, operator: name, values: [name] }] } as const;
const ports = {
  ports: [{ port: name, endPort: name, protocol: name }],
  rules: {
    http: [{ method: name, path: name, host: name, headers: [name], headerMatches: ["any"] }],
    dns: [{ matchName: name, matchPattern: name }],
    kafka: [{ role: name, apiKey: name, topic: name, clientID: name, apiVersion: name }],
    l7proto: name,
    l7: ["map"],
  },
  terminatingTLS: "any",
  originatingTLS: "any",
  serverNames: [name],
} as const;
const peers = (direction: "from" | "to") =>
  ({
    [`${direction}Endpoints`]: [selector],
    [`${direction}Requires`]: [selector],
    [`${direction}Entities`]: [name],
    [`${direction}CIDR`]: [name],
    [`${direction}CIDRSet`]: [{ cidr: name, except: [name], cidrGroupRef: name }],
    [`${direction}Nodes`]: [selector],
    [`${direction}Groups`]: ["any"],
    authentication: { mode: name },
    icmps: [{ fields: [{ family: name, type: name }] }],
    toPorts: [ports],
  }) as const;
const egress = {
  ...peers("to"),
  toFQDNs: [{ matchName: name, matchPattern: name }],
  toServices: [{ k8sService: { serviceName: name, namespace: name }, k8sServiceSelector: "any" }],
} as const;
const ciliumRule = {
  description: name,
  endpointSelector: selector,
  nodeSelector: selector,
  enableDefaultDeny: { ingress: name, egress: name },
  ingress: [peers("from")],
  ingressDeny: [peers("from")],
  egress: [egress],
  egressDeny: [egress],
} as const;

const container = {
  name,
  image: name,
  command: [name],
  args: [name],
  ports: [{ name, containerPort: name, protocol: name }],
  env: [{ name, value: name }],
} as const;
const podSpec = { containers: [container], initContainers: [container], nodeName: name, hostNetwork: name } as const;
const labelled = { metadata: { name, labels: "map", annotations: "map" }, spec: podSpec } as const;

const backend = [{ name, namespace: name, port: name, weight: name, kind: name, group: name }] as const;
const networkPeer = [
  { podSelector: selector, namespaceSelector: selector, ipBlock: { cidr: name, except: [name] } },
] as const;
const networkPorts = [{ port: name, endPort: name, protocol: name }] as const;
const address = { socket_address: { address: name, port_value: name, protocol: name } } as const;
const route = {
  name,
  virtual_hosts: [
    {
      name,
      domains: [name],
      routes: [
        {
          match: { prefix: name, path: name, safe_regex: "any" },
          route: {
            cluster: name,
            prefix_rewrite: name,
            weighted_clusters: "any",
            rate_limits: [{ actions: [{ request_headers: { header_name: name, descriptor_key: name } }] }],
          },
        },
      ],
    },
  ],
} as const;
const runtime = { runtime_key: name, default_value: { numerator: name, denominator: name } } as const;
const httpFilter = {
  name,
  typed_config: {
    "@type": name,
    type_url: name,
    value: {
      stat_prefix: name,
      token_bucket: { max_tokens: name, tokens_per_fill: name, fill_interval: name },
      filter_enabled: runtime,
      filter_enforced: runtime,
    },
  },
} as const;
const envoyResource = {
  "@type": name,
  name,
  address,
  filter_chains: [
    {
      filters: [
        {
          name,
          typed_config: {
            "@type": name,
            stat_prefix: name,
            rds: "any",
            route_config: route,
            http_filters: [httpFilter],
          },
        },
      ],
    },
  ],
  virtual_hosts: route.virtual_hosts,
  type: name,
  connect_timeout: name,
  lb_policy: name,
} as const;

const specs: Readonly<Record<string, Shape>> = {
  CiliumNetworkPolicy: ciliumRule,
  CiliumClusterwideNetworkPolicy: ciliumRule,
  NetworkPolicy: {
    podSelector: selector,
    policyTypes: [name],
    ingress: [{ from: networkPeer, ports: networkPorts }],
    egress: [{ to: networkPeer, ports: networkPorts }],
  },
  Service: {
    selector: "map",
    ports: [{ name, port: name, targetPort: name, nodePort: name, protocol: name }],
    type: name,
    clusterIP: name,
    loadBalancerIP: name,
    loadBalancerClass: name,
    externalTrafficPolicy: name,
  },
  Pod: podSpec,
  Deployment: { replicas: name, selector, template: labelled },
  DaemonSet: { selector, template: labelled },
  StatefulSet: { replicas: name, serviceName: name, selector, template: labelled },
  Ingress: {
    ingressClassName: name,
    tls: [{ hosts: [name], secretName: name }],
    rules: [
      {
        host: name,
        http: { paths: [{ path: name, pathType: name, backend: { service: { name, port: { number: name, name } } } }] },
      },
    ],
  },
  GatewayClass: { controllerName: name, description: name },
  Gateway: {
    gatewayClassName: name,
    listeners: [
      {
        name,
        hostname: name,
        port: name,
        protocol: name,
        allowedRoutes: { namespaces: { from: name, selector } },
        tls: { mode: name, certificateRefs: [{ kind: name, group: name, name, namespace: name }] },
      },
    ],
    addresses: [{ type: name, value: name }],
  },
  HTTPRoute: {
    parentRefs: [{ name, namespace: name, sectionName: name }],
    hostnames: [name],
    rules: [
      {
        matches: [
          {
            path: { type: name, value: name },
            headers: [{ type: name, name, value: name }],
            queryParams: [{ type: name, name, value: name }],
            method: name,
          },
        ],
        filters: ["any"],
        backendRefs: backend,
      },
    ],
  },
  PrometheusRule: {
    groups: [
      {
        name,
        interval: name,
        rules: [{ alert: name, record: name, expr: name, for: name, labels: "map", annotations: "map" }],
      },
    ],
  },
  ServiceMonitor: {
    selector,
    namespaceSelector: { matchNames: [name], any: name },
    endpoints: [{ port: name, interval: name, path: name, honorLabels: name }],
  },
  CiliumEnvoyConfig: {
    services: [{ name, namespace: name, listener: name }],
    backendServices: [{ name, namespace: name }],
    resources: [envoyResource],
  },
  CiliumLoadBalancerIPPool: {
    blocks: [{ cidr: name, start: name, stop: name }],
    serviceSelector: selector,
    disabled: name,
  },
};

/** The whole object of a kind; `undefined` for a kind that is not described. */
export function shapeOf(kind: string): Shape | undefined {
  const spec = Object.hasOwn(specs, kind) ? specs[kind] : undefined;
  return (
    spec && {
      apiVersion: name,
      kind: name,
      metadata: { name, namespace: name, labels: "map", annotations: "map" },
      spec,
    }
  );
}
