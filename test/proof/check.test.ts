import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { check } from "../../proof/check.ts";
import { maxFileBytes } from "../../proof/documents/reading.ts";
import { stackText, within } from "../support/stacks.ts";

/** Findings as `code line`, so that a table shows them. */
const found = (text: string, file = "a.yaml", cilium = "1.18.4") =>
  check([{ file, text }], cilium).map(({ code, line }) => `${code} ${line}`);
const codes = (text: string, file?: string, cilium?: string) => [
  ...new Set(found(text, file, cilium).map((each) => each.split(" ")[0])),
];

/** A guide with the mistakes that guides make, one per line that is counted below. */
const guide = `# Cilium on bare metal

\`\`\`yaml
cluster:
  name: prod-a
  id: 1
routingMode: native
ipv4NativeRoutingCIDR: 10.20.0.0/16
bgp:
  enabled: true
\`\`\`

Then allow traffic:

\`\`\`yaml
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: deny
  namespace: shop
spec:
  endpointSelector: {}
  ingress: []
  egress: []
\`\`\`

\`\`\`bash
helm upgrade cilium cilium/cilium --version 1.18.4 --reuse-values \\
  --set kubeProxyReplacement=true \\
  --set tunnel=disabled
hubble observe --verdict DENIED
kubectl apply -f - <<EOF
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
spec:
  endpointSelector: {matchLabels: {app: api}}
  ingress:
    - fromEndpoints:
        - matchLabels: {app: web}
      toPorts:
        - ports: [{port: "80", protocol: TCP}]
          rules:
            http:
              - method: GET
                path: /admin
                action: DENY
EOF
\`\`\`

Watch \`cilium_policy_l7_denied_total\`.
`;

