import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resourceProblems } from "../../../components/cilium/crd-schemas.ts";
import {
  policyNamespaces,
  policyObjects,
  policyStages,
  segmentationOf,
} from "../../../components/cilium/policies/bundles.ts";
import { phaseOf } from "../../../components/cilium/policies/phases.ts";
import { ciliumValues } from "../../../components/cilium/values.ts";
import { objectRules } from "../../../proof/documents/rule-lists.ts";
import { addressParty, reservedParty } from "../../../proof/reachability/party.ts";
import { busan, seoul, withCilium } from "../sites.ts";
import { anyPolicies, cilium, everything, members, podIn, policed, Reachability } from "./policed-sites.ts";

const versions = ["1.18.12", "1.19.6", "1.20.2"];
const plain = (objects: ReturnType<typeof policyObjects>) => objects.map((object) => ({ ...object }));

it("writes nothing for a site without policies", () => {
  const without = { ...seoul, policies: undefined };
  expect(policyObjects(without, [busan])).toEqual([]);
  expect(policyNamespaces(without, [busan])).toEqual([]);
});

describe("whatever a stack file holds", () => {
  it.each(versions)("Cilium %s takes every object, strictly by its CRDs and by its own parser", (version) => {
    fc.assert(
      fc.property(anyPolicies, fc.constantFrom(...members), (policies, [site, peers]) => {
        const own = policed(withCilium(site, { version }), policies);
        const objects = policyObjects(own, peers);
        expect(objects.flatMap((object) => resourceProblems(version, object))).toEqual([]);
        const { outcomes } = cilium(own, peers, plain(objects)).loaded;
        expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("breaks no rule of npm run check with an error", () => {
    fc.assert(
      fc.property(anyPolicies, fc.constantFrom(...members), (policies, [site, peers]) => {
        const own = policed(site, { ...policies, crossCluster: [], dns: { upstreams: [] } });
        const subject = {
          cilium: own.cilium.version,
          objects: plain(policyObjects(own, peers)),
          values: ciliumValues(own, peers),
          complete: false,
        };
        const found = objectRules
          .filter(({ severity }) => severity === "error")
          .flatMap(({ check, code }) => check(subject).map(({ message }) => `${code} ${message}`));
        expect(found).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("has a name of its own for every object", () => {
    fc.assert(
      fc.property(anyPolicies, (policies) => {
        const names = policyObjects(policed(seoul, policies), [busan]).map(({ metadata }) => metadata.name);
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });

  it("drops nothing in a namespace that is in audit, nor at Cilium's own endpoints", () => {
    fc.assert(
      fc.property(anyPolicies, fc.constantFrom("shop", "kube-system", "elsewhere"), (policies, namespace) => {
        const site = policed(seoul, { ...policies, hostFirewall: { phase: "audit" } });
        fc.pre(phaseOf(site.policies ?? { phase: "audit", namespaces: {} })(namespace) === "audit");
        const { loaded, options } = cilium(site, [busan], plain(policyObjects(site, [busan])));
        const subjects = [
          podIn(site, namespace),
          podIn(site, namespace, { app: "web", tier: "data" }, "agent"),
          reservedParty("health"),
          reservedParty("ingress"),
          reservedParty("host"),
        ];
        const peers = [podIn(site, "elsewhere", { app: "x" }), reservedParty("world"), addressParty("169.254.169.254")];
        const reachability = new Reachability(loaded, [...subjects, ...peers], options);
        for (const direction of ["ingress", "egress"] as const) {
          for (const subject of subjects) {
            for (const peer of peers) {
              const { reason, verdict } = reachability.side(direction, subject, peer, { protocol: "TCP", port: 80 });
              expect(verdict, `${subject.name}: ${reason}`).toBe("allowed");
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

it("leaves an enforced namespace names, its node's probes, and nothing else", () => {
  const site = policed(seoul, { namespaces: { bank: "enforce" } });
  const { loaded, options } = cilium(site, [busan], plain(policyObjects(site, [busan])));
  const pod = podIn(site, "bank");
  const dns = podIn(site, "kube-system", { "k8s-app": "kube-dns" });
  const host = reservedParty("host");
  const strangers = [podIn(site, "bank", { app: "x" }), reservedParty("world"), reservedParty("remote-node")];
  const reachability = new Reachability(loaded, [pod, dns, host, ...strangers], options);
  const open = reachability.openings("egress", pod, dns).map(({ from, protocol, to }) => [protocol, from, to]);
  expect(open).toEqual([
    ["TCP", 53, 53],
    ["UDP", 53, 53],
  ]);
  const probe = reachability.side("ingress", pod, host, { protocol: "TCP", port: 8080 });
  expect(probe).toMatchObject({ enforced: true, verdict: "allowed" });
  for (const peer of strangers) {
    expect(reachability.openings("egress", pod, peer)).toEqual([]);
    expect(reachability.openings("ingress", pod, peer)).toEqual([]);
  }
});

describe("policyStages", () => {
  it("denies only in its last stage", () => {
    fc.assert(
      fc.property(anyPolicies, fc.constantFrom(...members), (policies, [site, peers]) => {
        const { allows, baseline } = policyStages(policed(site, policies), peers);
        const denying = [...baseline, ...allows].filter(({ spec: { enableDefaultDeny, ingressDeny, egressDeny } }) => {
          const silent = JSON.stringify(enableDefaultDeny) === JSON.stringify({ ingress: false, egress: false });
          return !silent || ingressDeny !== undefined || egressDeny !== undefined;
        });
        expect(denying).toEqual([]);
      }),
    );
  });
});

describe("policyNamespaces", () => {
  it("names every namespace of this cluster that the stack file does, and none that each cluster has", () => {
    const site = policed(seoul, {
      ...everything(seoul),
      crossCluster: [
        {
          from: { cluster: "prod-seoul", namespace: "here" },
          to: { cluster: "dr-busan", namespace: "there" },
          ports: ["80/TCP"],
        },
      ],
      metadataServices: { exceptions: [{ namespace: "kube-system", serviceAccount: "csi" }] },
    });
    expect(policyNamespaces(site, [busan])).toEqual(["cert-manager", "here", "monitoring", "shop"]);
  });
});

describe("segmentationOf", () => {
  it("joins the zones of applications and of the stack file", () => {
    const site = {
      ...policed(seoul, { applications: [{ kind: "petclinic" }] }),
      segmentation: {
        zones: { internet: { entity: "world" as const } },
        promises: [{ from: "internet", to: "petclinic-db", ports: [] }],
      },
    };
    const { promises, zones } = segmentationOf(site, [busan]);
    expect(Object.keys(zones)).toEqual(expect.arrayContaining(["internet", "petclinic-web", "petclinic-db"]));
    expect(promises).toContainEqual({ from: "internet", to: "petclinic-db", ports: [] });
  });
});
