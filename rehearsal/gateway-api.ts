import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { expectedDefinitions } from "../components/cilium/service-mesh/gateway-api.ts";
import type { Progress } from "./engine.ts";
import { checkout, type Folder } from "./folder.ts";
import { isRecord, type StackFile } from "./stack-files.ts";

/**
 * A stack file that names a Gateway API bundle which nobody has downloaded yet, with one of the rehearsal's own in its place: the kinds that
 * its Cilium needs, taking objects of any shape. What is there already is used as it is.
 */
export function withGatewayBundle(file: StackFile, folder: Pick<Folder, "root">, say: Progress): StackFile {
  const { cilium, serviceMesh } = file.spec;
  const gatewayApi = isRecord(serviceMesh) ? serviceMesh.gatewayApi : undefined;
  const bundle = isRecord(gatewayApi) ? gatewayApi.bundle : undefined;
  if (!isRecord(serviceMesh) || !isRecord(gatewayApi) || !isRecord(bundle) || typeof bundle.path !== "string")
    return file;
  if (existsSync(path.resolve(checkout, bundle.path))) return file;
  const version = isRecord(cilium) && typeof cilium.version === "string" ? cilium.version : "1.20.2";
  const own = path.join(folder.root, `gateway-api-${file.name}.yaml`);
  writeFileSync(
    own,
    expectedDefinitions(version)
      .map((definition) => `---\n${stringify(definition)}`)
      .join(""),
  );
  say(`${file.name}: ${bundle.path} is not there; definitions of the rehearsal's own stand for it.`);
  const spec = {
    ...file.spec,
    serviceMesh: { ...serviceMesh, gatewayApi: { ...gatewayApi, bundle: { ...bundle, path: own } } },
  };
  return { ...file, spec, config: { ...file.config, [`gyeongbu:${file.kind}`]: spec } };
}
