import type { SiteSpec } from "../config/schema.ts";
import { type HelmValues, mergeValues, type Tree } from "./helm-values.ts";

/** An image of the chart: its repository below the registry, and where its values lie. */
interface Image {
  readonly repository: string;
  readonly path: readonly string[];
  /** The operator has a digest per cloud. */
  readonly digestKey?: string;
}

/**
 * Every image that a release of ours can run, by the name that `cilium.images.digests` uses. Digests and tags are the chart's own
 * unless overridden; a mirror that copies manifests keeps both.
 */
export const chartImages: Readonly<Record<string, Image>> = {
  cilium: { repository: "cilium/cilium", path: ["image"] },
  certgen: { repository: "cilium/certgen", path: ["certgen", "image"] },
  "hubble-relay": { repository: "cilium/hubble-relay", path: ["hubble", "relay", "image"] },
  "hubble-ui-backend": { repository: "cilium/hubble-ui-backend", path: ["hubble", "ui", "backend", "image"] },
  "hubble-ui": { repository: "cilium/hubble-ui", path: ["hubble", "ui", "frontend", "image"] },
  "cilium-envoy": { repository: "cilium/cilium-envoy", path: ["envoy", "image"] },
  // The template appends `-generic`.
  "operator-generic": { repository: "cilium/operator", path: ["operator", "image"], digestKey: "genericDigest" },
  "clustermesh-apiserver": {
    repository: "cilium/clustermesh-apiserver",
    path: ["clustermesh", "apiserver", "image"],
  },
  "startup-script": { repository: "cilium/startup-script", path: ["nodeinit", "image"] },
};

/**
 * Mirror and digests; `useDigest` is always on.
 *
 * @throws RangeError for a digest of an image that the chart does not have.
 */
export function imageValues({ cilium }: SiteSpec): Tree {
  const { digests, registry } = cilium.images;
  const unknown = Object.keys(digests).find((name) => !Object.hasOwn(chartImages, name));
  if (unknown !== undefined) {
    throw new RangeError(
      `cilium.images.digests.${unknown}: the chart has no such image. Write one of ${Object.keys(chartImages).join(", ")}.`,
    );
  }
  return mergeValues(
    ...Object.entries(chartImages).map(([name, { digestKey = "digest", path, repository }]) => {
      const digest = digests[name];
      const image: HelmValues = {
        useDigest: true,
        ...(registry ? { repository: `${registry}/${repository}` } : {}),
        ...(digest ? { [digestKey]: digest } : {}),
      };
      return path.reduceRight<HelmValues>((inner, key) => ({ [key]: inner }), image);
    }),
    // Preflight and node-init are off; the same mirror serves them when someone turns them on.
    registry ? { preflight: { image: { repository: `${registry}/cilium/cilium` } } } : {},
  );
}
