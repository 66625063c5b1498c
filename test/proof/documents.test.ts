import { describe, expect, it } from "vitest";
import { classify } from "../../proof/documents/classify.ts";
import { readFlattened } from "../../proof/documents/flattened.ts";
import { helmCall } from "../../proof/documents/helm-set.ts";
import { snippets } from "../../proof/documents/markdown.ts";
import { inventedFlows } from "../../proof/documents/sample-output.ts";
import { parseShell } from "../../proof/documents/shell.ts";
import { readSource } from "../../proof/documents/source.ts";
import { toolCalls } from "../../proof/documents/tools.ts";
import { parseYaml } from "../../proof/documents/yaml-text.ts";
import { chartObjectRules } from "../../proof/objects/chart-objects.ts";

const callsOf = (text: string) => parseShell(text).flatMap(toolCalls);
const words = (text: string) => callsOf(text).map(({ tool, args }) => [tool, ...args]);

describe("shell", () => {
  it.each<[string, string[][]]>([
    ["cilium status --wait", [["cilium", "status", "--wait"]]],
    ["sudo FOO=1 kubectl get po # pods", [["kubectl", "get", "po"]]],
    ["a \\\n  --b 'c d' \"e f\"", [["a", "--b", "c d", "e f"]]],
    ["a | b && c; d", [["a"], ["b"], ["c"], ["d"]]],
    ['watch "hubble observe | tail"', [["hubble", "observe"], ["tail"]]],
    ["bash -c 'cilium version'", [["cilium", "version"]]],
    [
      "x $(kubectl get po -o name) y",
      [
        ["kubectl", "get", "po", "-o", "name"],
        ["x", "$(kubectl get po -o name)", "y"],
      ],
    ],
    [
      "cilium-dbg endpoint get <endpoint-id> -o json",
      [["cilium-dbg", "endpoint", "get", "<endpoint-id>", "-o", "json"]],
    ],
    [
      "$ cilium status\nOK\n$ hubble list \\\n  nodes\nnode1",
      [
        ["cilium", "status"],
        ["hubble", "list", "nodes"],
      ],
    ],
    ["cilium image (default): v1.20.2", []],
    ["for n in a b; do\n  cilium version\ndone", [["for", "n", "in", "a", "b"], ["cilium", "version"], ["done"]]],
  ])("reads %j", (text, expected) => expect(words(text)).toEqual(expected));

  it("gives a here-document to the command that reads it, with its line", () => {
    const commands = parseShell(
      "cat <<EOF | kubectl apply -f -\nkind: A\nEOF\nkubectl apply -f - <<'X'\nkind: B\nX\n",
      10,
    );
    expect(commands.flatMap(({ words: [tool], heredoc }) => (heredoc ? [[tool, heredoc]] : []))).toEqual([
      ["kubectl", { text: "kind: A", line: 11 }],
      ["kubectl", { text: "kind: B", line: 14 }],
    ]);
  });

  it("knows what runs in a pod", () => {
    expect(
      callsOf("kubectl -n kube-system exec ds/cilium -- cilium status").map(({ tool, inPod }) => [tool, inPod]),
    ).toEqual([
      ["kubectl", false],
      ["cilium", true],
    ]);
  });
});

describe("--set", () => {
  const values = (text: string) =>
    callsOf(`helm upgrade cilium cilium/cilium ${text}`).map((call) => helmCall(call))[0];

  it.each<[string, object]>([
    ["--set a.b=true,c=3", { a: { b: true }, c: 3 }],
    ["--set 'a.b\\.c=x'", { a: { "b.c": "x" } }],
    ["--set l={a,2}", { l: ["a", 2] }],
    ["--set l[1].n=a", { l: [undefined, { n: "a" }] }],
    ["--set-string v=1", { v: "1" }],
    ["--set v=007 --set w=null", { v: "007", w: null }],
    ['--set a="x\\,y"', { a: "x,y" }],
    ["--set __proto__.x=1", {}],
  ])("%s", (text, expected) => expect(values(text)?.values).toEqual(expected));

  it("notes a part without a value, the version, and whether there is more", () => {
    expect(values("--set a=+x,+y --version v1.18.4")).toMatchObject({ version: "1.18.4", complete: true });
    expect(values("--set a=+x,+y")?.problems).toHaveLength(1);
    expect(values("-f values.yaml --set a=1")?.complete).toBe(false);
    expect(callsOf("cilium install --set a=1").map((call) => helmCall(call)?.complete)).toEqual([false]);
    expect(callsOf("helm upgrade argo argo/argo-cd --set a=1").map((call) => helmCall(call))).toEqual([undefined]);
  });
});

