import { nameOf } from "./critical-path.ts";
import type { EngineError, Outcome } from "./stacks.ts";

/** Errors shown per stack; a first cause is among them, and the rest repeats it. */
const shownErrors = 6;
/** Lines and columns shown of one error; a failed script repeats itself before its last words. */
const shownLines = 12;
const shownColumns = 160;

/** A stack that could not be brought up or down, with the engine's own errors. */
export class StackFailure extends Error {
  constructor(outcomes: ReadonlyMap<string, Outcome>, skipped: readonly string[]) {
    const failed = [...outcomes].filter(([, { succeeded }]) => !succeeded);
    const lines = [
      ...failed.flatMap(([name, { errors }]) => [`${name} failed:`, ...describeErrors(errors)]),
      ...skipped.map((name) => `${name} was not begun`),
    ];
    super(lines.join("\n"));
    this.name = "StackFailure";
  }
}

function describeErrors(errors: readonly EngineError[]): string[] {
  // The engine ends with this, whatever the reason was.
  const causes = errors.filter(({ message }) => !/^(update|destroy|preview) failed$/.test(message));
  const shown = (causes.length > 0 ? causes : errors).slice(0, shownErrors);
  const hidden = causes.length - shown.length;
  return [...shown.flatMap(describeError), ...(hidden > 0 ? [`  and ${hidden} more errors`] : [])];
}

function describeError({ urn, message }: EngineError): string[] {
  const [first = "", ...rest] = message.split("\n");
  const last = rest.slice(-shownLines);
  const middle = rest.length > last.length ? ["..."] : [];
  const head = urn === undefined ? first : `${nameOf(urn)}: ${first}`;
  const indented = [...middle, ...last].map((line) => `    ${line}`);
  return [`  ${head}`, ...indented].map((line) =>
    line.length > shownColumns ? `${line.slice(0, shownColumns - 3)}...` : line,
  );
}
