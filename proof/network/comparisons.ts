import type { PlannedStack } from "../recorded.ts";
import { peersOf, type Sites } from "./assemble.ts";
import { awsComparison } from "./aws-comparison.ts";
import { azureComparison, vpnGatewayComparison } from "./azure-comparison.ts";
import { kubernetesComparison } from "./kubernetes-comparison.ts";
import type { Comparison, StackResource } from "./model.ts";
import { transitComparison } from "./transit-comparison.ts";

/** What each stack should have and what it has. */
export function comparisonsOf(
  sites: Sites,
  stacks: readonly PlannedStack[],
  resources: readonly StackResource[],
): Comparison[] {
  return stacks.flatMap(({ file }): Comparison[] => {
    const { stack } = file;
    if (file.kind === "site") {
      const { spec } = file;
      const peers = peersOf(sites, spec);
      return [
        ...(spec.platform === "aws" ? [awsComparison(stack, spec, peers, resources)] : []),
        ...(spec.platform === "azure" ? [azureComparison(stack, spec, peers, resources)] : []),
        // Cilium's settings, BGP and Services are a cluster's own, wherever it runs.
        kubernetesComparison(stack, spec, peers, resources),
      ];
    }
    if (file.kind !== "interconnect") return [];
    const aws = sites.all.find(({ name }) => name === file.spec.aws.site);
    const azure = sites.all.find(({ name }) => name === file.spec.azure.site);
    if (aws?.platform !== "aws" || azure?.platform !== "azure") return [];
    return [
      transitComparison(stack, file.spec, aws, azure, resources),
      vpnGatewayComparison(stack, file.spec, azure, resources),
    ];
  });
}