describe("Markdown", () => {
  it("gives fenced YAML and shell with their lines", () => {
    const text =
      "# T\n\n```yaml\na: 1\n```\n\n1. do\n   ```bash\n   cilium status\n   ```\n\n~~~\nkubectl get po\n~~~\n\n```go\nx: 1\n```\n";
    expect(snippets(text)).toEqual([
      { language: "yaml", text: "a: 1", line: 4, guessed: false },
      { language: "shell", text: "cilium status", line: 9, guessed: false },
      { language: "shell", text: "kubectl get po", line: 13, guessed: true },
    ]);
  });

  it("takes prose for prose", () => {
    expect(snippets("```\nInternet\n   |\n```\n")).toEqual([]);
    expect(snippets("cilium is a network plugin, and it is fast.\nhelm and kubectl are tools.")).toEqual([]);
    expect(snippets("```yaml\nnever closed")).toEqual([]);
  });

  it("finds commands and manifests in a text that lost its fences", () => {
    const text =
      "Apply this:\napiVersion: v1\nkind: Service\n다음 단계\n# look\nhubble observe --verdict DROPPED\nend of it";
    expect(snippets(text).map(({ language, line }) => [language, line])).toEqual([
      ["yaml", 2],
      ["shell", 5],
    ]);
  });
});

describe("YAML", () => {
  it.each<[string, string, number | undefined]>([
    ["a:\n\tb: 1\n", "syntax", 2],
    ["a: 1\nb: 2\na: 3\n", "duplicate", 3],
    ["a: [1, 2\nb: 3\n", "syntax", 2],
    ["a: {{ .Values.b }}\n", "template", 1],
    ["{{- if .Values.x }}\na: 1\n{{- end }}\n", "template", 1],
    ["[".repeat(3000), "limit", 1],
    ["- ".repeat(3000), "limit", 1],
    [`a: &a [${"1,".repeat(20)}]\nb: &b [${"*a,".repeat(20)}]\nc: [${"*b,".repeat(20)}]\n`, "limit", 1],
  ])("%j is a problem of kind %s", (text, kind, line) => {
    expect(parseYaml(text.slice(0, 5000)).problems[0]).toMatchObject({ kind, line });
  });

  it.each([
    "",
    "# only a comment\n",
    "---\n---\n",
    "\uFEFFa: 1\r\nb: 2\r\n",
    'a: "{{ $value }}"\n',
    "a: 1e999\n",
    "a: &x [1]\nb: *x\n",
  ])("%j is fine", (text) => expect(parseYaml(text).problems).toEqual([]));

  it("knows the line of a path, also below what is missing", () => {
    const [first, second] = parseYaml("a:\n  b:\n    - c: 1\n---\nd: 2\n", 100).documents;
    expect(first?.lineOf(["a", "b", 0, "c"])).toBe(102);
    expect(first?.lineOf(["a", "nowhere", "else"])).toBe(100);
    expect(second?.lineOf(["d"])).toBe(104);
  });
});

describe("a manifest without indentation", () => {
  const read = (lines: readonly string[]) => readFlattened(lines.join("\n"), 1)?.map(({ value }) => value);

  it("is put together by the shape of its kind", () => {
    const text = [
      "apiVersion: cilium.io/v2",
      "kind: CiliumNetworkPolicy",
      "metadata:",
      "labels:",
      "team: pay",
      "name: p",
      "spec:",
      "endpointSelector:",
      "matchLabels:",
      "app: db",
      "ingress:",
      "- fromEndpoints:",
      "- matchLabels:",
      "app: api",
      "namespaceSelector:",
      "matchLabels:",
      "name: front",
      "toPorts:",
      "- ports:",
      '- port: "80"',
      "protocol: TCP",
      "rules:",
      "http:",
      "- method: GET",
      "path: /",
      "action: DENY",
      "egress: []",
    ];
    expect(read(text)).toEqual([
      {
        apiVersion: "cilium.io/v2",
        kind: "CiliumNetworkPolicy",
        metadata: { labels: { team: "pay" }, name: "p" },
        spec: {
          endpointSelector: { matchLabels: { app: "db" } },
          ingress: [
            {
              fromEndpoints: [{ matchLabels: { app: "api" }, namespaceSelector: { matchLabels: { name: "front" } } }],
              toPorts: [
                {
                  ports: [{ port: "80", protocol: "TCP" }],
                  rules: { http: [{ method: "GET", path: "/", action: "DENY" }] },
                },
              ],
            },
          ],
          egress: [],
        },
      },
    ]);
  });

  it("is left alone where it is indented, or of a kind that nobody described", () => {
    expect(read(["apiVersion: v1", "kind: Service", "metadata:", "  name: a"])).toBeUndefined();
    expect(read(["apiVersion: x/v1", "kind: Widget", "metadata:", "name: a"])).toBeUndefined();
    expect(read(["apiVersion: v1", "kind: Service", "metadata: {name: a}", "spec: {}"])).toBeUndefined();
  });
});

