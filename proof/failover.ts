import { EffectiveValues } from "../components/cilium/effective-values.ts";
import { ciliumValues } from "../components/cilium/values.ts";
import { ciliumMinor } from "../components/cilium/versions.ts";
import type { SiteSpec } from "../components/config/schema.ts";
import { planSlots } from "../components/network/plan.ts";

/**
 * How long Cilium takes to notice that a whole cluster is gone. Each cluster writes a heartbeat once a minute; a peer takes it for dead when it
 * is more than 120 s old, and looks every 30 s: 60 to 150 s. `cacheTTL` starts only then. All are constants of the code (cilium
 * `pkg/kvstore/etcd.go`, `pkg/clustermesh/common`); measured with 1.20.2: 94 to 197 s in all with a TTL of 15 to 60 s.
 */
const heartbeatSeconds = 120;
const lookSeconds = 30;

/** Seconds of Route 53 to take a changed health check to all its servers (docs.aws.amazon.com/Route53, within 60 seconds). */
export const dnsPropagationSeconds = 60;

/** What one member does about a peer that is gone, or why it does nothing. */
export type ClusterLoss = { readonly seconds: number; readonly ttlSeconds: number } | { readonly never: string };

/** How long `site` may go on sending connections to a peer that is lost. Its values can be computed. */
export function clusterLoss(site: SiteSpec, peers: readonly SiteSpec[]): ClusterLoss {
  const { version } = site.cilium;
  if (!ciliumMinor(version).cacheTtl) {
    return {
      never: `Cilium ${version} of ${site.name} keeps a lost peer's backends for ever; cacheTTL came with 1.19`,
    };
  }
  const values = new EffectiveValues(version, ciliumValues(site, peers));
  const ttlSeconds = durationSeconds(values.text("clustermesh.cacheTTL"));
  if (ttlSeconds === 0)
    return { never: `${site.name} has cacheTtlSeconds 0, which keeps a lost peer's backends for ever` };
  return { seconds: detectionSeconds(site, values) + ttlSeconds, ttlSeconds };
}

/** The mesh's cache (kvstoremesh) looks as if it were alone; agents that watch the peer themselves look more rarely the more there are. */
function detectionSeconds(site: SiteSpec, values: EffectiveValues): number {
  if (values.on("clustermesh.apiserver.kvstoremesh.enabled")) return heartbeatSeconds + lookSeconds;
  const nodes = site.platform === "existing" ? 1 : planSlots(site).length;
  return Math.ceil(heartbeatSeconds + lookSeconds * Math.max(1, Math.log(1 + nodes)));
}

/** Go's notation: `60s`, `1m30s`, `15m`; 0 for anything else. */
export function durationSeconds(text: string): number {
  const [, hours, minutes, seconds] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text) ?? [];
  return Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
}