describe("check", () => {
  it("finds what is wrong in a guide, each at its line", () => {
    expect(found(guide, "guide.md")).toEqual(
      expect.arrayContaining(["GB-1102 9", "GB-1204 23", "GB-1102 30", "GB-1726 31", "GB-1201 48", "GB-1708 52"]),
    );
  });

  it("reads the same guide copied without its fences and its indentation", () => {
    const flat = guide
      .split("\n")
      .filter((line) => !line.startsWith("```"))
      .map((line) => line.trimStart())
      .join("\n");
    expect(codes(flat, "guide.txt")).toEqual(
      expect.arrayContaining(["GB-1706", "GB-1204", "GB-1726", "GB-1201", "GB-1708"]),
    );
  });

  it.each<[string, string, string[]]>([
    ["broken YAML", "a: [1\nb: 2\n", ["GB-1702 2"]],
    ["a tab", "a:\n\tb: 1\n", ["GB-1702 2"]],
    ["a key twice", "a: 1\na: 2\n", ["GB-1702 2"]],
    ["a template", "a: {{ .Values.a }}\n", ["GB-1703 1"]],
    [
      "an alias bomb",
      `a: &a [${"1,".repeat(30)}]\nb: &b [${"*a,".repeat(30)}]\nc: [${"*b,".repeat(30)}]\n`,
      ["GB-1704 1"],
    ],
    ["brackets without end", "[".repeat(100_000), ["GB-1704 1"]],
    ["a large file", " ".repeat(maxFileBytes + 1), ["GB-1704 1"]],
    ["nothing", "", []],
    ["a BOM and CRLF", "\uFEFFa: 1\r\nb: 2\r\n", []],
    ["somebody else's file", "name: ci\non: push\njobs: {a: {steps: []}}\n", []],
  ])("%s", (_, text, expected) => expect(found(text)).toEqual(expected));

  it("takes the version that stands beside the values", () => {
    const application = (version: string) =>
      `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: cilium}\nspec:\n  source:\n    chart: cilium\n    targetRevision: ${version}\n    helm:\n      values: |\n        clustermesh:\n          cacheTTL: 1m\n`;
    expect(found(application("1.20.2"))).toEqual([]);
    expect(found(application("1.18.4"), "a.yaml", "1.20.2")).toEqual(["GB-1102 11"]);
    expect(found(application("1.12.0"))).toEqual(["GB-1707 10"]);
  });

  it("does not judge what is filled in later", () => {
    const values = (id: string) =>
      `kubeProxyReplacement: false\nhubble: {enabled: true}\ncluster:\n  name: a\n  id: ${id}\n`;
    expect(codes(values('"one"'))).not.toEqual([]);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Flux writes it so
    expect(found(values("${CLUSTER_ID}"))).toEqual([]);
  });

  it("judges Cilium's own chart by nothing, and a chart on top by the version it asks for", () => {
    const values = {
      file: "c/values.yaml",
      text: "cilium:\n  hubble: {enabled: true}\n  kubeProxyReplacement: false\n  clustermesh: {cacheTTL: 1m}\n",
    };
    const chart = (version: string) => ({
      file: "c/Chart.yaml",
      text: `apiVersion: v2\nname: net\ndependencies: [{name: cilium, version: ${version}}]\n`,
    });
    expect(check([chart("1.20.2"), values], "1.18.4")).toEqual([]);
    expect(check([chart("1.18.4"), values], "1.20.2").map(({ code }) => code)).toEqual(["GB-1102"]);
  });

  it("judges an excerpt only by what it says", () => {
    expect(codes("```yaml\nautoDirectNodeRoutes: true\nkubeProxyReplacement: true\n```\n", "a.md")).toEqual([]);
    expect(codes("autoDirectNodeRoutes: true\nkubeProxyReplacement: true\n", "cilium-values.yaml")).toContain(
      "GB-1121",
    );
  });

  it("takes a folder's objects together, unless it holds one twice", () => {
    const kubeadm = (file: string, kind: string, body: string) => ({
      file,
      text: `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ${kind}\n${body}`,
    });
    const cluster = kubeadm("k/cluster.yaml", "ClusterConfiguration", "clusterName: a\n");
    const join = kubeadm("k/join.yaml", "JoinConfiguration", "controlPlane: {certificateKey: a}\n");
    expect(check([cluster, join], "1.20.2").map(({ code }) => code)).toEqual(["GB-1515"]);
    expect(check([cluster, { ...join, file: "other/join.yaml" }], "1.20.2")).toEqual([]);
    expect(check([cluster, join, { ...join, file: "k/join-2.yaml" }], "1.20.2")).toEqual([]);
  });

  it("takes a values file that a script completes for a part", () => {
    const values = { file: "c/cilium-values.yaml", text: "autoDirectNodeRoutes: true\nhubble: {enabled: true}\n" };
    const script = (more: string) => ({
      file: "up.sh",
      text: `helm install cilium cilium/cilium -f c/cilium-values.yaml ${more}`,
    });
    expect(check([values, script("--set routingMode=native,ipv4NativeRoutingCIDR=10.1.0.0/16")], "1.20.2")).toEqual([]);
    expect(check([values, script("")], "1.20.2").map(({ code }) => code)).toContain("GB-1121");
  });

  it("reports in the order of the files and their lines", () => {
    const files = ["b.yaml", "a.yaml"].map((file) => ({ file, text: "a: 1\na: 2\na: 3\n" }));
    expect(check(files, "1.20.2").map(({ file, line }) => `${file}:${line}`)).toEqual([
      "b.yaml:2",
      "b.yaml:3",
      "a.yaml:2",
      "a.yaml:3",
    ]);
  });
});

/** Pieces that real files are made of, in any order and depth. */
const pieces = [
  "apiVersion: cilium.io/v2",
  "kind: CiliumNetworkPolicy",
  "kind: CiliumBGPClusterConfig",
  "kind: Gateway",
  "kind: Ingress",
  "kind: Service",
  "apiVersion: kubeadm.k8s.io/v1beta4",
  "kind: ClusterConfiguration",
  "apiVersion: cilium.io/v2alpha1",
  "kind: CiliumLoadBalancerIPPool",
  "metadata:",
  "spec:",
  "ingress:",
  "- fromEndpoints:",
  "- {}",
  "[]",
  "{}",
  "null",
  "- toPorts:",
  "rules: 5",
  "http: [a, null, {path: 1}]",
  "hubble: yes",
  "kubeProxyReplacement: true",
  "ipam: 3",
  "cluster: {id: 99999999999999999999}",
  "groups: [{rules: [{expr: 'cilium_x(('}]}]",
  "blocks: [{cidr: x}]",
  "---",
  "- - - a",
  "key: &a {b: *a}",
  "? [a]",
  "a: !!binary x",
  "```yaml",
  "```",
  "```bash",
  "helm upgrade cilium cilium/cilium --set a[9].b=,=",
  "cat <<EOF | kubectl apply -f -",
  "EOF",
  "kubectl exec -- -- cilium",
  "hubble observe --since --verdict",
  "name: \u0000\uD800 \u202E",
  "networking: [1]",
  "etcd: text",
];

