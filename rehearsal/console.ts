import { credentials } from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";

/** The engine's console, where a provider's lines appear under the resource they are about. Silent until an engine is known. */
export class Console {
  #client: InstanceType<typeof services.EngineClient> | undefined;

  /** `address` is the engine's `host:port`, as a plugin gets it as its first argument; empty or absent is no engine. */
  constructor(address: string | undefined) {
    this.attach(address);
  }

  /** Writes to this engine from now on. */
  attach(address: string | undefined): void {
    if (address === undefined || address === "") return;
    this.#client?.close();
    this.#client = new services.EngineClient(address, credentials.createInsecure());
  }

  /** One informational line. A line that the engine does not take is lost: nothing depends on it. */
  info(urn: string, line: string): void {
    const request = new engine.LogRequest().setSeverity(engine.LogSeverity.INFO).setUrn(urn).setMessage(line);
    this.#client?.log(request, () => {});
  }
}
