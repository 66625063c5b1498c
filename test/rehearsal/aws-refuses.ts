import { expect, it } from "vitest";
import type { Properties } from "../../rehearsal/stand-in.ts";
import { Cloud, type Name, type Seoul, seoul } from "./aws-cloud.ts";

/** A rule, the type it is about, inputs that break it (made after what they need), and words of the refusal. */
export type Case = readonly [
  rule: string,
  type: Name,
  inputs: (cloud: Cloud, site: Seoul) => Promise<Properties> | Properties,
  words: string,
];

/** One test for each case, each in a world of its own with a small site in Seoul. */
export function refuses(cases: readonly Case[]): void {
  it.each(cases)("%s", async (_rule, type, inputs, words) => {
    const cloud = new Cloud();
    const broken = await inputs(cloud, await seoul(cloud));
    await expect(cloud.make(type, broken)).rejects.toThrow(words);
  });
}