describe("what a document is", () => {
  const kinds = (text: string, file = "a.yaml") =>
    readSource({ file, text }).documents.flatMap((each) =>
      classify(each, "1.20.2").map(({ kind, prefix }) => [kind, ...prefix]),
    );

  it.each<[string, string, (string | number)[][]]>([
    ["an object", "apiVersion: v1\nkind: Service\n", [["object"]]],
    ["a List", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n", [["object", "items", 0]]],
    ["a kubeadm document", "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n", [["kubeadm"]]],
    ["a kubelet document", "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n", [["kubeadm"]]],
    ["values", "kubeProxyReplacement: true\nhubble: {enabled: true}\n", [["values"]]],
    [
      "values with slips",
      "kubeProxyReplacment: true\nhubble: {enabled: true}\nipam: {mode: kubernetes}\n",
      [["values"]],
    ],
    [
      "values of a wrapping chart",
      "cilium:\n  kubeProxyReplacement: true\n  hubble: {enabled: true}\n",
      [["values", "cilium"]],
    ],
    ["alert rules", "groups:\n- name: a\n  rules: []\n", [["alerts"]]],
    [
      "a PrometheusRule",
      "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec: {groups: [{name: a, rules: []}]}\n",
      [["object"], ["alerts", "spec"]],
    ],
    ["another chart's values", "image: {tag: a}\nresources: {}\ntolerations: []\nreplicas: 2\n", []],
    ["compose", "services: {web: {image: nginx}}\nvolumes: {}\n", []],
    ["a workflow", "name: ci\non: push\njobs: {}\n", []],
    ["a scalar", "just text\n", []],
    [
      "Argo CD",
      "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    chart: cilium\n    targetRevision: 1.19.6\n    helm:\n      values: |\n        hubble: {enabled: true}\n      valuesObject: {debug: {enabled: true}}\n",
      [["object"], ["values", "spec", "source", "helm", "valuesObject"], ["values"]],
    ],
    [
      "Flux",
      "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  chart: {spec: {chart: cilium, version: 1.20.x}}\n  values: {ipam: {mode: kubernetes}}\n",
      [["object"], ["values", "spec", "values"]],
    ],
    [
      "Flux with another chart",
      "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  chart: {spec: {chart: podinfo}}\n  values: {replicas: 2}\n",
      [["object"]],
    ],
    [
      "RKE2",
      "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {name: rke2-cilium}\nspec:\n  valuesContent: |-\n    kubeProxyReplacement: true\n",
      [["object"], ["values"]],
    ],
  ])("%s", (_, text, expected) => expect(kinds(text)).toEqual(expected));

  it("a file's name tells as well", () => {
    expect(kinds("debug: {enabled: true}\nresources: {}\n", "cilium/values.yaml")).toEqual([["values"]]);
    expect(kinds("debug: {enabled: true}\nresources: {}\n", "podinfo/values.yaml")).toEqual([]);
  });
});

describe("objects beside the chart's own", () => {
  const found = (...objects: readonly Record<string, unknown>[]) =>
    chartObjectRules.flatMap((rule) =>
      rule.check({ cilium: "1.18.4", objects, complete: false }).map(({ message }) => `${rule.code} ${message}`),
    );
  const service = (name: string, labels = {}, namespace = "kube-system") => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace, labels },
  });
  const monitor = (port: string, labels: object = { "k8s-app": "cilium" }) => ({
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: { name: "cilium" },
    spec: { selector: { matchLabels: labels }, endpoints: [{ port }] },
  });

  it("refuses a Service that the chart renders, unless the chart rendered it", () => {
    expect(found(service("hubble-metrics"))).toEqual([expect.stringMatching(/^GB-1761 .*hubble-metrics/)]);
    expect(found(service("hubble-metrics", { "app.kubernetes.io/part-of": "cilium" }))).toEqual([]);
    expect(found(service("hubble-ui-lb"), service("hubble-ui", {}, "demo"))).toEqual([]);
  });

  it("refuses a ServiceMonitor that looks for a port nobody has", () => {
    expect(found(monitor("prometheus"))).toEqual([expect.stringMatching(/^GB-1762 .*"prometheus"/)]);
    expect(found(monitor("metrics"), monitor("prometheus", { "k8s-app": "cilium", team: "a" }))).toEqual([]);
  });
});

describe("sample output", () => {
  it("is told from what Hubble prints", () => {
    const real =
      "Jan 1 00:00:00: shop/web:3452 (ID:12) -> shop/db:5432 (ID:9) policy-verdict:none DENIED (TCP Flags: SYN)";
    expect(inventedFlows(`${real}\ndb:5432 <- api:5234 (ALLOWED, SQL query)`).map(({ line }) => line)).toEqual([2]);
  });
});
