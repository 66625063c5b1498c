import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answer } from "../../proof/reachability/answer.ts";
import { parseRequest } from "../../proof/reachability/request.ts";
import { Oracle, oraclePath } from "./oracle.ts";
import { differences } from "./oracle-comparison.ts";
import { minimal } from "./oracle-minimal.ts";
import { type RandomRequest, randomRequests } from "./random-requests.ts";

/** How many random queries are asked; more by REACH_QUERIES=10000, other ones by REACH_SEED=7. */
const queries = Number(process.env.REACH_QUERIES ?? 2_000);
const seed = Number(process.env.REACH_SEED ?? 1);
const queriesOfRequest = 20;

const path = await oraclePath();
if (path === undefined) console.warn("reachability is not compared with Cilium's own code: Go is missing");
/** Cilium's code cannot be built here. Where CI says so, that is a failure and not a reason to skip. */
const withoutOracle = path === undefined && process.env.CI !== "true";

function engine(request: RandomRequest): unknown {
  const parsed = parseRequest(JSON.stringify(request));
  if ("findings" in parsed) throw new Error(JSON.stringify(parsed.findings));
  return answer(parsed.request);
}

describe.skipIf(withoutOracle)("reachability as Cilium's own policy code decides it", () => {
  let oracle: Oracle | undefined;
  const compare = async (request: RandomRequest) => {
    if (oracle === undefined) throw new Error("no oracle: install Go");
    return differences(request, engine(request), await oracle.answer(request));
  };
  beforeAll(() => {
    if (path !== undefined) oracle = new Oracle(path);
  });
  afterAll(() => oracle?.stop());

  it(`answers ${queries} random queries alike`, { timeout: 60_000 + queries * 20 }, async () => {
    const requests = fc.sample(randomRequests(queriesOfRequest), {
      numRuns: Math.ceil(queries / queriesOfRequest),
      seed,
    });
    for (const request of requests) {
      if ((await compare(request)).length === 0) continue;
      const least = await minimal(request, async (candidate) => (await compare(candidate)).length > 0);
      const { policies, ...rest } = least;
      expect.fail([...policies, JSON.stringify(rest), ...(await compare(least))].join("\n"));
    }
  });

  it("sees a difference", async () => {
    const request: RandomRequest = {
      policies: [],
      endpoints: [{ name: "a" }],
      queries: [{ from: "a", to: "world", port: 80 }],
      options: {},
    };
    const other = { policies: [], verdicts: [{ verdict: "denied", l7: false }] };
    expect(differences(request, engine(request), other)).toHaveLength(1);
    expect(await compare(request)).toEqual([]);
  });
});
