/** Ends the command with what went wrong, and nothing else. */
export function reportError(error: unknown): never {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
