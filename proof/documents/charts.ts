import { ciliumMinors } from "../../components/cilium/versions.ts";
import type { Finding } from "../../components/config/finding.ts";
import type { ValuesPart } from "./classify.ts";
import { documentRule } from "./document-rules.ts";
import { finding, type Located, valueAt } from "./findings.ts";
import { folderOf, type Source } from "./source.ts";

/** What a folder says of the chart that its values are for: it is Cilium's own, or it is asked for in some version. */
export type Charts = ReadonlyMap<string, "own" | { readonly version: string }>;

/** Reads `Chart.yaml`, Kustomize's `helmCharts` and Flux' OCIRepository. */
export function chartsOf(sources: readonly Source[]): Charts {
  const charts = new Map<string, "own" | { readonly version: string }>();
  for (const { file, documents } of sources) {
    for (const { value } of documents) {
      const folder = folderOf(file);
      if (/(?:^|\/)Chart\.yaml$/.test(file) && valueAt(value, ["name"]) === "cilium") charts.set(folder, "own");
      const version = askedVersion(value);
      if (version !== undefined) charts.set(folder, { version });
    }
  }
  return charts;
}

function askedVersion(value: unknown): string | undefined {
  const listed = valueAt(value, ["dependencies"]) ?? valueAt(value, ["helmCharts"]);
  const chart: unknown = Array.isArray(listed)
    ? listed.find((each: unknown) => valueAt(each, ["name"]) === "cilium")
    : undefined;
  const url = valueAt(value, ["spec", "url"]);
  const inRegistry = typeof url === "string" && /^oci:.*\/cilium$/.test(url);
  const version =
    chart === undefined && inRegistry ? valueAt(value, ["spec", "ref", "tag"]) : valueAt(chart, ["version"]);
  return typeof version === "string" ? version : undefined;
}

/** Values are for the version that their folder, or one of the two above it, asks for; Cilium's own chart defines what there is. */
export function withChart(part: ValuesPart, charts: Charts): ValuesPart {
  if (!part.document.whole || part.version !== undefined) return part;
  const folder = folderOf(part.document.file);
  const above = [folder, folderOf(folder.slice(0, -1)), folderOf(folderOf(folder.slice(0, -1)).slice(0, -1))];
  const chart = above.map((each) => charts.get(each)).find((each) => each !== undefined);
  if (chart === undefined) return part;
  return chart === "own" ? { ...part, values: {} } : { ...part, version: chart.version };
}

/** Instead of judging values of a chart that is not indexed. */
export function unknownVersion(version: string, place: Located): Finding {
  const known = ciliumMinors.map(({ minor }) => minor).join(", ");
  return finding(
    documentRule("GB-1707"),
    {
      message: `The chart's version is ${version}; values of ${known} can be judged.`,
      fix: "Move to a release that still gets fixes.",
    },
    { ...place, path: [] },
  );
}

/** `1.18.4`, `v1.18`, `~1.19.0` as the version whose keys are meant; what names no minor means the newest. */
export function chartVersion(written: string, cilium: string): string | undefined {
  const [, minor, patch] = /(\d+\.\d+)(?:\.(\d+))?/.exec(written) ?? [];
  if (minor === undefined) return cilium;
  const known = ciliumMinors.find((each) => each.minor === minor);
  if (known === undefined) return undefined;
  return patch === undefined || !/^v?\d+\.\d+\.\d+$/.test(written.trim()) ? known.newest : `${minor}.${patch}`;
}
