import { z } from "zod";
import { Ipv4 } from "../network/cidr.ts";
import { PodSelector } from "./policies.ts";
import { NamespaceName } from "./segmentation.ts";

const ObjectName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$/, "a-z, 0-9 and -, at most 52 characters: Services are named after it");
const SecretName = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "write the name of a Secret");
const Port = z.int().min(1).max(65_535);
/** Envoy runs without NET_BIND_SERVICE, so it may not listen below 1024 on a node (Cilium `gateway-api/host-network-mode.rst`). */
const HostPort = z.int().min(1024).max(65_535);
/** Kubernetes' default range. */
const NodePort = z.int().min(30_000).max(32_767);
/** `*` stands for one or more labels, at the front only. */
const HostPattern = z
  .string()
  .regex(
    /^(\*\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    "write a host name such as api.bank.example or *.bank.example",
  );
const Path = z.string().regex(/^\/[^\s*#?]*$/, "write a path such as /api, without * and ?");
/** A header's name as HTTP spells tokens (RFC 9110, 5.6.2). */
const HeaderName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/, "write a header's name such as X-Api-Version");
const Version = z.string().regex(/^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}$/, "write an exact version such as 1.6.1");

/** Where the resource definitions of Gateway API come from; `components/cilium/service-mesh/gateway-api.ts` says why so. */
const Bundle = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("file"),
    /** From the project's root: `standard-install.yaml` of the release, as it was downloaded or as a mirror holds it. */
    path: z.string().min(1),
  }),
  z.strictObject({
    kind: z.literal("installed"),
    /** Of the bundle that runs in the cluster. */
    version: Version,
  }),
]);

/** One Service of the route's own namespace; weights of a rule are relative to each other. */
const Backend = z.strictObject({ service: ObjectName, port: Port, weight: z.int().min(0).max(1_000_000).default(1) });

const RouteRule = z.strictObject({
  /** `prefix` matches whole path elements: /api is also /api/orders, and not /apis. */
  path: z.union([z.strictObject({ prefix: Path }), z.strictObject({ exact: Path })]).optional(),
  method: z.enum(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]).optional(),
  /** Exact values; all of them must be there. */
  headers: z.record(HeaderName, z.string().min(1).max(4096)).default({}),
  backends: z.array(Backend).min(1).max(16),
});

const Route = z.strictObject({
  name: ObjectName,
  namespace: NamespaceName,
  gateway: z.strictObject({
    name: ObjectName,
    /** The route's own when absent. */
    namespace: NamespaceName.optional(),
    /** All listeners that take the route when absent. */
    listener: ObjectName.optional(),
  }),
  hostnames: z.array(HostPattern).max(16).default([]),
  rules: z.array(RouteRule).min(1).max(16),
});

const listener = {
  name: ObjectName,
  port: Port,
  hostname: HostPattern.optional(),
  /** Whose routes it takes: those of the Gateway's namespace, or of every one. */
  routes: z.enum(["same-namespace", "all-namespaces"]).default("same-namespace"),
};
const Listener = z.discriminatedUnion("protocol", [
  z.strictObject({ ...listener, protocol: z.literal("HTTP") }),
  z.strictObject({
    ...listener,
    protocol: z.literal("HTTPS"),
    /** A Secret of type kubernetes.io/tls in the Gateway's namespace. */
    certificate: SecretName,
  }),
]);

const Gateway = z.strictObject({
  name: ObjectName,
  namespace: NamespaceName,
  /** Fixed address of its Service; one of the site's pool. */
  address: Ipv4.optional(),
  listeners: z.array(Listener).min(1).max(64),
});

const GatewayApi = z.strictObject({
  bundle: Bundle,
  /** `load-balancer`: each Gateway gets a Service of that type. `host-network`: Envoy listens on every node, and somebody else balances. */
  expose: z.enum(["load-balancer", "host-network"]).default("load-balancer"),
  gateways: z.array(Gateway).default([]),
  routes: z.array(Route).default([]),
});

