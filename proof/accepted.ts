import type { Finding } from "../components/config/finding.ts";
import { acceptedKey, type StackFile } from "../components/config/parse.ts";
import type { Acceptance } from "../components/config/schema.ts";
import type { Rule } from "./rule.ts";

/** A warning that somebody lives with, and why. */
export interface Accepted {
  readonly finding: Finding;
  readonly reason: string;
  /** The last day, `2027-03-31`. */
  readonly until: string;
}

type Described = Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason">;

/** What is asked of acceptances themselves. */
export const acceptanceRules = {
  onlyWarnings: {
    code: "GB-111",
    severity: "error",
    title: "Only warnings are accepted.",
    korean: "경고만 예외로 인정할 수 있습니다. 오류는 고쳐야 합니다.",
    reason: "What an error names does not work, whoever knows about it.",
  },
  oneYear: {
    code: "GB-112",
    severity: "error",
    title: "A warning is accepted for a year at most.",
    korean: "경고의 예외 인정 기간은 최대 1년입니다.",
    reason: "Whoever accepted it may be gone by then; a yearly look is also what audits of exceptions ask for.",
  },
  expired: {
    code: "GB-113",
    severity: "warning",
    title: "No acceptance has expired.",
    korean: "예외 인정 기한이 지났습니다. 경고가 다시 표시됩니다.",
    reason: "After its last day the warning is shown again.",
  },
  unused: {
    code: "GB-114",
    severity: "warning",
    title: "Every acceptance is of a warning that is there.",
    korean: "해당하는 경고가 없는 예외 인정 항목은 지우십시오.",
    reason: "One that matches nothing hides the next warning of its code from everybody.",
  },
} as const satisfies Record<string, Described>;

export interface AcceptArgs {
  /** The stack file whose acceptances count, and whose findings these are. */
  readonly own: Pick<StackFile, "file" | "accepted" | "lineOf">;
  readonly findings: readonly Finding[];
  /** The rules that were asked; an acceptance of any other code may match elsewhere, and nothing is said about it. */
  readonly rules: readonly Pick<Rule<never>, "code" | "severity">[];
  /** Calendar day, `2026-11-20`. */
  readonly today: string;
}

/** Sets warnings aside that the stack file accepts, and finds what is wrong with its acceptances. Pure. */
export function accept({ own, findings, rules, today }: AcceptArgs): { findings: Finding[]; accepted: Accepted[] } {
  const accepted: Accepted[] = [];
  const shown: Finding[] = [];
  for (const finding of findings) {
    const acceptance =
      finding.severity === "warning" && finding.file === own.file
        ? own.accepted.find((each) => each.until >= today && matches(each, finding))
        : undefined;
    if (acceptance) accepted.push({ finding, reason: acceptance.reason, until: acceptance.until });
    else shown.push(finding);
  }
  const problems = own.accepted.flatMap((each, index) => problem(each, index, { own, findings, rules, today }));
  return { findings: [...shown, ...problems], accepted };
}

/** A place covers itself and everything below it. */
function matches({ code, path }: Acceptance, finding: Finding): boolean {
  return code === finding.code && (path === undefined || `${finding.path}.`.startsWith(`${path}.`));
}

function problem(acceptance: Acceptance, index: number, { own, findings, rules, today }: AcceptArgs): Finding[] {
  const { code, path, until } = acceptance;
  const found = (rule: keyof typeof acceptanceRules, key: string, message: string, fix: string): Finding[] => {
    const place = [acceptedKey, index, key];
    const line = own.lineOf(place);
    const { code: number, severity } = acceptanceRules[rule];
    return [
      {
        code: number,
        severity,
        file: own.file,
        path: place.join("."),
        ...(line === undefined ? {} : { line }),
        message,
        fix,
      },
    ];
  };
  const here = findings.filter((finding) => finding.file === own.file && matches(acceptance, finding));
  const rule = rules.find((each) => each.code === code);
  if (rule?.severity === "error" || here.some(({ severity }) => severity === "error")) {
    return found("onlyWarnings", "code", `${code} is an error.`, "Correct what it names, and remove this entry.");
  }
  const latest = yearAfter(today);
  if (until > latest) {
    return found("oneYear", "until", `It is ${until}, more than a year from ${today}.`, `Write ${latest} or earlier.`);
  }
  if (until < today) {
    const fix = "Correct what it accepted, or look at it again and write a new day.";
    return found("expired", "until", `The acceptance of ${code} ended on ${until}.`, fix);
  }
  if (rule && here.length === 0) {
    const where = path === undefined ? "" : ` at ${path}`;
    return found("unused", "code", `There is no warning ${code}${where}.`, "Remove this entry.");
  }
  return [];
}

/** The same day next year; 29 February becomes the 28th. */
function yearAfter(day: string): string {
  const [year = "", ...rest] = day.split("-");
  const next = `${Number(year) + 1}-${rest.join("-")}`;
  return next.endsWith("-02-29") ? `${Number(year) + 1}-02-28` : next;
}
