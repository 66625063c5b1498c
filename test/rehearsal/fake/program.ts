import * as pulumi from "@pulumi/pulumi";

class Thing extends pulumi.CustomResource {
  declare readonly arn: pulumi.Output<string>;
  constructor(name: string, args: pulumi.Inputs, options: pulumi.CustomResourceOptions) {
    super("fake:index:Thing", name, { arn: undefined, ...args }, options);
  }
}

class Region extends pulumi.ProviderResource {
  constructor(region: string) {
    super("fake", `fake-${region}`, { region });
  }
}

let runs = 0;

interface Spec {
  readonly chain: number;
  readonly size: number;
  readonly restless?: boolean;
  readonly activeSite?: string;
}

/** A chain of things per stack, with a secret in the first; the stack file says how many, where, and how large. */
export async function fakeProgram(): Promise<Record<string, unknown>> {
  const config = new pulumi.Config();
  const kind = ["site", "interconnect", "entry"].find((key) => config.get(key) !== undefined) ?? "site";
  const { chain, size, restless = false, activeSite } = config.requireObject<Spec>(kind);
  const provider = new Region(config.require("region"));
  const token = config.getSecret("secrets") ?? "none";
  runs += 1;
  // A restless program says something else each time it runs.
  const current = restless ? runs : size;
  let last: pulumi.Output<string> | undefined;
  for (let index = 0; index < chain; index += 1) {
    const needs =
      last === undefined ? { token, ...(activeSite !== undefined && { needs: activeSite }) } : { needs: last };
    last = new Thing(`thing-${index}`, { size: current, ...needs }, { provider, protect: index === 0 }).arn;
  }
  return { arn: last };
}
