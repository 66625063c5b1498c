import { describe, expect, test } from "vitest";
import { hasBit } from "../../proof/reachability/bits.ts";
import { matchesName } from "../../proof/reachability/domain-names.ts";
import type { Label, Requirement } from "../../proof/reachability/entry.ts";
import { Identities, selects } from "../../proof/reachability/identities.ts";
import { addressParty, namedPortLabels, type Party, podParty, reservedParty } from "../../proof/reachability/party.ts";
import { labels, options } from "./worlds.ts";

function written({ labels: own }: Party): string[] {
  return own.map(({ source, key, value }) => `${source}:${key}${value === "" ? "" : `=${value}`}`).toSorted();
}

describe("labels of a party", () => {
  test("a pod has its own, its namespace's, its account's and its cluster's", () => {
    const pod = podParty({
      name: "api-0",
      namespace: "pay",
      labels: { app: "api", "io.cilium.k8s.policy.cluster": "forged" },
      namespaceLabels: { zone: "pci" },
      cluster: "seoul",
      namedPorts: { HTTP: { port: 80, protocol: "TCP" } },
    });
    expect(pod.name).toBe("pay/api-0");
    expect(written(pod)).toEqual([
      "k8s:app=api",
      "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=pay",
      "k8s:io.cilium.k8s.namespace.labels.zone=pci",
      "k8s:io.cilium.k8s.policy.cluster=seoul",
      "k8s:io.cilium.k8s.policy.serviceaccount=default",
      "k8s:io.kubernetes.pod.namespace=pay",
    ]);
    expect(pod.namedPorts).toEqual({ http: { port: 80, protocol: "TCP" } });
  });

  test("from 1.20 on a pod's named ports make labels of at most 63 characters", () => {
    const ports = ["metrics", "http", "http-alt", "admin", "web"].map(
      (name, index) => [name, { port: 9090 + index, protocol: "TCP" }] as const,
    );
    const pod = podParty({ name: "a", namespace: "b", cluster: "c", namedPorts: Object.fromEntries(ports) });
    expect(namedPortLabels(pod).map(({ source, key, value }) => `${source}:${key}=${value}`)).toEqual([
      "gen:io.cilium.k8s.named-ports=admin.TCP.9093_http.TCP.9091_http-alt.TCP.9092_metrics.TCP.9090",
      "gen:io.cilium.k8s.named-ports-1=web.TCP.9094",
    ]);
  });

  test("the API server outside of the cluster's pods is a remote node", () => {
    expect(written(reservedParty("kube-apiserver"))).toEqual(["reserved:kube-apiserver", "reserved:remote-node"]);
  });

  test("an address has its block and the world of its family", () => {
    expect(written(addressParty("203.0.113.9", ["a.example"]))).toEqual([
      "cidr:203.0.113.9/32",
      "fqdn:a.example",
      "reserved:world-ipv4",
    ]);
    expect(written(addressParty("2001:db8::/32"))).toEqual(["cidr:2001:db8::/32", "reserved:world-ipv6"]);
  });
});

