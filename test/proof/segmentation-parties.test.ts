import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SegmentationPromise } from "../../components/config/segmentation.ts";
import type { Requirement } from "../../proof/reachability/entry.ts";
import { loadPolicies } from "../../proof/reachability/load.ts";
import { podParty } from "../../proof/reachability/party.ts";
import { Reachability } from "../../proof/reachability/reachability.ts";
import type { KubernetesObject } from "../../proof/rule.ts";
import { addressClasses, isInside } from "../../proof/segmentation/addresses.ts";
import { engineOptions } from "../../proof/segmentation/engine-options.ts";
import { Judge } from "../../proof/segmentation/flows.ts";
import { type Conditions, fewestLabels, fulfils, type PodLabels } from "../../proof/segmentation/pod-labels.ts";
import { difference, parsePort, rangesOf, setOf } from "../../proof/segmentation/ports.ts";
import { judgePromises } from "../../proof/segmentation/promises.ts";
import { cnp, type Fields, ports } from "../support/policies.ts";
import { alone, modelOfStacks, namespaceLabel, plannedSite, spec, type Zones } from "../support/segmentation.ts";
import { site } from "../support/stacks.ts";

const values = { app: ["db", "web"], role: ["batch"] } as const;
const namespaces = ["data", "front"];

/** Every pod that policies over these labels could tell from another: each label is absent, has a value that is named, or one that is not. */
const allPods = [...namespaces, "elsewhere"].flatMap((namespace) =>
  [undefined, ...values.app, "x"].flatMap((app) =>
    [undefined, ...values.role, "x"].map((role) => ({
      namespace,
      labels: { ...(app === undefined ? {} : { app }), ...(role === undefined ? {} : { role }) },
    })),
  ),
);

const key = fc.constantFrom<keyof typeof values>("app", "role");
const expression = key.chain((name) =>
  fc.oneof(
    fc.record({
      key: fc.constant(name),
      operator: fc.constantFrom("In", "NotIn"),
      values: fc.subarray([...values[name]], { minLength: 1 }),
    }),
    fc.record({ key: fc.constant(name), operator: fc.constantFrom("Exists", "DoesNotExist") }),
  ),
);

