import { expect, it } from "vitest";
import { StackFailure } from "../../rehearsal/failure.ts";

const urn = "urn:pulumi:s::gyeongbu::aws:ec2/vpc:Vpc::seoul-vpc";
const failed = { succeeded: false, seconds: 1, changes: [] };

it("names the resource, keeps a script's last words, and leaves out the engine's own summary", () => {
  const script = ["Process exited", ...Array.from({ length: 30 }, (_, index) => `line ${index}`)].join("\n");
  const { message } = new StackFailure(
    new Map([
      ["good", { ...failed, succeeded: true, errors: [] }],
      ["bad", { ...failed, errors: [{ urn, message: script }, { message: "update failed" }] }],
    ]),
    ["interconnect"],
  );
  const lines = message.split("\n");
  expect(lines.slice(0, 3)).toEqual(["bad failed:", "  seoul-vpc: Process exited", "    ..."]);
  expect(lines.slice(-2)).toEqual(["    line 29", "interconnect was not begun"]);
  expect(message).not.toContain("update failed");
  expect(message).not.toContain("good");
});

it("shows a handful of errors and counts the rest", () => {
  const errors = Array.from({ length: 10 }, (_, index) => ({ urn, message: `error ${index}` }));
  const { message } = new StackFailure(new Map([["bad", { ...failed, errors }]]), []);
  expect(message).toContain("error 5");
  expect(message).not.toContain("error 6");
  expect(message).toContain("and 4 more errors");
});

it("falls back to the engine's summary when there is nothing else", () => {
  const errors = [{ message: "update failed" }];
  expect(new StackFailure(new Map([["bad", { ...failed, errors }]]), []).message).toBe("bad failed:\n  update failed");
});

it("does not blame a stack that another one's error stopped, unless nobody names a cause", () => {
  const echo = { ...failed, errors: [{ message: "One or more errors occurred: 14 UNAVAILABLE" }] };
  const cause = { ...failed, errors: [{ urn, message: "QuotaExceeded" }] };
  const both = new Map([
    ["innocent", echo],
    ["guilty", cause],
  ]);
  expect(new StackFailure(both, []).message).toBe(
    "guilty failed:\n  seoul-vpc: QuotaExceeded\ninnocent was stopped by it",
  );
  expect(new StackFailure(new Map([["alone", echo]]), []).message).toContain("alone failed:\n  One or more errors");
});
