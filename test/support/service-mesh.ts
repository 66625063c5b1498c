import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Definition, expectedDefinitions } from "../../components/cilium/service-mesh/gateway-api.ts";
import type { OnPremSiteSpec } from "../../components/config/schema.ts";
import { type Config, onPremSite, within } from "./stacks.ts";

/** A Cilium of each minor, with a Kubernetes that it was tested with. */
export const pairs = [
  ["1.18.12", "1.33.4"],
  ["1.19.6", "1.35.2"],
  ["1.20.2", "1.36.4"],
] as const;

/** One of everything: a Gateway with a canary and an A/B route, a shared and a dedicated Ingress, a rate limit, a bandwidth limit. */
export const everything = {
  gatewayApi: {
    bundle: { kind: "file", path: "nowhere/gateway-api.yaml" },
    gateways: [
      {
        name: "lab",
        namespace: "dmz",
        address: "10.30.250.20",
        listeners: [
          { name: "http", port: 80, protocol: "HTTP", routes: "all-namespaces" },
          { name: "https", port: 443, protocol: "HTTPS", hostname: "*.lab.example", certificate: "lab-tls" },
        ],
      },
    ],
    routes: [
      {
        name: "orders",
        namespace: "app",
        gateway: { name: "lab", namespace: "dmz", listener: "http" },
        hostnames: ["orders.lab.example"],
        rules: [
          {
            path: { prefix: "/orders" },
            backends: [
              { service: "orders", port: 80, weight: 90 },
              { service: "orders-canary", port: 80, weight: 10 },
            ],
          },
          { path: { prefix: "/orders" }, headers: { "X-Group": "b" }, backends: [{ service: "orders-b", port: 80 }] },
        ],
      },
    ],
  },
  ingress: {
    ingresses: [
      {
        name: "portal",
        namespace: "dmz",
        rules: [{ host: "portal.lab.example", paths: [{ service: "portal", port: 80 }] }],
        tls: [{ hosts: ["portal.lab.example"], secret: "portal-tls" }],
      },
      {
        name: "admin",
        namespace: "mgmt",
        mode: "dedicated",
        address: "10.30.250.21",
        rules: [{ host: "admin.lab.example", paths: [{ path: "/ui", type: "Exact", service: "admin", port: 8080 }] }],
      },
    ],
  },
  rateLimits: [
    { name: "orders-limit", namespace: "app", service: "orders", port: 80, requests: 10, perSeconds: 60, burst: 20 },
  ],
  bandwidth: { bbr: true },
};

/** Makes the data centre in Seoul a cluster by itself, with this service mesh. */
export function alone(serviceMesh: unknown, [cilium, kubernetes]: readonly [string, string] = pairs[2]) {
  return (config: Config): void => {
    const site = within(config, "gyeongbu:site");
    for (const key of ["mesh", "meshAddress", "promises"]) Reflect.deleteProperty(site, key);
    within(config, "gyeongbu:site", "cilium").version = cilium;
    within(config, "gyeongbu:site", "kubernetes").version = kubernetes;
    site.serviceMesh = structuredClone(serviceMesh);
  };
}

export const labSite = (serviceMesh: unknown, pair?: readonly [string, string]): OnPremSiteSpec =>
  onPremSite(alone(serviceMesh, pair));

/** A bundle's text. */
export const bundleText = (definitions: readonly Definition[]): string =>
  definitions.map((definition) => `---\n${stringify(definition)}`).join("");

/** A stand-in of a bundle that fits this Cilium, in a file of its own; give the result to `removeFolders`. */
export function bundleFile(ciliumVersion: string, text = bundleText(expectedDefinitions(ciliumVersion))): string {
  const folder = mkdtempSync(join(tmpdir(), "gyeongbu-bundle-"));
  folders.push(folder);
  const file = join(folder, "standard-install.yaml");
  writeFileSync(file, text);
  return file;
}

const folders: string[] = [];
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
}
