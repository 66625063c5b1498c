import { z } from "zod";
import { Cidr } from "../network/cidr.ts";
import { Labels, NamespaceName } from "./segmentation.ts";

/** Applications whose policies come as one bundle. Defaults are those of the cases they were made for, so the kind alone is enough. */

const Port = z.int().min(1).max(65_535);

/** It begins the names of the application's policies and zones: `card-database`. */
const applicationName = z.string().regex(/^[a-z]([-a-z0-9]{0,14}[a-z0-9])?$/, "a-z, 0-9 and -, at most 16 characters");

/**
 * Who stands between users and the pods. `load-balancer`: a Service whose clients keep their address (`externalTrafficPolicy: Local`);
 * without that the pods see nodes, and refuse them. `gateway`: Cilium's own Ingress or Gateway.
 */
const Entrance = z.enum(["load-balancer", "gateway"]).default("load-balancer");
export type Entrance = z.infer<typeof Entrance>;

/** Whether tiers talk to the same application's tiers in the other members of the mesh, as after a failover of one service. */
const acrossClusters = z.boolean().default(false);

const TierLabels = Labels.refine((labels) => Object.keys(labels).length > 0, {
  error: "name at least one label: a tier without any is every pod of its namespace",
});
type TierLabels = z.infer<typeof Labels>;

/** Pods that call and are not called. */
function caller(namespace: string, labels: TierLabels) {
  return z
    .strictObject({ namespace: NamespaceName.default(namespace), labels: TierLabels.default(labels) })
    .prefault({});
}

/** Pods that are called. `port` is the container's: policies see it after the Service's translation. */
function server(namespace: string, labels: TierLabels, port: number) {
  return z
    .strictObject({
      namespace: NamespaceName.default(namespace),
      labels: TierLabels.default(labels),
      port: Port.default(port),
    })
    .prefault({});
}

/** A request that is let through. What no request of the list matches is answered with 403. */
const HttpRequest = z.strictObject({
  /** An anchored RE2 pattern, such as `GET` or `GET|HEAD`. */
  method: z.string().regex(/^[A-Z(][A-Z|()]*$/, "write a method in capitals, or several with | between them"),
  /** An anchored RE2 pattern of path and query. */
  path: z.string().startsWith("/"),
  /** Headers that must be there; an empty value asks for the name alone. Values are compared to the letter. */
  headers: z.record(z.string().regex(/^[A-Za-z][-A-Za-z0-9]*$/, "write a header's name"), z.string()).default({}),
});
export type HttpRequest = z.infer<typeof HttpRequest>;

/** A caller's requests, the default of `api` below. */
function requests(...list: readonly [z.input<typeof HttpRequest>, ...z.input<typeof HttpRequest>[]]) {
  return z
    .array(HttpRequest)
    .min(1)
    .prefault([...list]);
}

const query = "([?].*)?";

/** A brokerage's trading system: web servers in front of three APIs, order entry, batch, administration, two databases. */
export const BrokerageSpec = z.strictObject({
  kind: z.literal("brokerage"),
  name: applicationName.default("brokerage"),
  entrance: Entrance,
  acrossClusters,
  web: server("trading", { app: "web-server", tier: "frontend" }, 8443),
  /** The only one that places orders. */
  orderEntry: server("trading", { app: "order-entry", tier: "frontend" }, 8443),
  order: server("trading", { app: "trading-api", tier: "backend" }, 8080),
  quote: server("trading", { app: "quote-api", tier: "backend" }, 8080),
  account: server("trading", { app: "account-api", tier: "backend" }, 8080),
  payment: server("payment", { app: "payment-service", tier: "backend" }, 8080),
  batch: caller("trading", { app: "settlement-batch", tier: "batch" }),
  database: server("trading", { app: "trading-db", tier: "database" }, 5432),
  cardDatabase: server("payment", { app: "card-db", tier: "database" }, 5432),
  /** Known by its service account, which labels of a pod cannot claim. */
  admin: z
    .strictObject({
      namespace: NamespaceName.default("trading-admin"),
      serviceAccount: z
        .string()
        .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "write the name of a ServiceAccount")
        .default("trading-admin"),
    })
    .prefault({}),
  /** Hosts outside of the cluster that batch exchanges files with. */
  coreBanking: z
    .strictObject({ cidrs: z.array(Cidr).min(1).prefault(["10.200.10.0/24"]), port: Port.default(9443) })
    .prefault({}),
  requests: z
    .strictObject({
      order: requests(
        { method: "GET", path: `/api/orders/[0-9]+${query}` },
        { method: "GET", path: `/api/trades/[0-9]+${query}` },
      ),
      orderEntry: requests({
        method: "POST",
        path: "/api/orders",
        headers: { "Idempotency-Key": "", "X-Channel": "order-entry" },
      }),
      quote: requests({ method: "GET", path: `/api/quotes/[A-Z0-9]{6,12}${query}` }),
      account: requests({ method: "GET", path: "/api/accounts/[0-9]+/balance", headers: { "X-Customer-Id": "" } }),
      payment: requests({ method: "POST", path: "/api/payments", headers: { "Idempotency-Key": "" } }),
      admin: requests({ method: "GET|POST|DELETE", path: "/admin/.*", headers: { "X-Change-Ticket": "" } }),
    })
    .prefault({}),
});
export type BrokerageSpec = z.infer<typeof BrokerageSpec>;