const IngressObject = z.strictObject({
  name: ObjectName,
  namespace: NamespaceName,
  /** `dedicated` has a Service of type LoadBalancer of its own; `shared` ones have one front together. */
  mode: z.enum(["shared", "dedicated"]).default("shared"),
  /** Fixed address of a dedicated one's Service. */
  address: Ipv4.optional(),
  rules: z
    .array(
      z.strictObject({
        host: HostPattern,
        paths: z
          .array(
            z.strictObject({
              path: Path.default("/"),
              type: z.enum(["Prefix", "Exact"]).default("Prefix"),
              service: ObjectName,
              port: Port,
            }),
          )
          .min(1),
      }),
    )
    .min(1),
  /** Secrets of type kubernetes.io/tls in its namespace; plain HTTP to these hosts is redirected. */
  tls: z.array(z.strictObject({ hosts: z.array(HostPattern).min(1), secret: SecretName })).default([]),
});

const Ingress = z.strictObject({
  /** The front of all shared ones. */
  shared: z
    .discriminatedUnion("expose", [
      z.strictObject({
        expose: z.literal("node-port"),
        http: NodePort.default(30_080),
        https: NodePort.default(30_443),
      }),
      /** HTTP and HTTPS on one port, told apart by their first bytes. */
      z.strictObject({ expose: z.literal("host-network"), port: HostPort.default(8080) }),
      z.strictObject({ expose: z.literal("load-balancer") }),
    ])
    .prefault({ expose: "node-port" }),
  ingresses: z.array(IngressObject).default([]),
});

/**
 * A token bucket for one port of a Service, one bucket in each node's Envoy: what a Service can get in all is `requests` times the nodes
 * that call it.
 */
const RateLimit = z.strictObject({
  name: ObjectName,
  namespace: NamespaceName,
  service: ObjectName,
  port: Port,
  /** Requests that are let through in each period, per node; the rest get status 429. */
  requests: z.int().min(1).max(1_000_000),
  /** Seconds. */
  perSeconds: z.int().min(1).max(86_400).default(1),
  /** Requests that a full bucket holds; `requests` when absent. */
  burst: z.int().min(1).max(1_000_000).optional(),
});

const MutualAuthentication = z.strictObject({
  /**
   * Keeps SPIRE's data in a volume of this class. Without one they are in memory, and identities are issued anew when its server restarts.
   */
  storageClass: z.string().min(1).optional(),
  /** Replaces `ghcr.io` and `docker.io`, where SPIRE's images come from, e.g. `registry.bank.example/spire`. */
  imageRegistry: z.string().min(1).optional(),
  /** Connections that must be authenticated, each a policy that allows them and no others into `to`. */
  required: z
    .array(
      z.strictObject({
        name: ObjectName,
        from: PodSelector,
        to: PodSelector,
        port: Port,
      }),
    )
    .default([]),
});

/** Mbit/s of one pod. */
const Mbits = z.int().min(1).max(100_000);

const Bandwidth = z.strictObject({
  /** BBR congestion control for new pods; Linux 5.18 (Cilium `bandwidth-manager.rst`). */
  bbr: z.boolean().default(false),
  /** The demo service's own pods, to see a limit work. */
  demoService: z.strictObject({ egress: Mbits.optional(), ingress: Mbits.optional() }).optional(),
});

/** Layer 7 without sidecars: Envoy runs once per node, and the operator tells it what to do. */
export const ServiceMeshSpec = z.strictObject({
  /** Whether a Namespace is made for every namespace that an object lies in. It is kept when the object goes. */
  createNamespaces: z.boolean().default(true),
  gatewayApi: GatewayApi.optional(),
  ingress: Ingress.optional(),
  rateLimits: z.array(RateLimit).default([]),
  /** Requests instead of connections are balanced for Services annotated `service.cilium.io/lb-l7: enabled`, as gRPC needs (beta). */
  l7LoadBalancing: z
    .strictObject({ algorithm: z.enum(["round_robin", "least_request", "random"]).default("round_robin") })
    .optional(),
  mutualAuthentication: MutualAuthentication.optional(),
  bandwidth: Bandwidth.optional(),
});
export type ServiceMeshSpec = z.infer<typeof ServiceMeshSpec>;
export type GatewayApiSpec = z.infer<typeof GatewayApi>;
export type GatewaySpec = z.infer<typeof Gateway>;
export type RouteSpec = z.infer<typeof Route>;
export type IngressSpec = z.infer<typeof Ingress>;
export type IngressObjectSpec = z.infer<typeof IngressObject>;
export type RateLimitSpec = z.infer<typeof RateLimit>;
export type MutualAuthenticationSpec = z.infer<typeof MutualAuthentication>;
export type BandwidthSpec = z.infer<typeof Bandwidth>;
