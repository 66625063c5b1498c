import { beforeAll, describe, expect, it } from "vitest";
import type { PlannedStack } from "../../proof/recorded.ts";
import { memberPolicies } from "../../proof/segmentation/member-policies.ts";
import { groupsOf, modelsOf } from "../../proof/segmentation/model.ts";
import { judgePromises } from "../../proof/segmentation/promises.ts";
import { reportOf } from "../../proof/segmentation/report.ts";
import { mutationsOf } from "../cilium/policies/policy-mutations.ts";
import { recordedFolder } from "../support/recorded.ts";

const isPolicy = (type: string) => /^kubernetes:cilium\.io\/.*NetworkPolicy$/.test(type);
const name = ({ metadata }: Readonly<Record<string, unknown>>) => String(Reflect.get(Object(metadata), "name"));

let planned: PlannedStack[] = [];
beforeAll(async () => {
  planned = await recordedFolder("examples/card-pci", ["card-seoul", "card-busan"]);
});

/** What a reader of the plan sees; without `rules`, only what is open and what is promised. */
function seen(stacks: readonly PlannedStack[]): {
  readonly flows: string;
  readonly all: string;
  readonly broken: number;
} {
  const [group = []] = groupsOf(memberPolicies(stacks));
  const [model] = modelsOf([group]);
  if (model === undefined) throw new Error("no mesh");
  const verdicts = judgePromises(model);
  const { pairs, sentences, promises, rules } = reportOf(model, verdicts);
  return {
    flows: JSON.stringify([pairs, sentences, promises]),
    all: JSON.stringify([pairs, sentences, promises, rules]),
    broken: verdicts.filter(({ holdsEnforced }) => !holdsEnforced).length,
  };
}

/** The same change at both sites, as an edit of the bundle would make it: that they differ gives nothing away. */
function changed(
  policy: string,
  change: (inputs: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>> | undefined,
): PlannedStack[] {
  return planned.map(({ file, resources }) => ({
    file,
    resources: resources.flatMap((resource) => {
      if (!isPolicy(resource.type) || name(resource.inputs) !== policy) return [resource];
      const inputs = change(resource.inputs);
      return inputs === undefined ? [] : [{ ...resource, inputs }];
    }),
  }));
}

function policies(): Map<string, Readonly<Record<string, unknown>>> {
  const objects = planned.flatMap(({ resources }) =>
    resources.filter(({ type }) => isPolicy(type)).map(({ inputs }) => inputs),
  );
  return new Map(objects.toReversed().map((inputs) => [name(inputs), inputs]));
}

/**
 * Not changes: reserved labels have no value, two conditions become what they were, and Cilium reads a cluster-wide policy's empty peer
 * as every pod (pkg/k8s/apis/cilium.io/utils).
 */
const sameAgain = [
  "gyeongbu-dns-server: spec.ingress.0.fromEndpoints.0 = {}",
  'gyeongbu-dns: spec.endpointSelector.matchExpressions.0 = {"key":"k8s:io.kubernetes.pod.namespace","operator":"Exists"}',
  "gyeongbu-health: any value of spec.endpointSelector reserved:health",
  "gyeongbu-ingress: any value of spec.endpointSelector reserved:ingress",
  'gyeongbu-ingress: spec.egress.0.toEndpoints.0.matchExpressions.0 = {"key":"k8s:io.cilium.k8s.policy.cluster","operator":"Exists"}',
];

describe("the card company's report", () => {
  it.each([
    "card-dmz",
    "card-application",
    "card-database",
  ])("tells of every rule of %s that goes and of everything that widens, in what is open or promised", {
    timeout: 60_000,
  }, (policy) => {
    const before = seen(planned);
    expect(before.broken).toBe(0);
    const object = policies().get(policy);
    if (object === undefined) throw new Error(`no policy ${policy}`);
    const mutations = [
      { name: "without the policy", stacks: changed(policy, () => undefined) },
      ...mutationsOf(object).map(({ name: text }, index) => ({
        name: text,
        stacks: changed(policy, (inputs) => mutationsOf(inputs)[index]?.object),
      })),
    ];
    expect(mutations.length).toBeGreaterThan(10);
    const unseen = mutations.filter(({ stacks }) => seen(stacks).flows === before.flows);
    expect(unseen.map((mutation) => mutation.name)).toEqual([]);
  });

  it("tells of every change to the baseline that changes anything", { timeout: 120_000 }, () => {
    const before = seen(planned);
    const mutations = [...policies()]
      .filter(([policy]) => !policy.startsWith("card-"))
      .flatMap(([policy, object]) => [
        { name: `${policy}: without it`, stacks: changed(policy, () => undefined) },
        ...mutationsOf(object).map(({ name: text }, index) => ({
          name: `${policy}: ${text}`,
          stacks: changed(policy, (inputs) => mutationsOf(inputs)[index]?.object),
        })),
      ]);
    expect(mutations.length).toBeGreaterThan(200);
    const unseen = mutations.filter(({ stacks }) => seen(stacks).all === before.all);
    expect(unseen.map((mutation) => mutation.name).toSorted()).toEqual(sameAgain);
  });

  it("fails the plan where the database would be opened", () => {
    const open = { fromEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": "dmz" } }] };
    const stacks = changed("card-database", (inputs) => {
      const spec = Object(inputs.spec);
      return { ...inputs, spec: { ...spec, ingress: [...spec.ingress, open], egressDeny: undefined } };
    });
    expect(seen(stacks).broken).toBeGreaterThan(0);
  });
});
