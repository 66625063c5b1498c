import { list, record } from "../../components/config/untyped.ts";
import type { KubernetesObject } from "../rule.ts";
import { blockProblem } from "./cidr.ts";
import type { Label } from "./entry.ts";
import { splitKey } from "./labels.ts";

/** A CiliumCIDRGroup as policies see it. */
export interface CidrGroup {
  readonly name: string;
  /** Source `cidrgroup`, what `cidrGroupSelector` asks about. */
  readonly labels: readonly Label[];
  readonly blocks: readonly string[];
}

/** A group that the API server has taken; the agent leaves out a block that does not parse (`pkg/policy/k8s/cilium_cidr_group.go`). */
export function cidrGroup({ metadata, spec }: KubernetesObject): CidrGroup {
  const { name, labels } = record(metadata);
  return {
    name: String(name),
    labels: Object.entries(record(labels))
      .filter(([key]) => !key.startsWith("io.cilium.k8s"))
      .map(([key, value]) => ({ source: "cidrgroup", key: splitKey(key, "").key, value: String(value) })),
    blocks: list(record(spec).externalCIDRs)
      .map(String)
      .filter((block) => blockProblem(block) === undefined),
  };
}
