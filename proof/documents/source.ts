import { readFlattened } from "./flattened.ts";
import { snippets } from "./markdown.ts";
import { type Command, parseShell } from "./shell.ts";
import { parseYaml, type YamlDocument, type YamlProblem } from "./yaml-text.ts";

/** A file as it was read; the path is shown as the user gave it. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

/** A document somewhere in a file: the file itself, a snippet of Markdown, a here-document of a script. */
export interface SourceDocument extends YamlDocument {
  readonly file: string;
  /** It is the whole file, not a snippet that may leave things out. */
  readonly whole: boolean;
  /** Name that says what it is: the file's own, or that of the file a script writes it to. */
  readonly name: string;
}

/** A problem with a text, and how much of a mistake it is there. */
export interface SourceProblem extends YamlProblem {
  readonly whole: boolean;
}

/** What a file holds for us. */
export interface Source {
  readonly file: string;
  readonly text: string;
  /** Prose around snippets: nothing in it is the whole of anything. */
  readonly prose: boolean;
  readonly documents: readonly SourceDocument[];
  readonly commands: readonly Command[];
  readonly problems: readonly SourceProblem[];
  /** Lines where a manifest without indentation was read by the shape of its kind. */
  readonly flattened: readonly number[];
}

/** A snippet that leaves something out says so with dots. */
const ellipsis = /^[ \t]*(?:#[ \t]*)?(?:-[ \t]*)?(?:[([{<][ \t]*)?(?:\.\.\.|…|snip\b)/m;

/** With its slash; empty for a file beside us. */
export function folderOf(file: string): string {
  return file.replace(/[^/]*$/, "");
}

/** Splits a file into documents and commands, by its name. Never throws. */
export function readSource({ file, text }: SourceFile): Source {
  const reading = new Reading(file, text);
  if (/\.(?:ya?ml|json)$/i.test(file)) reading.wholeFile();
  else if (/\.(?:sh|bash)$/i.test(file)) reading.shell(text, 1, false);
  else reading.prose();
  return reading.source();
}

class Reading {
  readonly #file: string;
  readonly #text: string;
  readonly #documents: SourceDocument[] = [];
  readonly #commands: Command[] = [];
  readonly #problems: SourceProblem[] = [];
  readonly #flattened: number[] = [];
  #isProse = false;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  source(): Source {
    return {
      file: this.#file,
      text: this.#text,
      prose: this.#isProse,
      documents: this.#documents,
      commands: this.#commands,
      problems: this.#problems,
      flattened: this.#flattened,
    };
  }

  wholeFile(): void {
    // Other JSON is none of our business, and some of it has comments.
    if (/\.json$/i.test(this.#file) && !/"(?:apiVersion|hubble|kubeProxyReplacement|groups)"/.test(this.#text)) return;
    const { documents, problems } = parseYaml(this.#text);
    this.#documents.push(...documents.map((each) => ({ ...each, file: this.#file, whole: true, name: this.#file })));
    this.#problems.push(...problems.map((each) => ({ ...each, whole: true })));
  }

  prose(): void {
    this.#isProse = true;
    for (const { language, text, line, guessed } of snippets(this.#text)) {
      if (language === "shell") this.shell(text, line, guessed);
      else this.#snippet(text, line, this.#file, guessed);
    }
  }

  shell(text: string, line: number, guessed: boolean): void {
    const commands = parseShell(text, line);
    this.#commands.push(...commands);
    for (const { heredoc, output, words } of commands) {
      if (!heredoc) continue;
      const applied = words.some((word) => /^(?:kubectl|oc|kubeadm)$/.test(word));
      const target = output ?? (words.includes("tee") ? words.at(-1) : undefined);
      const written = target !== undefined && /\.(?:ya?ml|json)$/i.test(target);
      // What is appended to a file may begin anywhere; an object is whole.
      const part = guessed || !/^apiVersion:/m.test(heredoc.text);
      if (applied || written) this.#snippet(heredoc.text, heredoc.line, target ?? this.#file, part);
    }
  }

  #snippet(text: string, line: number, name: string, guessed: boolean): void {
    const rebuilt = readFlattened(text, line);
    if (rebuilt) {
      this.#flattened.push(line);
      this.#documents.push(...rebuilt.map((each) => ({ ...each, file: this.#file, whole: false, name })));
      return;
    }
    const { documents, problems } = parseYaml(text, line);
    this.#documents.push(...documents.map((each) => ({ ...each, file: this.#file, whole: false, name })));
    // Other people's YAML in other people's guides is no concern of ours.
    if (guessed || ellipsis.test(text) || !/^apiVersion:|cilium|hubble/im.test(text)) return;
    // Guides show what is wrong and what is right under one key; in a whole object it is a slip.
    const object = /^apiVersion:/m.test(text) && /^kind:/m.test(text);
    const telling = problems.filter(({ kind }) => kind !== "template" && (kind !== "duplicate" || object));
    this.#problems.push(...telling.slice(0, 1).map((each) => ({ ...each, whole: false })));
  }
}
