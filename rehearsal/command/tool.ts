import { resolve } from "node:path";
import type { World } from "../world.ts";
import type { Host } from "./host.ts";
import type { Machine } from "./machine.ts";

/** A call that a script makes of a tool the rehearsal plays. */
export interface ToolCall {
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly environment: { readonly HOME: string; readonly KUBECONFIG: string; readonly DEBIAN_FRONTEND: string };
  /** Only if an argument says that the tool reads it. */
  readonly stdin: string | undefined;
  /** What an argument such as `/dev/fd/63` or `/dev/stdin` held. */
  received(path: string): string | undefined;
  readonly machine: Machine;
  readonly world: World;
  /** The resource that the script runs for; empty at boot. */
  readonly urn: string;
}

export interface ToolResult {
  readonly code: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Modelled seconds that the real tool takes. */
  readonly seconds?: number;
  /** Shell text that the shim runs inside the host's namespaces. */
  readonly shell?: string;
}

/** A tool: judges its arguments and the host's files, and changes the host's state. */
export type Tool = (call: ToolCall, host: Host) => ToolResult | Promise<ToolResult>;

export function ok(stdout = "", seconds = 0): ToolResult {
  return { code: 0, stdout, seconds };
}

/** Ends the tool with what it prints on standard error. A newline is added. */
export function fail(stderr: string, code = 1, stdout = ""): ToolResult {
  return { code, stderr: `${stderr}\n`, stdout };
}

/** A file that an argument names: a path of the host, a descriptor or standard input. */
export function readArgument(call: ToolCall, host: Host, path: string): string | undefined {
  if (path === "-") return call.stdin;
  return call.received(path) ?? host.files.read(resolve(call.cwd, path));
}

/** Flags, positional words, and what was not understood. */
export interface Arguments {
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];
  /** The first flag that the tool does not know. */
  readonly unknown: string | undefined;
}

/**
 * Parses long and short flags.
 *
 * @param known  Flags with their dashes: `true` takes a value (`--config FILE`, `--config=FILE`), `false` takes none (or `=true`).
 */
export function parseArguments(args: readonly string[], known: Readonly<Record<string, boolean>>): Arguments {
  const flags = new Map<string, string[]>();
  const words: string[] = [];
  const rest = [...args];
  const set = (flag: string, value: string): void => void flags.set(flag, [...(flags.get(flag) ?? []), value]);
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      words.push(...rest);
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      words.push(word);
      continue;
    }
    const [flag, value] = word.startsWith("--") ? split(word) : [word, undefined];
    const takes = known[flag];
    if (takes === undefined) {
      const letters = word.startsWith("--")
        ? []
        : word
            .slice(1)
            .split("")
            .map((letter) => `-${letter}`);
      const attached = known[word.slice(0, 2)];
      if (letters.length > 1 && letters.every((letter) => known[letter] === false))
        for (const letter of letters) set(letter, "true");
      else if (!word.startsWith("--") && attached === true) set(word.slice(0, 2), word.slice(2).replace(/^=/, ""));
      else return { flags, words, unknown: flag };
    } else if (takes) set(flag, value ?? rest.shift() ?? "");
    else set(flag, value ?? "true");
  }
  return { flags, words, unknown: undefined };
}

function split(word: string): [string, string | undefined] {
  const at = word.indexOf("=");
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
