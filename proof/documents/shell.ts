/** One simple command of a script, between pipes, `&&`, `;` and line ends. Not a shell: nothing is expanded. */
export interface Command {
  /** Unquoted; `$(...)` and variables stay as they are written. */
  readonly words: readonly string[];
  /** 1-based line of its first word. */
  readonly line: number;
  /** The comment line right above, without `#`; empty where there is none. */
  readonly comment: string;
  readonly heredoc?: Heredoc;
  /** File that its output goes to, by `>` or `>>`. */
  readonly output?: string;
}

export interface Heredoc {
  readonly text: string;
  /** 1-based line of its first line. */
  readonly line: number;
}

interface Building {
  words: string[];
  line: number;
  comment: string;
  heredoc?: Heredoc;
  output?: string;
}

/** `$`, `user@host:~$` or `❯` in front of a command, as transcripts show it. */
const prompt = /^\s*(?:\(?[\w.-]+\)?[@:][^\s$]*\s?)?[$❯]\s+/;

/** A placeholder of a manual, `<endpoint-id>`: not a redirection. */
const placeholder = /^<[A-Za-z][\w .:/-]*>/;

/**
 * The simple commands of a script or a transcript, in order; in a transcript only what follows a prompt. Never throws.
 *
 * @param firstLine  Line number of the text's first line.
 */
export function parseShell(text: string, firstLine = 1): Command[] {
  return new Reader(withoutOutput(text), firstLine).commands();
}

