import type { LabZonesSpec } from "../../config/applications.ts";
import { minorOf } from "../../kubernetes/versions.ts";
import {
  type Application,
  type ApplicationSite,
  entranceOf,
  httpRules,
  type Outside,
  type Tier,
  tcp,
  tier,
} from "./application.ts";

/** The first minor without Kafka rules: its agents open such a port to every request (Documentation/operations/upgrade.rst, 1.20). */
const withoutKafka = 20;

/**
 * Five zones, public -> DMZ -> application -> database with management beside them, and in them one conversation of each kind: by labels and
 * ports, by addresses, by HTTP requests, by gRPC methods, by Kafka topic, by host names.
 */
export function labZones(spec: LabZonesSpec, { version }: Pick<ApplicationSite, "version">): Application {
  const topics = Number(minorOf(version).split(".")[1]) < withoutKafka;
  const office: Outside = { kind: "blocks", name: "office", cidrs: spec.office.cidrs };
  // Behind a gateway the pods see the proxy's address, never the client's.
  const refuses: Pick<Tier, "refuses"> =
    spec.entrance === "load-balancer" ? { refuses: { kind: "blocks", name: "refused", cidrs: spec.refused } } : {};
  const edge = tier(
    "edge",
    spec.edge,
    "Public zone: from the internet, less the refused addresses, to the DMZ.",
    refuses,
  );
  const frontend = tier("frontend", spec.frontend, "DMZ: from the public zone, to the application zone.");
  const testClient = tier("test-client", spec.testClient, "DMZ: tries what the backend and outside APIs let through.");
  const backend = tier(
    "backend",
    spec.backend,
    "Application zone: from the DMZ, to the database and to outside APIs by name.",
  );
  const httpApi = tier(
    "http-api",
    spec.httpApi,
    "Application zone: GET alone, and the API only with its version in a header.",
  );
  const apiServer = tier(
    "api-server",
    spec.apiServer,
    "Application zone: users are read, and made as JSON by who is signed in; nothing of /admin.",
  );
  const grpcClient = tier("grpc-client", spec.grpcClient, "Application zone: calls gRPC methods.");
  const grpcService = tier(
    "grpc-service",
    spec.grpcService,
    "Application zone: listed gRPC methods, which are POST requests in HTTP/2.",
  );
  const kafkaClient = tier("kafka-client", spec.kafkaClient, "Application zone: produces and consumes one topic.");
  const kafkaBroker = tier(
    "kafka-broker",
    spec.kafkaBroker,
    topics
      ? "Application zone: one topic for its client."
      : `Application zone: its client, on the port. Cilium ${version} has no Kafka rules; topics are Kafka's own ACLs' business.`,
  );
  const database = tier("database", spec.database, "Database zone: from the backend, and no connection out.", {
    silent: true,
  });
  const management = tier("management", spec.management, "Management zone: from the office, to every zone's metrics.");
  const observed = [edge, frontend, backend, httpApi, apiServer, grpcService, kafkaBroker, database];
  const outsideApis: Outside = { kind: "hosts", hosts: spec.externalHosts };
  const webRequests = httpRules([
    { method: "GET", path: "/", headers: {} },
    { method: "GET", path: "/api/.*", headers: { "X-API-Version": "v1" } },
  ]);
  const userRequests = httpRules([
    { method: "GET", path: "/api/v1/users", headers: {} },
    { method: "POST", path: "/api/v1/users", headers: { "Content-Type": "application/json", Authorization: "" } },
  ]);
  const methods = httpRules(
    spec.grpcMethods.map((method) => ({ method: "POST", path: `/${method.replaceAll(".", "[.]")}`, headers: {} })),
  );
  const topic = { kafka: ["produce", "consume"].map((role) => ({ role, topic: spec.kafkaTopic })) };
  return {
    name: spec.name,
    acrossClusters: false,
    tiers: [
      edge,
      frontend,
      testClient,
      backend,
      httpApi,
      apiServer,
      grpcClient,
      grpcService,
      kafkaClient,
      kafkaBroker,
      database,
      management,
    ],
    conversations: [
      { from: entranceOf(spec.entrance), to: edge, port: tcp(spec.edge.port) },
      { from: edge, to: frontend, port: tcp(spec.frontend.port) },
      ...[frontend, testClient].flatMap((from) => [
        { from, to: backend, port: tcp(spec.backend.port) },
        { from, to: httpApi, port: tcp(spec.httpApi.port), rules: webRequests },
      ]),
      { from: frontend, to: apiServer, port: tcp(spec.apiServer.port), rules: userRequests },
      { from: grpcClient, to: grpcService, port: tcp(spec.grpcService.port), rules: methods },
      { from: kafkaClient, to: kafkaBroker, port: tcp(spec.kafkaBroker.port), ...(topics ? { rules: topic } : {}) },
      { from: backend, to: database, port: tcp(spec.database.port) },
      ...[backend, testClient].map((from) => ({ from, to: outsideApis, port: tcp(443) })),
      { from: office, to: management, port: tcp(spec.office.firstPort, spec.office.lastPort) },
      ...observed.map((to) => ({ from: management, to, port: tcp(spec.metricsPort) })),
    ],
  };
}
