import type { SiteSpec } from "../config/schema.ts";
import type { SiteSecrets } from "../secrets/schema.ts";
import { ciliumMinor } from "./versions.ts";

/** What the Helm release resource gets beside its values. */
export interface ReleasePlan {
  readonly name: string;
  readonly namespace: string;
  readonly chart: string;
  readonly version: string;
  readonly repositoryOpts?: { readonly repo: string };
  readonly skipAwait?: true;
  /** Seconds. */
  readonly timeout?: number;
  readonly maxHistory?: number;
  /** A release that runs already and is taken over. */
  readonly importId?: string;
}

/** Image pulls of all nodes over a slow mirror fit; Helm's 300 s do not. */
const timeoutSeconds = 900;

/**
 * How the release is installed, and when it counts as ready. BGP objects, pools and Services come after it, so "ready" must mean that
 * the operator has registered its CRDs:
 *
 * - From 1.19 on Helm waits for every Deployment and DaemonSet of the release. An agent is ready only once the CRDs are there. Nothing
 *   in the release waits for what comes later, since the one Service that gets its address from a later pool is not part of it
 *   (`meshService`), and certgen's first run is an ordinary Job.
 * - On 1.18 certgen runs as a post-install hook, and a waiting Helm would run it only after the pods that wait for its certificates.
 *   So the wait is off. Helm still ends a release only when its hooks have, and Hubble's certgen pod is not on the host network: it runs
 *   when an agent does, hence after the CRDs.
 *
 * @throws RangeError when a running release is to be taken over from an OCI registry, which the engine cannot compare.
 */
export function planRelease(site: SiteSpec): ReleasePlan {
  const { chart, version } = site.cilium;
  if (site.platform === "existing" && site.adopt) return planAdoption(site, site.adopt.release);
  return {
    name: "cilium",
    namespace: "kube-system",
    chart: chart.kind === "repository" ? "cilium" : chart.kind === "oci" ? chart.url : chart.path,
    version,
    ...(chart.kind === "repository" ? { repositoryOpts: { repo: chart.url } } : {}),
    ...(ciliumMinor(version).certgenHook ? { skipAwait: true } : {}),
    timeout: timeoutSeconds,
    maxHistory: 10,
  };
}

/**
 * An import succeeds only when not one input differs from what the provider reads: name, namespace, version, values, Helm's default
 * timeout, and the chart as it finds it again (`importRelease` in pulumi-kubernetes `helm_release.go`): the file `cilium-<version>.tgz` in the
 * project folder, else `cilium/cilium` of `helm repo add cilium`. Repository options are never read back, so none are given.
 */
function planAdoption({ cilium, name: site }: SiteSpec, importId: string): ReleasePlan {
  const [namespace = "", name = ""] = importId.split("/");
  const { chart, version } = cilium;
  if (chart.kind === "oci") {
    throw new RangeError(
      `${site}: a release cannot be adopted from ${chart.url}. Put cilium-${version}.tgz into the project folder and write cilium.chart: { kind: file, path: cilium-${version}.tgz }.`,
    );
  }
  return { name, namespace, chart: chart.kind === "file" ? chart.path : "cilium/cilium", version, importId };
}

/** The part of the values that is secret: the CA that certgen signs with, in the base64 that the chart decodes. */
export function secretValues({ ciliumCa }: Pick<SiteSecrets, "ciliumCa">): { certificate: string; key: string } {
  const base64 = (pem: string) => Buffer.from(pem, "utf8").toString("base64");
  return { certificate: base64(ciliumCa.certificate), key: base64(ciliumCa.key) };
}
