import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { Refusal } from "./stand-in.ts";

/** A call that ends with this gRPC status. Only INTERNAL, UNKNOWN and DATA_LOSS leave an operation pending in the engine's state. */
export class Failure extends Error {
  readonly code: status;
  constructor(code: status, message: string) {
    super(message);
    this.name = "Failure";
    this.code = code;
  }
}

/** Serves on a free local port and prints it: how the engine finds a plugin that it started. */
export function servePlugin(service: ServiceDefinition, methods: UntypedServiceImplementation): void {
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(service, methods);
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    process.stdout.write(`${port}\n`);
  });
}

/** Milliseconds between two looks for the engine. */
const lookEvery = 250;
/** Milliseconds that work in progress may still take once the engine is gone. */
const lastWork = 30_000;

/**
 * Aborts once the engine is gone, since a killed engine cannot say goodbye, and ends the process as soon as `isIdle`: what a
 * cloud has begun it finishes, whether or not anybody waits for the answer.
 */
export function endWithParent(isIdle: () => boolean = () => true): AbortSignal {
  const parent = process.ppid;
  const controller = new AbortController();
  let orphanedFor = 0;
  setInterval(() => {
    if (process.ppid === parent) return;
    controller.abort();
    if (orphanedFor > 0 && (isIdle() || orphanedFor > lastWork)) process.exit(1);
    orphanedFor += lookEvery;
  }, lookEvery);
  return controller.signal;
}

/** A gRPC handler from a function that answers or throws; `signal` ends when the caller gives up or one of `others` ends. */
export function answer<Request, Response>(
  work: (request: Request, signal: AbortSignal) => Response | Promise<Response>,
  ...others: readonly AbortSignal[]
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const gone = new AbortController();
    call.on("cancelled", () => gone.abort());
    const run = async (): Promise<Response> => work(call.request, AbortSignal.any([gone.signal, ...others]));
    run().then(
      (response) => callback(null, response),
      (error: unknown) => callback(describeError(error)),
    );
  };
}

function describeError(error: unknown): { code: status; details: string } {
  if (error instanceof Failure) return { code: error.code, details: error.message };
  if (error instanceof Refusal) return { code: status.FAILED_PRECONDITION, details: error.message };
  // A fault of the plugin itself: nobody knows how far it came, so the engine shall keep the operation as pending.
  return { code: status.INTERNAL, details: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
