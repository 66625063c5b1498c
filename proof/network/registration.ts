import { z } from "zod";
import { Cidr } from "../../components/network/cidr.ts";

/** What a step over SSH tells the cluster about a node. */
export interface Registration {
  readonly node: string | undefined;
  readonly podCidr: Cidr | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

const Step = z.object({ create: z.string() });

/** Reads the script of a node's registration (`components/nodes/scripts/register.ts`); nothing where there is no such script. */
export function registrationIn(inputs: unknown): Registration {
  const step = Step.safeParse(inputs);
  const text = step.success ? step.data.create : "";
  const block = Cidr.safeParse(/"podCIDR":"([0-9./]+)","podCIDRs":\["\1"\]/.exec(text)?.[1]);
  return { node: plain(/^node=(\S+)$/m.exec(text)?.[1]), podCidr: block.data, labels: labelsIn(text) };
}

/** Words are quoted in the script, and once more for `bash -c`. */
function plain(word: string | undefined): string | undefined {
  return word?.replaceAll(/['\\]/g, "");
}

/** The words of the script's `kubectl label` that are `key=value`. */
function labelsIn(text: string): Record<string, string> {
  const line = text.split("\n").find((one) => one.startsWith("kubectl label ") && one.includes("--overwrite")) ?? "";
  const words = line.split(/\s+/).map((word) => plain(word) ?? "");
  return Object.fromEntries(
    words.flatMap((word) => {
      const [key = "", ...value] = word.split("=");
      return value.length > 0 ? [[key, value.join("=")] as const] : [];
    }),
  );
}
