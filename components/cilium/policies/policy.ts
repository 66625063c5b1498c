import type { SegmentationSpec } from "../../config/segmentation.ts";

/** A Cilium policy as data. Bodies are judged strictly against the CRD of every supported minor, in the plan and in tests. */
export interface PolicyObject {
  readonly apiVersion: "cilium.io/v2";
  readonly kind: "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy" | "CiliumCIDRGroup";
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** What one concern or one application brings: its policies, and what a report says about them. */
export interface Bundle {
  readonly objects: readonly PolicyObject[];
  readonly segmentation: SegmentationSpec;
}
