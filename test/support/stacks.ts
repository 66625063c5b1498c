import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { parseStackFile, type StackFile } from "../../components/config/parse.ts";
import type { AwsSiteSpec, AzureSiteSpec, OnPremSiteSpec, SiteSpec } from "../../components/config/schema.ts";

const root = join(import.meta.dirname, "../..");

/** A shipped stack file, changed by `edit` before it is read. Throws if the result has no right shape. */
export function stackFile(stack: string, edit: (config: Config) => void = () => {}, folder = "."): StackFile {
  const parsed = parseStackFile(`Pulumi.${stack}.yaml`, stackText(stack, edit, folder));
  if ("findings" in parsed) throw new Error(JSON.stringify(parsed.findings, null, 2));
  return parsed.stack;
}

/** The text of a shipped stack file after `edit`. */
export function stackText(stack: string, edit: (config: Config) => void = () => {}, folder = "."): string {
  const document = parse(readFileSync(join(root, folder, `Pulumi.${stack}.yaml`), "utf8")) as { config: Config };
  edit(document.config);
  return stringify(document);
}

/** Everything below `config` of a stack file, before it has a type. */
export type Config = Record<string, Record<string, unknown>>;

/** The value at `path`, to be changed in place. */
export function within(config: Config, ...path: (string | number)[]): Record<string, unknown> {
  return path.reduce<unknown>((value, key) => Reflect.get(value as object, key), config) as Record<string, unknown>;
}

export function site(stack: string, edit?: (config: Config) => void, folder?: string): SiteSpec {
  const file = stackFile(stack, edit, folder);
  if (file.kind !== "site") throw new Error(`${stack} is no site`);
  return file.spec;
}

export function awsSite(edit?: (config: Config) => void): AwsSiteSpec {
  const spec = site("prod-seoul", edit);
  if (spec.platform !== "aws") throw new Error("prod-seoul is on AWS");
  return spec;
}

export function azureSite(edit?: (config: Config) => void): AzureSiteSpec {
  const spec = site("dr-busan", edit);
  if (spec.platform !== "azure") throw new Error("dr-busan is on Azure");
  return spec;
}

export function onPremSite(edit?: (config: Config) => void): OnPremSiteSpec {
  const spec = site("idc-seoul", edit, "examples/securities-idc");
  if (spec.platform !== "on-prem") throw new Error("idc-seoul is on-prem");
  return spec;
}
