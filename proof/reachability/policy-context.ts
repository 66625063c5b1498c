import type { EngineOptions } from "./entry.ts";
import type { Refusals } from "./refusals.ts";
import type { ServiceIndex } from "./services.ts";

/** What reading one policy needs beside the policy. */
export interface PolicyContext {
  /** `CiliumNetworkPolicy payments/api`. */
  readonly policy: string;
  /** `undefined` for a cluster-wide policy. */
  readonly namespace?: string;
  readonly options: EngineOptions;
  /** 18, 19 or 20 of Cilium 1.x. */
  readonly minor: number;
  readonly services: ServiceIndex;
  readonly refusals: Refusals;
}

/** What the meaning of a peer depends on beside its selector. */
export interface PeerContext {
  /** `undefined` for a cluster-wide policy. */
  readonly namespace?: string;
  readonly options: Pick<EngineOptions, "cluster" | "policyDefaultLocalCluster">;
}

/** The cluster that a peer selector is limited to unless it names one itself; `undefined` for any cluster. */
export function defaultCluster({ cluster, policyDefaultLocalCluster }: PeerContext["options"]): string | undefined {
  return policyDefaultLocalCluster && cluster !== "" ? cluster : undefined;
}