describe("the fewest labels", () => {
  const requirement: fc.Arbitrary<Requirement> = expression.map((one) => ({
    source: "any",
    key: one.key,
    operator: one.operator as Requirement["operator"],
    values: "values" in one ? one.values : [],
  }));
  const conditions: fc.Arbitrary<Conditions> = fc.array(requirement, { minLength: 1, maxLength: 3 });
  const labelsOf = ({ namespace, labels }: (typeof allPods)[number]): PodLabels =>
    new Map(Object.entries({ ...labels, "io.kubernetes.pod.namespace": namespace }));

  it("fulfil what they must and nothing that they must not, and are there whenever some pod does so", () => {
    fc.assert(
      fc.property(conditions, fc.array(conditions, { maxLength: 3 }), (all, none) => {
        const found = fewestLabels(all, none);
        const fits = (labels: PodLabels) => fulfils(labels, all) && !none.some((unwanted) => fulfils(labels, unwanted));
        expect(found === undefined || fits(found)).toBe(true);
        expect(found !== undefined).toBe(allPods.map(labelsOf).some(fits));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("address classes", () => {
  const block = fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 6, max: 32 }))
    .map(([first, last, length]) => {
      const number = (first * 64 * 2 ** 24 + last) >>> 0;
      const start = number - (number % 2 ** (32 - length));
      return `${[24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join(".")}/${length}`;
    });
  const address = fc
    .tuple(fc.constantFrom(0, 64, 128, 192), fc.integer({ min: 0, max: 255 }))
    .map(([one, four]) => `${one}.0.0.${four}`);

  it("have one address for everything that a set of blocks tells apart", () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 8 }), address, (blocks, any) => {
        const around = (text: string) =>
          blocks
            .filter((each) => isInside(`${text}/32`, each))
            .toSorted()
            .join();
        const classes = addressClasses(blocks);
        expect(classes.map((each) => around(each.address))).toContain(around(any));
        expect(new Set(classes.map((each) => around(each.address))).size).toBe(classes.length);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the parties that are asked about", () => {
  const zones: Zones = {
    db: { namespace: "data", labels: { app: "db" } },
    web: { namespace: "front", labels: { app: "web" } },
  };
  const promises: SegmentationPromise[] = [
    { from: "web", to: "db", ports: ["80/TCP"] },
    { from: "anyone", to: "db", ports: [] },
  ];
  const selector = (withNamespace: boolean): fc.Arbitrary<Fields> =>
    fc
      .record({
        expressions: fc.array(expression, { maxLength: 2 }),
        namespace: withNamespace ? fc.constantFrom(...namespaces, undefined) : fc.constant(undefined),
      })
      .map(({ expressions, namespace }) => ({
        matchExpressions: [
          ...expressions,
          ...(namespace === undefined ? [] : [{ key: namespaceLabel, operator: "In", values: [namespace] }]),
        ],
      }));
  const toPorts = fc.constantFrom<Fields[]>([], [ports("80")], [ports("81")]);
  const rules = (field: string) =>
    fc.record({ peer: selector(true), toPorts }).map(({ peer, toPorts: written }) => ({
      [field]: [peer],
      ...(written.length === 0 ? {} : { toPorts: written }),
    }));
  const policy = fc
    .record({
      namespace: fc.constantFrom(...namespaces),
      subject: selector(false),
      ingress: fc.option(fc.array(rules("fromEndpoints"), { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
      egress: fc.option(fc.array(rules("toEndpoints"), { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
      ingressDeny: fc.option(fc.array(rules("fromEndpoints"), { minLength: 1, maxLength: 1 }), {
        nil: undefined,
        freq: 1,
      }),
      egressDeny: fc.option(fc.array(rules("toEndpoints"), { minLength: 1, maxLength: 1 }), {
        nil: undefined,
        freq: 1,
      }),
    })
    .map(({ namespace, subject, ...directions }) => ({
      namespace,
      spec: {
        endpointSelector: subject,
        ...Object.fromEntries(Object.entries(directions).filter(([, value]) => value !== undefined)),
      },
    }))
    .filter(({ spec: body }) => Object.keys(body).length > 1);
  /** Closed but for what the others open: else hardly any promise holds. */
  const closed = { namespace: "data", spec: { endpointSelector: {}, ingress: [{}] } };

  const isIn = (zone: "db" | "web", { namespace, labels }: (typeof allPods)[number]) =>
    namespace === (zone === "db" ? "data" : "front") && labels.app === zone;

  it("break a promise exactly where some pod out of all there could be does", () => {
    const spread = { held: 0, broken: 0 };
    fc.assert(
      fc.property(fc.array(policy, { minLength: 1, maxLength: 4 }), fc.boolean(), (written, isClosed) => {
        const objects = [...(isClosed ? [closed] : []), ...written].map(
          ({ namespace, spec: body }, index): KubernetesObject => ({
            ...cnp({}, { name: `p${index}`, namespace }),
            spec: body,
          }),
        );
        const planned = plannedSite("prod-seoul", objects, spec(zones, promises), alone);
        const verdicts = judgePromises(modelOfStacks([planned]));
        // Nodes, addresses and the cluster's DNS have no labels to choose, so pods alone are compared.
        const isPods = (name: string) => /^(db|web|pods|other pods|kube-dns)/.test(name);
        const found = verdicts.map(({ paths }) => paths.some(({ from }) => isPods(from)));

        const options = engineOptions(site("prod-seoul", alone), []);
        const parties = allPods.map((pod, index) => ({
          pod,
          party: podParty({ name: `p${index}`, cluster: options.cluster, ...pod }),
        }));
        const loaded = loadPolicies(objects, options);
        const reachability = new Reachability(
          loaded,
          parties.map(({ party }) => party),
          options,
        );
        const judge = new Judge(new Map([[options.cluster, reachability]]));
        const actor = ({ party }: (typeof parties)[number]) =>
          ({
            name: party.name,
            kind: "pods",
            zones: [],
            wider: [],
            local: false,
            cluster: options.cluster,
            peer: party,
            subject: party,
          }) as const;
        const expected = promises.map(({ from, ports: promised }) =>
          parties.some((sender) =>
            parties.some((receiver) => {
              if (!isIn("db", receiver.pod) || (from === "web") !== isIn("web", sender.pod)) return false;
              const beyond = difference(
                setOf(judge.passage(actor(sender), actor(receiver)).open),
                setOf(promised.map(parsePort)),
              );
              return rangesOf(beyond).length > 0;
            }),
          ),
        );
        expect(found).toEqual(expected);
        for (const broken of found) spread[broken ? "broken" : "held"] += 1;
      }),
      { numRuns: 150 },
    );
    // Both answers occur, or nothing was compared.
    expect(Math.min(spread.held, spread.broken)).toBeGreaterThan(20);
  });
});
