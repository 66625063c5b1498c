import type { SiteSpec } from "../../components/config/schema.ts";
import type { Proof } from "../proof.ts";
import { loadPolicies } from "../reachability/load.ts";
import type { PlannedStack } from "../recorded.ts";
import type { KubernetesObject, Rule } from "../rule.ts";
import { engineOptions } from "../segmentation/engine-options.ts";
import { denyEverything, stoppedFlows } from "./system-flows.ts";

type Described = Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason">;

/** What is proven about the policies that a plan's programs would register, for every site that has the key `policies`. */
export const policyStatements = {
  systemFlows: {
    code: "GB-2201",
    severity: "error",
    title: "With everything else denied, policies leave every flow of Kubernetes and Cilium itself open.",
    korean: "모든 것을 기본 거부해도 Kubernetes와 Cilium 자체의 통신은 정책으로 모두 열려 있어야 합니다.",
    reason:
      "Default deny of one namespace too many stops DNS, health checks, webhooks, Hubble or the mesh, and with them the cluster. Computed as Cilium's agents do, from the recorded policies and a default deny of every endpoint and node.",
  },
  accepted: {
    code: "GB-2202",
    severity: "error",
    title: "Cilium takes every policy that a site registers.",
    korean: "사이트가 등록하는 모든 정책은 Cilium이 받아들여야 합니다.",
    reason: "A policy that an agent refuses (pkg/policy/api/rule_validation.go) is stored and enforces nothing.",
  },
} as const satisfies Record<string, Described>;

/** Every statement about policies; none where no site has any. Pure. */
export function provePolicies(stacks: readonly PlannedStack[]): Proof[] {
  const members = policed(stacks);
  if (members.length === 0) return [];
  const results = members.map(({ objects, peers, site }) => {
    const options = engineOptions(site, peers);
    const { outcomes } = loadPolicies(objects, options);
    const denied = loadPolicies([...objects, ...denyEverything(options)], options);
    return {
      ...stoppedFlows(site, peers, denied, options),
      policies: outcomes.length,
      refused: outcomes.flatMap(({ error, name }) => (error === undefined ? [] : [`${site.name}, ${name}: ${error}`])),
    };
  });
  const sites = members.map(({ site }) => site.name).join(", ");
  const total = (count: (result: (typeof results)[number]) => number) =>
    results.reduce((sum, result) => sum + count(result), 0);
  return [
    proof(
      policyStatements.systemFlows,
      { sites, decisions: total(({ asked }) => asked) },
      results.flatMap(({ stopped }) => stopped),
    ),
    proof(
      policyStatements.accepted,
      { sites, policies: total(({ policies }) => policies) },
      results.flatMap(({ refused }) => refused),
    ),
  ];
}

function proof({ code, title }: Described, facts: Proof["facts"], problems: readonly string[]): Proof {
  const [counterexample] = problems;
  return {
    id: code,
    title,
    holds: counterexample === undefined,
    facts,
    ...(counterexample === undefined ? {} : { counterexample }),
  };
}

interface Policed {
  readonly site: SiteSpec;
  readonly peers: readonly SiteSpec[];
  readonly objects: readonly KubernetesObject[];
}

function policed(stacks: readonly PlannedStack[]): Policed[] {
  const sites = stacks.flatMap(({ file }) => (file.kind === "site" ? [file.spec] : []));
  return stacks.flatMap(({ file, resources }) => {
    if (file.kind !== "site" || !file.spec.policies) return [];
    const site = file.spec;
    const peers = sites.filter(({ name }) => name !== site.name && site.mesh?.peers.includes(name));
    const objects = resources.flatMap(({ inputs, type }) => (type.startsWith("kubernetes:") ? [inputs] : []));
    return [{ site, peers, objects }];
  });
}
