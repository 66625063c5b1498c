import { afterAll, describe, expect, it } from "vitest";
import {
  bundleUrl,
  type Definition,
  expectedDefinitions,
  fitsBundle,
  gatewayNeeds,
  parseBundle,
} from "../../../components/cilium/service-mesh/gateway-api.ts";
import { ciliumMinors } from "../../../components/cilium/versions.ts";
import { readGatewayBundle } from "../../../components/config/gateway-api-bundle.ts";
import { load } from "../../../components/config/load.ts";
import { deploy } from "../../support/deploy.ts";
import { alone, bundleFile, bundleText, everything, pairs, removeFolders } from "../../support/service-mesh.ts";
import { stackFile } from "../../support/stacks.ts";

afterAll(removeFolders);

const kinds = (definitions: readonly Definition[]) =>
  definitions.map(({ spec }) => Reflect.get(spec.names as object, "kind"));
/** The definitions of 1.20's bundle, each changed. */
const changed = (edit: (definition: Definition, index: number) => unknown) =>
  bundleText(expectedDefinitions("1.20.2").map((definition, index) => edit(definition, index) as Definition));
const withVersion = (definition: Definition, version: string) => ({
  ...definition,
  metadata: { ...definition.metadata, annotations: { "gateway.networking.k8s.io/bundle-version": version } },
});
const served = ({ spec, ...rest }: Definition, versions: readonly { name: string; served: boolean }[]) => ({
  ...rest,
  spec: { ...spec, versions },
});

describe("what each Cilium needs of a bundle", () => {
  it("is written down for every minor, and its own bundle is one that fits", () => {
    for (const { gatewayApi, newest } of ciliumMinors) {
      expect(fitsBundle(newest, gatewayApi)).toBe(true);
      expect(bundleUrl(newest)).toContain(`/v${gatewayApi}/standard-install.yaml`);
    }
  });

  it.each([
    ["1.18.4", "v1.2.0", true],
    ["1.18.12", "1.3.0", true],
    ["1.18.12", "1.4.1", false],
    ["1.19.6", "1.4.0", true],
    ["1.19.6", "1.3.0", false],
    ["1.20.2", "1.6.0", true],
    ["1.20.2", "1.60.0", false],
    ["1.20.2", "1.0.0", false],
  ])("Cilium %s with bundle %s: %s", (cilium, bundle, fits) => {
    expect(fitsBundle(cilium, bundle)).toBe(fits);
  });

  it("includes TLSRoute and BackendTLSPolicy from 1.20 on, and GRPCRoute always", () => {
    const required = (version: string) => gatewayNeeds(version).required.map(({ kind }) => kind);
    expect(required("1.18.12")).toEqual(["GatewayClass", "Gateway", "HTTPRoute", "GRPCRoute", "ReferenceGrant"]);
    expect(required("1.19.6")).toEqual(required("1.18.12"));
    expect(required("1.20.2")).toEqual(expect.arrayContaining(["TLSRoute", "BackendTLSPolicy", "GRPCRoute"]));
  });
});