/** Lines of a transcript that are a program's output, blanked, and its prompts removed. */
function withoutOutput(text: string): string {
  const lines = text.split("\n");
  if (!lines.some((line) => prompt.test(line))) return text;
  let inside = false;
  let terminator: string | undefined;
  return lines
    .map((line) => {
      const body = line.replace(/^\s*> ?/, "");
      if (terminator !== undefined) {
        if (body.trim() === terminator) terminator = undefined;
        return body;
      }
      const asked = prompt.test(line);
      if (!asked && !inside) return "";
      const command = asked ? line.replace(prompt, "") : body;
      inside = /\\\s*$/.test(command);
      terminator = /<<-?\s*["']?(\w+)/.exec(command)?.[1];
      return command;
    })
    .join("\n");
}

/** Nested further than this, a text is no script. */
const maxDepth = 8;

class Reader {
  readonly #text: string;
  readonly #depth: number;
  #at = 0;
  #line: number;
  #found: Command[] = [];
  #current: Building | undefined;
  #comment = { text: "", line: -1 };
  #pending: { delimiter: string; into: Building | undefined }[] = [];

  constructor(text: string, firstLine: number, depth = 0) {
    this.#text = text;
    this.#line = firstLine;
    this.#depth = depth;
  }

  commands(): Command[] {
    while (this.#at < this.#text.length) this.#step();
    this.#finish();
    return this.#found;
  }

  #step(): void {
    const rest = this.#text.slice(this.#at, this.#at + 80);
    const char = rest[0] ?? "";
    const redirect = /^(?:\d|&)?>>?(?!\()&?\s*/.exec(rest);
    const heredoc = /^<<-?\s*(["'\\]?)(\w+)\1/.exec(rest);
    if (char === "\n") this.#newline();
    else if (/\s/.test(char)) this.#skip(1);
    else if (/^\\\r?\n/.test(rest)) {
      this.#line++;
      this.#skip(rest[1] === "\r" ? 3 : 2);
    } else if (char === "#") this.#readComment();
    else if (redirect) this.#readRedirect(redirect[0].length);
    else if (heredoc) {
      this.#pending.push({ delimiter: heredoc[2] ?? "", into: this.#current });
      this.#skip(heredoc[0].length);
    } else if (char === "<" && !placeholder.test(rest)) this.#skip(1);
    else if (char === "(" && this.#current && !rest.startsWith("()")) this.#dropLine();
    else if (/[|;&(){}]/.test(char) && !/^\{[^\s}]/.test(rest)) this.#readOperator(char, rest);
    else {
      const command = this.#current ?? this.#start();
      command.words.push(this.#word());
    }
  }

  #readRedirect(length: number): void {
    this.#skip(length);
    const target = this.#word();
    if (this.#current && target !== "") this.#current.output = target;
  }

  #readOperator(char: string, rest: string): void {
    // A here-document belongs to the command that is fed by the pipe as well as to the one that reads it.
    const open = this.#pending.at(-1);
    const piped = char === "|" && rest[1] !== "|" && open !== undefined && open.into === this.#current;
    this.#finish();
    this.#skip(1);
    if (piped && open) open.into = this.#start();
  }

  #start(): Building {
    this.#current = {
      words: [],
      line: this.#line,
      comment: this.#comment.line >= this.#line - 1 ? this.#comment.text : "",
    };
    return this.#current;
  }

  #finish(): void {
    if (this.#current && this.#current.words.length > 0) this.#found.push(this.#current);
    this.#current = undefined;
  }

  /** A bracket in the middle of a command is a syntax error: the line is prose or a program's output. */
  #dropLine(): void {
    this.#current = undefined;
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end === -1 ? this.#text.length : end;
  }

  #skip(count: number): void {
    this.#at += count;
  }

  #newline(): void {
    this.#skip(1);
    this.#line++;
    const waiting = this.#pending;
    this.#pending = [];
    for (const { delimiter, into } of waiting) {
      const heredoc = this.#readHeredoc(delimiter);
      if (into) into.heredoc = heredoc;
    }
    this.#finish();
  }

  #readHeredoc(delimiter: string): Heredoc {
    const line = this.#line;
    const lines: string[] = [];
    while (this.#at < this.#text.length) {
      const end = this.#text.indexOf("\n", this.#at);
      const stop = end === -1 ? this.#text.length : end;
      const text = this.#text.slice(this.#at, stop);
      this.#at = Math.min(stop + 1, this.#text.length);
      this.#line++;
      if (text.trim() === delimiter) break;
      lines.push(text);
    }
    return { text: lines.join("\n"), line };
  }

  #readComment(): void {
    const end = this.#text.indexOf("\n", this.#at);
    const stop = end === -1 ? this.#text.length : end;
    const own = this.#current === undefined;
    if (own) this.#comment = { text: this.#text.slice(this.#at + 1, stop).trim(), line: this.#line };
    this.#at = stop;
  }

  /** A word with its quotes taken off; commands inside `$(...)` are found as well. */
  #word(): string {
    let word = "";
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? "";
      const marked = char === "<" ? placeholder.exec(this.#text.slice(this.#at, this.#at + 60)) : null;
      if (marked) {
        word += marked[0];
        this.#skip(marked[0].length);
      } else if (char === "'") word += this.#quoted("'");
      else if (char === '"') word += this.#quoted('"');
      else if (char === "$" && this.#text[this.#at + 1] === "(") word += this.#substitution();
      else if (char === "\\") {
        if (/^\\\r?\n/.test(this.#text.slice(this.#at, this.#at + 3))) break;
        word += this.#text[this.#at + 1] ?? "";
        this.#skip(2);
      } else if (/[\s|;&<>()]/.test(char)) break;
      else {
        word += char;
        this.#skip(1);
      }
    }
    if (word === "" && this.#at < this.#text.length && /[<>]/.test(this.#text[this.#at] ?? "")) this.#skip(1);
    return word;
  }

  #quoted(quote: string): string {
    let text = "";
    this.#skip(1);
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? "";
      if (char === quote) {
        this.#skip(1);
        return text;
      }
      if (char === "\n") this.#line++;
      if (quote === '"' && char === "\\" && this.#at + 1 < this.#text.length) {
        const next = this.#text[this.#at + 1] ?? "";
        if (next === "\n") this.#line++;
        // Helm reads `\,` and `\.` itself, so the backslash stays before anything the shell does not know.
        text += next === "\n" ? "" : /["$`\\]/.test(next) ? next : `\\${next}`;
        this.#skip(2);
      } else {
        text += char;
        this.#skip(1);
      }
    }
    return text;
  }

  #substitution(): string {
    const from = this.#at;
    const line = this.#line;
    let open = 0;
    for (this.#skip(1); this.#at < this.#text.length; this.#skip(1)) {
      const char = this.#text[this.#at];
      if (char === "\n") this.#line++;
      if (char === "(") open++;
      if (char === ")" && --open === 0) {
        this.#skip(1);
        break;
      }
    }
    const whole = this.#text.slice(from, this.#at);
    if (this.#depth < maxDepth) {
      this.#found.push(...new Reader(whole.slice(2, -1), line, this.#depth + 1).commands());
    }
    return whole;
  }
}