describe("selectors", () => {
  const own: Label[] = [
    { source: "k8s", key: "app", value: "api" },
    { source: "reserved", key: "host", value: "" },
  ];

  test.each<[Requirement, boolean]>([
    [{ source: "any", key: "app", operator: "In", values: ["web", "api"] }, true],
    [{ source: "k8s", key: "app", operator: "In", values: ["web"] }, false],
    [{ source: "reserved", key: "app", operator: "In", values: ["api"] }, false],
    [{ source: "any", key: "app", operator: "NotIn", values: ["api"] }, false],
    [{ source: "reserved", key: "app", operator: "NotIn", values: ["api"] }, true],
    [{ source: "any", key: "host", operator: "Exists", values: [] }, true],
    [{ source: "k8s", key: "host", operator: "Exists", values: [] }, false],
    [{ source: "k8s", key: "host", operator: "DoesNotExist", values: [] }, true],
  ])("%j", (requirement, expected) => {
    expect(selects([requirement], own)).toBe(expected);
  });

  test("all requirements must hold", () => {
    expect(selects(labels("app=api", "reserved:host").requirements, own)).toBe(true);
    expect(selects(labels("app=api", "tier=db").requirements, own)).toBe(false);
  });

  test.each<[string, Parameters<Identities["selected"]>[0], readonly string[]]>([
    ["a group by name", { kind: "cidr-group", name: "banks", except: [] }, ["192.0.2.1", "198.51.100.7"]],
    ["a group less an exception", { kind: "cidr-group", name: "banks", except: ["192.0.2.0/24"] }, ["198.51.100.7"]],
    ["a group that is not there", { kind: "cidr-group", name: "shops", except: [] }, []],
    [
      "groups by label",
      {
        kind: "cidr-groups",
        requirements: [{ source: "cidrgroup", key: "kind", operator: "In", values: ["core"] }],
        except: [],
      },
      ["203.0.113.9"],
    ],
    [
      "groups without a label: every address that no such group lists",
      {
        kind: "cidr-groups",
        requirements: [{ source: "cidrgroup", key: "kind", operator: "DoesNotExist", values: [] }],
        except: [],
      },
      ["192.0.2.1", "198.51.100.7", "8.8.8.8"],
    ],
    [
      "groups by a key that every address has",
      {
        kind: "cidr-groups",
        requirements: [{ source: "reserved", key: "world-ipv4", operator: "Exists", values: [] }],
        except: ["8.0.0.0/8"],
      },
      ["192.0.2.1", "198.51.100.7", "203.0.113.9"],
    ],
    [
      "labels of a block",
      { kind: "labels", requirements: [{ source: "cidr", key: "192.0.2.0/24", operator: "In", values: [""] }] },
      ["192.0.2.1"],
    ],
    [
      "labels of a group",
      { kind: "labels", requirements: [{ source: "any", key: "kind", operator: "In", values: ["core"] }] },
      ["203.0.113.9"],
    ],
    ["one address", { kind: "cidr", block: "8.8.8.8", except: [] }, ["8.8.8.8"]],
  ])("%s", (_, selector, expected) => {
    const addresses = ["192.0.2.1", "198.51.100.7", "203.0.113.9", "8.8.8.8"].map((address) => addressParty(address));
    const identities = new Identities(
      [...addresses, reservedParty("remote-node")],
      {
        entries: [],
        groups: [
          { name: "banks", labels: [], blocks: ["192.0.2.0/24", "198.51.100.0/24"] },
          { name: "core", labels: [{ source: "cidrgroup", key: "kind", value: "core" }], blocks: ["203.0.113.0/24"] },
        ],
      },
      options,
    );
    const selected = identities.selected(selector);
    expect(addresses.filter((party) => hasBit(selected, identities.of(party))).map(({ name }) => name)).toEqual(
      expected,
    );
    expect(hasBit(selected, identities.of(reservedParty("remote-node")))).toBe(false);
  });

  test("of two groups the narrower block gives a label, and from 1.19 on both do for cidrGroupSelector", () => {
    const address = addressParty("203.0.113.9");
    const group = (name: string, block: string) => ({
      name,
      labels: [{ source: "cidrgroup", key: "kind", value: name }],
      blocks: [block],
    });
    const groups = [group("wide", "203.0.113.0/24"), group("narrow", "203.0.113.8/29")];
    const isSelected = (kind: "labels" | "cidr-groups", value: string, version: string) => {
      const identities = new Identities([address], { entries: [], groups }, { ...options, version });
      const requirements = [{ source: "cidrgroup", key: "kind", operator: "In", values: [value] } as const];
      return hasBit(
        identities.selected(kind === "labels" ? { kind, requirements } : { kind, requirements, except: [] }),
        0,
      );
    };
    expect(["narrow", "wide"].map((value) => isSelected("labels", value, "1.20.2"))).toEqual([true, false]);
    expect(["narrow", "wide"].map((value) => isSelected("cidr-groups", value, "1.20.2"))).toEqual([true, true]);
    expect(["narrow", "wide"].map((value) => isSelected("cidr-groups", value, "1.19.7"))).toEqual([true, true]);
    expect(["narrow", "wide"].map((value) => isSelected("cidr-groups", value, "1.18.11"))).toEqual([true, false]);
  });

  test.each([
    ["1.18.11", true],
    ["1.19.7", false],
    ["1.20.2", false],
  ])("%s leaves addresses of a block from which all addresses are taken: %s", (version, expected) => {
    const address = addressParty("192.0.2.1");
    const identities = new Identities([address], { entries: [], groups: [] }, { ...options, version });
    expect(
      hasBit(
        identities.selected({ kind: "cidr", block: "192.0.2.0/24", except: ["0.0.0.0/0"] }),
        identities.of(address),
      ),
    ).toBe(expected);
  });

  test("parties with the same labels are one identity", () => {
    const [one, two] = ["a", "b"].map((name) => podParty({ name, namespace: "pay", cluster: "seoul" }));
    if (one === undefined || two === undefined) throw new RangeError("two names are two pods");
    expect(new Identities([one, two], { entries: [], groups: [] }, options).size).toBe(1);
  });
});

describe("names of addresses", () => {
  test.each([
    ["api.example", "api.example", true],
    ["API.example.", "api.example", true],
    ["*.example", "api.example", true],
    ["*.example", "v1.api.example", false],
    ["*.example", "example", false],
    ["**.example", "v1.api.example", true],
    ["**.example", "example", false],
    ["a*.example", "api.example", true],
    ["*", "v1.api.example", true],
    ["**", "api.example", true],
    ["apiXexample", "api.example", false],
  ])("%s and %s: %s", (pattern, name, expected) => {
    expect(matchesName(pattern, name, 20)).toBe(expected);
  });

  test("1.18 knows no **", () => {
    expect(matchesName("**.example", "v1.api.example", 18)).toBe(false);
    expect(matchesName("**", "api.example", 18)).toBe(false);
  });
});