/** A card company's three tiers, each in a namespace of its own. */
export const CardCompanySpec = z.strictObject({
  kind: z.literal("card-company"),
  name: applicationName.default("card"),
  entrance: Entrance,
  acrossClusters,
  dmz: server("dmz", { tier: "dmz" }, 443),
  application: server("application", { tier: "application" }, 8080),
  database: server("database", { tier: "database" }, 5432),
});
export type CardCompanySpec = z.infer<typeof CardCompanySpec>;

/** Outside host names, each reached on `port`. A pattern's `*` stands for one label. */
const HostPattern = z
  .string()
  .regex(
    /^(\*\.|([a-z0-9]([-a-z0-9]*[a-z0-9])?\.))([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    "write a host name, or *. and a host name",
  );

/** The security lab: five zones, and one conversation of each kind that Cilium can tell apart. */
export const LabZonesSpec = z.strictObject({
  kind: z.literal("lab-zones"),
  name: applicationName.default("lab"),
  entrance: Entrance,
  /** Public zone: what stands between the internet and the DMZ. */
  edge: server("public", { app: "edge", zone: "public" }, 443),
  /** DMZ. */
  frontend: server("frontend", { app: "frontend", tier: "web" }, 80),
  testClient: caller("frontend", { app: "test-client" }),
  /** Application zone. */
  backend: server("backend", { app: "backend", tier: "api" }, 8080),
  httpApi: server("backend", { app: "http-api", tier: "api" }, 80),
  apiServer: server("backend", { app: "api-server", tier: "api" }, 8080),
  grpcClient: caller("backend", { app: "grpc-client" }),
  grpcService: server("backend", { app: "grpc-service" }, 9090),
  kafkaClient: caller("backend", { app: "kafka-consumer" }),
  kafkaBroker: server("backend", { app: "kafka-broker" }, 9092),
  /** Database zone. */
  database: server("database", { app: "database", tier: "data" }, 5432),
  /** Management zone. It reads metrics of every other zone on `metricsPort`. */
  management: caller("management", { app: "monitoring", zone: "management" }),
  metricsPort: Port.default(9100),
  /** Where administrators sit, and the ports of the management zone's tools. */
  office: z
    .strictObject({
      cidrs: z.array(Cidr).min(1).prefault(["192.168.30.0/24"]),
      firstPort: Port.default(3000),
      lastPort: Port.default(3010),
    })
    .refine(({ firstPort, lastPort }) => firstPort < lastPort, {
      path: ["lastPort"],
      error: "write a port above firstPort",
    })
    .prefault({}),
  /** Addresses that the public zone refuses before anything else is asked. Behind a gateway the pods do not see them. */
  refused: z.array(Cidr).min(1).prefault(["198.51.100.0/24"]),
  /** gRPC methods as `package.Service/Method`. */
  grpcMethods: z
    .array(z.string().regex(/^[\w.]+\/\w+$/, "write package.Service/Method"))
    .min(1)
    .default(["user.UserService/GetUser", "user.UserService/CreateUser"]),
  kafkaTopic: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,249}$/, "write a topic's full name")
    .default("user-events"),
  /** Outside APIs of the backend and the test client, over TLS. */
  externalHosts: z.array(HostPattern).min(1).default(["api.github.com", "httpbin.org", "*.googleapis.com"]),
});
export type LabZonesSpec = z.infer<typeof LabZonesSpec>;

/** Petclinic: web servers, application servers, MySQL, in one namespace. */
export const PetclinicSpec = z.strictObject({
  kind: z.literal("petclinic"),
  name: applicationName.default("petclinic"),
  entrance: Entrance,
  acrossClusters,
  web: server("petclinic", { app: "web" }, 80),
  was: server("petclinic", { app: "was" }, 8080),
  database: server("petclinic", { app: "mysql" }, 3306),
  /** What the web servers may ask for; every request where none is listed. */
  requests: z.array(HttpRequest).default([]),
});
export type PetclinicSpec = z.infer<typeof PetclinicSpec>;

/** To add a kind, add its schema here, its file beside `components/cilium/policies/` and its case in `applications.ts` there. */
export const ApplicationSpec = z.discriminatedUnion("kind", [
  BrokerageSpec,
  CardCompanySpec,
  LabZonesSpec,
  PetclinicSpec,
]);
export type ApplicationSpec = z.infer<typeof ApplicationSpec>;