describe("a bundle's text", () => {
  it.each(pairs)("is read for Cilium %s, required kinds first", (cilium) => {
    const read = parseBundle(bundleText(expectedDefinitions(cilium).toReversed()), cilium);
    expect(read.problems).toEqual([]);
    expect(kinds(read.definitions)).toEqual(gatewayNeeds(cilium).required.map(({ kind }) => kind));
  });

  it("gives optional kinds where it has them, and nothing else", () => {
    const other = (kind: string, group = "gateway.networking.k8s.io") =>
      changed((definition) => ({
        ...definition,
        metadata: { ...definition.metadata, name: `${kind.toLowerCase()}s.${group}` },
        spec: { ...definition.spec, group, names: { kind }, versions: [{ name: "v1", served: true }] },
      }))
        .split("---\n")
        .slice(0, 2)
        .join("---\n");
    const policy =
      "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: x}\nspec: {}\n";
    const text = [
      changed((definition) => definition),
      other("TCPRoute"),
      other("XMesh", "gateway.networking.x-k8s.io"),
      policy,
    ];
    const read = parseBundle(`# Copyright\n${text.join("")}`, "1.20.2");
    expect(read.problems).toEqual([]);
    expect(kinds(read.definitions)).toEqual([...kinds(expectedDefinitions("1.20.2")), "TCPRoute"]);
  });

  it.each([
    ["one kind less", bundleText(expectedDefinitions("1.20.2").slice(1)), "It does not define GatewayClass, without"],
    ["nothing", "", "It does not define GatewayClass, Gateway,"],
    ["no definitions", "kind: List\nitems: []\n", "It does not define GatewayClass, Gateway,"],
    [
      "another bundle",
      changed((each) => withVersion(each, "v1.0.0")),
      "It is of bundle v1.0.0, and Cilium 1.20.2 works with 1.6.x",
    ],
    [
      "two bundles",
      changed((each, index) => withVersion(each, index === 0 ? "v1.6.0" : "v1.6.1")),
      "It mixes bundles: v1.6.0, v1.6.1.",
    ],
    ["no version", changed((each) => ({ ...each, metadata: { name: each.metadata.name } })), "without a version"],
    [
      "a version that is not served",
      changed((each) =>
        served(each, [
          { name: "v1", served: false },
          { name: "v1beta1", served: true },
        ]),
      ),
      "Its GatewayClass is not served as v1, which Cilium 1.20.2 reads.",
    ],
    ["a page of a proxy", "<html>\n  <body>Sign in: please\n </body></html>", "It "],
    ["broken YAML", "---\nkind: [\n", "It is no YAML"],
  ])("is refused with %s", (_, text, words) => {
    expect(parseBundle(text, "1.20.2").problems.join("\n")).toContain(words);
  });

  it("of 1.18 does not serve 1.20, nor the other way round", () => {
    expect(parseBundle(bundleText(expectedDefinitions("1.18.12")), "1.20.2").problems).toHaveLength(3);
    expect(parseBundle(bundleText(expectedDefinitions("1.20.2")), "1.18.12").problems).toHaveLength(2);
  });
});

describe("the file that a stack file names", () => {
  const own = (bundle: unknown) =>
    stackFile("idc-seoul", alone({ gatewayApi: { ...everything.gatewayApi, bundle } }), "examples/securities-idc");

  it("is what the program registers", () => {
    const path = bundleFile("1.20.2");
    expect(readGatewayBundle(own({ kind: "file", path }))).toEqual({
      definitions: expectedDefinitions("1.20.2"),
      findings: [],
    });
  });

  it("is a warning while it is not there, and a plan goes on with what it must hold", () => {
    const { definitions, findings } = readGatewayBundle(own({ kind: "file", path: "nowhere/bundle.yaml" }));
    expect(definitions).toEqual(expectedDefinitions("1.20.2"));
    expect(findings).toEqual([
      {
        code: "GB-2171",
        severity: "warning",
        file: "Pulumi.idc-seoul.yaml",
        path: "gyeongbu:site.serviceMesh.gatewayApi.bundle.path",
        line: expect.any(Number),
        message: expect.stringContaining("There is no file nowhere/bundle.yaml"),
        fix: expect.stringContaining("/v1.6.1/standard-install.yaml"),
      },
    ]);
  });

  it("stops the program while it is not there, before anything is registered", async () => {
    const config = own({ kind: "file", path: "nowhere/bundle.yaml" }).config["gyeongbu:site"];
    const started = deploy(() => load(), { stack: "idc-seoul", config: { "gyeongbu:site": JSON.stringify(config) } });
    await expect(started).rejects.toThrow(/error GB-2171 .*\n.*There is no file nowhere\/bundle.yaml/);
  });

  it("is an error each for what it lacks", () => {
    const path = bundleFile("1.20.2", bundleText(expectedDefinitions("1.18.12")));
    const { findings } = readGatewayBundle(own({ kind: "file", path }));
    expect(findings.map(({ code, severity }) => `${code} ${severity}`)).toEqual(Array(3).fill("GB-2172 error"));
    expect(findings.map(({ message }) => message).join("\n")).toContain("TLSRoute, BackendTLSPolicy");
  });

  it("is not asked for where the definitions are there, or nobody wants any", () => {
    const none = { definitions: [], findings: [] };
    expect(readGatewayBundle(own({ kind: "installed", version: "1.6.1" }))).toEqual(none);
    expect(readGatewayBundle(stackFile("prod-seoul"))).toEqual(none);
    expect(readGatewayBundle(stackFile("entry"))).toEqual(none);
  });
});
