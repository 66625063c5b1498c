import * as grpc from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import resourceServices from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import resourceMessages from "@pulumi/pulumi/proto/resource_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import type structMessages from "google-protobuf/google/protobuf/struct_pb.js";

/** The engine's two services, answering at once: what is left of a program's time is the program's own. */
export interface Monitor {
  /** `127.0.0.1:port`, for both the monitor and the engine. */
  readonly address: string;
  /** Resources registered so far. */
  readonly registered: () => readonly Registered[];
  readonly close: () => void;
}

export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: unknown;
}

/** A handler as grpc-js calls it; the request's type is the service's business. */
type Handler = (call: { request: Request }, reply: (error: null, message: unknown) => void) => void;

interface Request {
  getType?(): string;
  getName?(): string;
  getObject?(): InstanceType<typeof structMessages.Struct> | undefined;
  getMessage?(): string;
  getSeverity?(): number;
}

/** Starts a monitor on a free loopback port. */
export async function startMonitor(): Promise<Monitor> {
  const resources: Registered[] = [];
  const server = new grpc.Server({ "grpc.max_receive_message_length": 400 * 1024 * 1024 });
  const monitor: Record<string, Handler> = {
    supportsFeature: (_, reply) => {
      const response = new resourceMessages.SupportsFeatureResponse();
      response.setHassupport(true);
      reply(null, response);
    },
    registerResource: ({ request }, reply) => {
      const response = new resourceMessages.RegisterResourceResponse();
      const [type, name] = [request.getType?.() ?? "", request.getName?.() ?? ""];
      resources.push({ type, name, inputs: request.getObject?.()?.toJavaScript() });
      response.setUrn(`urn:pulumi:bench::gyeongbu::${type}::${name}`);
      response.setId(`${name}-id`);
      response.setObject(request.getObject?.());
      reply(null, response);
    },
  };
  const engine: Record<string, Handler> = {
    log: ({ request }, reply) => {
      if (request.getSeverity?.() === engineMessages.LogSeverity.ERROR) console.error(request.getMessage?.());
      reply(null, new emptyMessages.Empty());
    },
  };
  const serve = (definition: grpc.ServiceDefinition, own: Record<string, Handler>) => {
    // Nothing on the wire is an empty message of whatever type the method answers with.
    const nothing =
      ({ responseDeserialize }: grpc.MethodDefinition<unknown, unknown>): Handler =>
      (_, reply) =>
        reply(null, responseDeserialize(Buffer.alloc(0)));
    const handlers = Object.entries(definition).map(([name, method]) => [name, own[name] ?? nothing(method)]);
    server.addService(definition, Object.fromEntries(handlers));
  };
  serve(resourceServices.ResourceMonitorService, monitor);
  serve(engineServices.EngineService, engine);

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return { address: `127.0.0.1:${port}`, registered: () => resources, close: () => server.forceShutdown() };
}
