import { isRecord } from "../../components/config/untyped.ts";
import { flagValues, hasFlag, type ToolCall } from "./tools.ts";

/** Cilium values that a command line gives to Helm. */
export interface HelmCall {
  readonly values: Record<string, unknown>;
  /** `--version`, where it is written out. */
  readonly version: string | undefined;
  /** What Helm itself would refuse, e.g. a key without a value. */
  readonly problems: readonly { readonly message: string; readonly fix: string }[];
  /** All values of the release stand on the line: no file, no earlier release, no CLI that fills in what it detects. */
  readonly complete: boolean;
}

const actions = ["install", "upgrade", "template"];

/** `helm install|upgrade|template` of the Cilium chart, or the cilium CLI's own install and upgrade; else nothing. */
export function helmCall(call: ToolCall): HelmCall | undefined {
  const { tool, args } = call;
  const action = args.find((arg) => actions.includes(arg));
  if (action === undefined || call.inPod) return undefined;
  const byHelm = tool === "helm" && args.some((arg) => /^(?!-)(?:.*\/)?cilium$/.test(arg) && isChart(arg, args));
  const byCli = tool === "cilium" && args[0] === action && action !== "template";
  if (!byHelm && !byCli) return undefined;
  const values: Record<string, unknown> = {};
  const problems: { message: string; fix: string }[] = [];
  for (const [flag, text] of [
    ["--set", false],
    ["--set-string", true],
  ] as const) {
    for (const given of flagValues(call, flag)) {
      for (const pair of splitSet(given)) apply(values, pair, text, problems);
    }
  }
  const partial = ["-f", "--values", "--reuse-values", "--reset-then-reuse-values", "--set-file", "--set-json"];
  const version = flagValues(call, "--version")[0]?.replace(/^v/, "");
  return { values, version, problems, complete: byHelm && !hasFlag(call, ...partial) };
}

/** The chart is `cilium/cilium`, an OCI address, or a folder; a bare `cilium` only where `--repo` says whose. */
function isChart(arg: string, args: readonly string[]): boolean {
  return arg.includes("/") || args.some((each) => each.startsWith("--repo"));
}

/** Splits `a=1,b={x,y},c=p\,q` at the commas that Helm splits at. */
function splitSet(given: string): string[] {
  const parts: string[] = [];
  let part = "";
  let braces = 0;
  for (let at = 0; at < given.length; at++) {
    const char = given[at] ?? "";
    if (char === "\\") {
      part += char + (given[at + 1] ?? "");
      at++;
      continue;
    }
    if (char === "{") braces++;
    if (char === "}") braces--;
    if (char === "," && braces <= 0) {
      parts.push(part);
      part = "";
    } else part += char;
  }
  return [...parts, part].filter((each) => each !== "");
}

function apply(
  values: Record<string, unknown>,
  pair: string,
  asText: boolean,
  problems: { message: string; fix: string }[],
): void {
  const equals = pair.indexOf("=");
  if (equals === -1) {
    problems.push({
      message: `Helm splits --set at commas and finds "${pair}" without a value.`,
      fix: "Write a list as key={a,b}, or escape the comma as \\,; better, put the values into a file.",
    });
    return;
  }
  const value = scalar(pair.slice(equals + 1), asText);
  assign(values, keyPath(pair.slice(0, equals)), value);
}

/** `a.b\.c[0]` is `["a", "b.c", 0]`. */
function keyPath(key: string): (string | number)[] {
  const dot = String.fromCharCode(0);
  return key
    .replaceAll("\\.", dot)
    .split(".")
    .flatMap((step) => {
      const [, name = step, indices = ""] = /^([^[]*)((?:\[\d{1,4}\])*)$/.exec(step) ?? [];
      const numbers = [...indices.matchAll(/\d+/g)].map(([digits]) => Number(digits));
      return [...(name === "" && numbers.length > 0 ? [] : [name.replaceAll(dot, ".")]), ...numbers];
    });
}

function scalar(text: string, asText: boolean): unknown {
  const list = /^\{(.*)\}$/s.exec(text);
  if (list) return splitSet(list[1] ?? "").map((item) => scalar(item, asText));
  const plain = text.replace(/\\(.)/g, "$1");
  if (asText) return plain;
  if (plain === "true" || plain === "false") return plain === "true";
  if (plain === "null") return null;
  return /^(?:0|-?[1-9]\d{0,14})$/.test(plain) ? Number(plain) : plain;
}

function assign(target: Record<string, unknown>, path: readonly (string | number)[], value: unknown): void {
  let holder: object = target;
  for (const [depth, step] of path.entries()) {
    if (step === "__proto__" || step === "constructor") return;
    if (depth === path.length - 1) {
      Reflect.set(holder, step, value);
      return;
    }
    const present: unknown = Object.hasOwn(holder, step) ? Reflect.get(holder, step) : undefined;
    const next = isRecord(present) || Array.isArray(present) ? present : typeof path[depth + 1] === "number" ? [] : {};
    Reflect.set(holder, step, next);
    holder = next;
  }
}
