import type { SegmentationSpec } from "../../components/config/segmentation.ts";
import type { PlannedStack } from "../../proof/recorded.ts";
import type { KubernetesObject } from "../../proof/rule.ts";
import { memberPolicies } from "../../proof/segmentation/member-policies.ts";
import { groupsOf, type Model, modelsOf } from "../../proof/segmentation/model.ts";
import type { Fields } from "./policies.ts";
import { type Config, stackFile } from "./stacks.ts";

export const namespaceLabel = "k8s:io.kubernetes.pod.namespace";
export const clusterLabel = "k8s:io.cilium.k8s.policy.cluster";

/** Pods with an `app` label in a namespace. */
export const pods = (app: string, namespace: string, more: Fields = {}) => ({
  matchLabels: { app, [namespaceLabel]: namespace, ...more },
});

/** A site as if its program had registered these policies and no others: no program runs. */
export function plannedSite(
  stack: string,
  objects: readonly KubernetesObject[],
  segmentation: unknown,
  edit: (config: Config) => void = () => {},
): PlannedStack {
  const file = stackFile(stack, (config) => {
    const site = config["gyeongbu:site"] ?? {};
    site.segmentation = segmentation;
    site.policies = undefined;
    edit(config);
  });
  return {
    file,
    resources: objects.map((inputs, index) => ({
      id: `policy-${index}`,
      type: `kubernetes:${String(inputs.apiVersion)}:${String(inputs.kind)}`,
      name: `policy-${index}`,
      inputs,
      parent: "",
      protect: false,
    })),
  };
}

/** The one mesh or site of these stacks. */
export function modelOfStacks(stacks: readonly PlannedStack[]): Model {
  const [group, ...others] = groupsOf(memberPolicies(stacks));
  const [model] = group === undefined ? [] : modelsOf([group]);
  if (model === undefined || others.length > 0) throw new Error("not one mesh or site");
  return model;
}

/** A site on its own, without a mesh. */
export const alone = (config: Config) => {
  const site = config["gyeongbu:site"];
  if (site !== undefined) site.mesh = undefined;
};

export type Zones = Record<string, Fields>;
export const spec = (zones: Zones, promises: SegmentationSpec["promises"]) => ({ zones, promises });
