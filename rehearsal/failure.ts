import { nameOf } from "./critical-path.ts";
import type { EngineError, Outcome } from "./stacks.ts";

/** Errors shown per stack; a first cause is among them, and the rest repeats it. */
const shownErrors = 6;
/** Lines shown of one error, and characters of a line; a failed script repeats itself before its last words. */
const shownLines = 12;
const shownCharacters = 1000;

/** A stack that could not be brought up or down, with the engine's own errors. */
export class StackFailure extends Error {
  constructor(outcomes: ReadonlyMap<string, Outcome>, skipped: readonly string[]) {
    const failed = [...outcomes].filter(([, { succeeded }]) => !succeeded);
    const hasCause = failed.some(([, { errors }]) => !errors.every(isEcho));
    const echoes = failed.filter(([, { errors }]) => hasCause && errors.every(isEcho)).map(([name]) => name);
    const lines = [
      ...failed
        .filter(([name]) => !echoes.includes(name))
        .flatMap(([name, { errors }]) => [`${name} failed:`, ...describeErrors(errors)]),
      ...echoes.map((name) => `${name} was stopped by it`),
      ...skipped.map((name) => `${name} was not begun`),
    ];
    super(lines.join("\n"));
    this.name = "StackFailure";
  }
}

/** Programs of several stacks share this process: an error that one of them does not handle ends the others like this. */
function isEcho({ urn, message }: EngineError): boolean {
  return (
    urn === undefined &&
    /^(One or more errors occurred|an unhandled error occurred|(update|destroy) failed$)/.test(message)
  );
}

function describeErrors(errors: readonly EngineError[]): string[] {
  // The engine ends with this, whatever the reason was.
  const causes = errors.filter(({ message }) => !/^(update|destroy|preview) failed$/.test(message));
  // It says some of them twice, to the console and to the log.
  const once = new Map((causes.length > 0 ? causes : errors).map((error) => [`${error.urn} ${error.message}`, error]));
  const shown = [...once.values()].slice(0, shownErrors);
  const hidden = once.size - shown.length;
  return [...shown.flatMap(describeError), ...(hidden > 0 ? [`  and ${hidden} more errors`] : [])];
}

function describeError({ urn, message }: EngineError): string[] {
  const [first = "", ...rest] = message.split("\n");
  const last = rest.slice(-shownLines);
  const middle = rest.length > last.length ? ["..."] : [];
  const head = urn === undefined ? first : `${nameOf(urn)}: ${first}`;
  const indented = [...middle, ...last].map((line) => `    ${line}`);
  return [`  ${head}`, ...indented].map((line) =>
    line.length > shownCharacters ? `${line.slice(0, shownCharacters - 3)}...` : line,
  );
}