/** Fields of many kinds, to be put where they do not belong. */
const fields =
  "spec metadata ingress egress rules annotations labels apiServer networking hubble bpf ipam resources toPorts http ports matchLabels".split(
    " ",
  );
const heads = [
  { apiVersion: "cilium.io/v2", kind: "CiliumNetworkPolicy" },
  { apiVersion: "cilium.io/v2", kind: "CiliumEnvoyConfig" },
  { apiVersion: "cilium.io/v2", kind: "CiliumBGPPeerConfig" },
  { apiVersion: "kubeadm.k8s.io/v1beta4", kind: "ClusterConfiguration" },
  { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" },
  { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" },
  { apiVersion: "v1", kind: "Service" },
  { hubble: {}, kubeProxyReplacement: true },
];
const anyValue = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom<unknown>(null, true, -1, 1e30, "", "10.0.0.0/99", "x"),
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...fields), tie("any"), { maxKeys: 4 }),
  ),
})).any;
const line = fc.tuple(fc.nat(4), fc.constantFrom(...pieces)).map(([depth, piece]) => `${"  ".repeat(depth)}${piece}`);

const texts: Record<string, fc.Arbitrary<string>> = {
  "of any characters": fc.string({ unit: "binary", maxLength: 400 }),
  "made of what files are made of": fc.array(line, { maxLength: 30 }).map((lines) => lines.join("\n")),
  "that is a guide with a piece taken out": fc
    .tuple(fc.nat(guide.length), fc.nat(200))
    .map(([at, length]) => guide.slice(0, at) + guide.slice(at + length)),
  "that is an object of any fields": fc
    .tuple(fc.constantFrom(...heads), fc.dictionary(fc.constantFrom(...fields), anyValue, { maxKeys: 5 }))
    .map(([head, rest]) => JSON.stringify({ ...rest, ...head })),
};
const files = fc.constantFrom("a.yaml", "cilium-values.yaml", "a.json", "a.md", "a.sh", "a.txt", "Pulumi.a.yaml");

describe("a text", () => {
  /** Whether every finding is one that a person can read, at a line that exists. */
  const told = (text: string, file: string) =>
    check([{ file, text }], "1.19.6").every(
      ({ message, fix, line: at = 1 }) =>
        at > 0 && !/cannot judge what stands here|undefined|\[object|TypeError| at .*\.ts:/.test(`${message}${fix}`),
    );

  it.each(Object.entries(texts))("%s gives findings and never falls", (_, text) => {
    expect(fc.check(fc.property(text, files, told), { numRuns: 400 }).counterexample).toBeNull();
  });
});

describe("our own stack files", () => {
  const site = { file: "Pulumi.prod-seoul.yaml", text: stackText("prod-seoul") };
  const peer = (edit?: Parameters<typeof stackText>[1]) => ({
    file: "Pulumi.dr-busan.yaml",
    text: stackText("dr-busan", edit),
  });

  it("are judged together where all that they name are given, and by their shape alone otherwise", () => {
    const sameId = peer((config) => {
      within(config, "gyeongbu:site").id = 1;
    });
    expect(check([site], "1.20.2")).toEqual([]);
    expect(check([site, peer()], "1.20.2")).toEqual([]);
    expect(check([site, sameId], "1.20.2").map(({ code }) => code)).toContain("GB-301");
  });
});
