import { describe, expect, it } from "vitest";
import { resourceProblems } from "../../../components/cilium/crd-schemas.ts";
import { applicationBundle, namespacesOf } from "../../../components/cilium/policies/applications.ts";
import { segmentationOf } from "../../../components/cilium/policies/bundles.ts";
import { ciliumValues } from "../../../components/cilium/values.ts";
import { ApplicationSpec } from "../../../components/config/applications.ts";
import { SegmentationSpec } from "../../../components/config/segmentation.ts";
import { record } from "../../../components/config/untyped.ts";
import { objectRules } from "../../../proof/documents/rule-lists.ts";
import { ApplicationWorld, meshWith } from "./application-world.ts";

const kinds = ["brokerage", "card-company", "lab-zones", "petclinic"] as const;
const versions = ["1.18.12", "1.19.7", "1.20.2"] as const;
const phases = ["audit", "enforce"] as const;
const settings = kinds.flatMap((kind) =>
  versions.flatMap((version) => phases.map((phase) => [kind, version, phase] as const)),
);

function own({ objects }: ApplicationWorld) {
  return objects.filter(({ metadata }) => record(record(metadata).labels)["app.kubernetes.io/part-of"] !== undefined);
}

describe.each(settings)("%s on Cilium %s in %s", (kind, version, phase) => {
  const [cluster, peer] = meshWith({ kind }, { version, phase });
  const world = new ApplicationWorld(cluster, peer);

  it("is what the CRDs take, to the letter", () => {
    expect(own(world).flatMap((object) => resourceProblems(version, object))).toEqual([]);
  });

  it("is what Cilium takes", () => {
    expect(world.refused()).toEqual([]);
  });

  it("has no finding, with the policies around it", () => {
    const namespaces = [...new Set(own(world).map(({ metadata }) => record(metadata).namespace))];
    const objects = [
      ...world.objects,
      ...namespaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
    ];
    const subject = { cilium: version, objects, values: ciliumValues(cluster, [peer]), complete: true };
    const found = objectRules.flatMap(({ check, code }) =>
      check(subject).map(({ message, path }) => `${code} ${path.join(".")} ${message}`),
    );
    // Kafka rules still work there, and the next minor ends them.
    const kafka = kind === "lab-zones" && version !== "1.20.2";
    expect(found.filter((line) => !(kafka && line.startsWith("GB-1222")))).toEqual([]);
    expect(found.length).toBe(kafka ? 1 : 0);
  });
});

describe.each(kinds)("%s", (kind) => {
  it("drops nothing in audit, and lets every request pass", () => {
    const [cluster, peer] = meshWith({ kind }, { phase: "audit" });
    const world = new ApplicationWorld(cluster, peer);
    const reachability = world.reachability(world.entries(own(world)));
    for (const subject of world.own) {
      for (const direction of ["ingress", "egress"] as const) {
        for (const other of world.peers) {
          const openings = reachability.openings(direction, subject, other);
          const ports = openings.filter(({ protocol }) => protocol === "TCP").map(({ from, to }) => to - from + 1);
          expect(ports.reduce((sum, count) => sum + count, 0)).toBe(65_536);
          expect(
            openings.filter(({ l7 }) => l7 !== undefined && !l7.some((rules) => Object.keys(rules).length === 0)),
          ).toEqual([]);
        }
      }
    }
  });

  it("brings zones and promises that a stack file could hold, about zones that it brings", () => {
    const [cluster, peer] = meshWith({ kind });
    const evidence = segmentationOf(cluster, [peer]);
    expect(SegmentationSpec.parse(evidence)).toEqual(evidence);
    const known = [...Object.keys(evidence.zones), "anyone"];
    expect(evidence.promises.flatMap(({ from, to }) => [from, to]).filter((zone) => !known.includes(zone))).toEqual([]);
  });

  it("has one policy per tier, in namespaces that it names", () => {
    const spec = ApplicationSpec.parse({ kind });
    const facts = { cluster: "one", clusters: ["one"], version: "1.20.2", phaseOf: () => "enforce" as const };
    const { objects } = applicationBundle(spec, facts);
    const names = objects.map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(objects.map(({ metadata }) => metadata.namespace))).toEqual(new Set(namespacesOf(spec)));
  });
});

it.each([
  [{ kind: "card-company", database: { labels: {} } }, "name at least one label"],
  [{ kind: "brokerage", requests: { order: [] } }, "Too small"],
  [{ kind: "brokerage", requests: { order: [{ method: "get", path: "/" }] } }, "write a method in capitals"],
  [{ kind: "brokerage", coreBanking: { cidrs: ["10.1.2.3/24"] } }, "starts inside a block"],
  [{ kind: "lab-zones", office: { firstPort: 10, lastPort: 5 } }, "write a port above firstPort"],
  [{ kind: "lab-zones", externalHosts: ["*"] }, "write a host name"],
  [{ kind: "lab-zones", grpcMethods: ["GetUser"] }, "write package.Service/Method"],
  [{ kind: "petclinic", webb: {} }, "Unrecognized key"],
])("refuses %o", (given, message) => {
  expect(JSON.stringify(ApplicationSpec.safeParse(given).error?.issues)).toContain(message);
});
