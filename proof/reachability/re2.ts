import { characterOf, perlClass, posixClass, unicodeClass } from "./re2-classes.ts";

/** Flags that change what an expression matches; `U` only changes how much a part of it takes. */
interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

/** Something that can be repeated, in JavaScript. */
interface Item {
  readonly source: string;
  /** How often its innermost part is repeated, as far as braces say. */
  readonly weight: number;
}

/** A group that is still open. */
interface Frame {
  /** Flags to return to where it closes. */
  readonly flags: Flags;
  readonly alternatives: Item[];
  items: Item[];
}

class PatternError extends Error {}

const escapes: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const maxDepth = 1000;
const maxRepeat = 1000;

/**
 * Reads an expression as Go's `regexp` and Envoy (RE2) do, and writes it for JavaScript (github.com/google/re2/wiki/Syntax, less `\C`,
 * which Go refuses). Captures become groups, greed is dropped: what matters is whether a whole text matches.
 */
class Parser {
  readonly #text: string;
  #at = 0;
  #flags: Flags = { i: false, m: false, s: false };
  readonly #outer: Frame[] = [];
  #frame: Frame = { flags: this.#flags, alternatives: [], items: [] };

  constructor(text: string) {
    this.#text = text;
  }

  /** @throws PatternError for what is no expression. */
  translate(): string {
    let repeated = false;
    while (this.#at < this.#text.length) repeated = this.#token(repeated);
    if (this.#outer.length > 0) throw new PatternError("a parenthesis is not closed");
    return this.#frameItem().source;
  }

  /** Reads one token; the answer is whether it repeats what stands before it, since no other such token may follow. */
  #token(repeated: boolean): boolean {
    const braces = this.#take(/\{(0|[1-9]\d*)(,(0|[1-9]\d*)?)?\}\??|[*+?]\??/suy);
    if (braces !== null) {
      this.#repeat(braces, repeated);
      return true;
    }
    const [char = ""] = this.#take(/./suy) ?? [];
    if (char === "(") this.#open();
    else if (char === ")") this.#close();
    else if (char === "|") this.#endAlternative();
    else if (char === "^") this.#push(this.#flags.m ? "(?:^|(?<=\\n))" : "^");
    else if (char === "$") this.#push(this.#flags.m ? "(?=\\n|$)" : "$");
    else if (char === ".") this.#push(this.#flags.s ? "[\\u{0}-\\u{10ffff}]" : "[^\\n]");
    else if (char === "[") this.#pushFolded(this.#class());
    else if (char === "\\") this.#backslash();
    else this.#pushCharacter(char);
    return false;
  }

  /** What stands next, if it has this form; patterns are sticky. */
  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    this.#at += found?.[0].length ?? 0;
    return found;
  }

  #push(source: string): void {
    this.#frame.items.push({ source, weight: 1 });
  }

  #pushFolded(source: string): void {
    this.#push(this.#flags.i ? `(?i:${source})` : source);
  }

  #pushCharacter(char: string): void {
    this.#pushFolded(characterOf(char.codePointAt(0) ?? 0));
  }

  #open(): void {
    const named = this.#take(/\?P?<([^>]*)>?/suy);
    if (named === null && this.#text[this.#at] === "?") {
      this.#setFlags();
      return;
    }
    const [text = "", name = "name"] = named ?? [];
    if (named !== null && !(/^\w+$/.test(name) && text.endsWith(">"))) {
      throw new PatternError(text.includes("P") ? "a group's name is no name" : "it looks behind, which RE2 cannot");
    }
    this.#enter();
  }

  /** `(?i)` up to the end of the group it stands in, `(?i:` for a group of its own. */
  #setFlags(): void {
    const [, on = "", off = "", end] = this.#take(/\?([imsU]*)(?:-([imsU]+))?([:)])/suy) ?? [];
    if (end === undefined) {
      const isLook = this.#take(/\?[=!]/suy) !== null;
      throw new PatternError(isLook ? "it looks ahead, which RE2 cannot" : "it has a group that RE2 has not");
    }
    const flag = (name: keyof Flags) => (this.#flags[name] || on.includes(name)) && !off.includes(name);
    const flags = { i: flag("i"), m: flag("m"), s: flag("s") };
    if (end === ":") this.#enter();
    this.#flags = flags;
  }

  #enter(): void {
    this.#outer.push(this.#frame);
    if (this.#outer.length > maxDepth) throw new PatternError("its groups nest too deep");
    this.#frame = { flags: this.#flags, alternatives: [], items: [] };
  }

  #close(): void {
    const outer = this.#outer.pop();
    if (outer === undefined) throw new PatternError("a parenthesis closes nothing");
    this.#flags = this.#frame.flags;
    outer.items.push(this.#frameItem());
    this.#frame = outer;
  }

  #endAlternative(): void {
    const { items, alternatives } = this.#frame;
    alternatives.push({
      source: items.map(({ source }) => source).join(""),
      weight: Math.max(1, ...items.map(({ weight }) => weight)),
    });
    this.#frame.items = [];
  }

  #frameItem(): Item {
    this.#endAlternative();
    const { alternatives } = this.#frame;
    return {
      source: `(?:${alternatives.map(({ source }) => source).join("|")})`,
      weight: Math.max(...alternatives.map(({ weight }) => weight)),
    };
  }

  #repeat([text, least, comma, most]: RegExpExecArray, repeated: boolean): void {
    if (repeated) throw new PatternError("a quantifier follows a quantifier");
    const item = this.#frame.items.pop();
    if (item === undefined) throw new PatternError("a quantifier has nothing before it");
    const quantifier = text.replace(/^(.+)\?$/, "$1");
    const wrapped = `(?:${item.source})${quantifier}`;
    if (least === undefined) {
      this.#frame.items.push({ source: wrapped, weight: item.weight });
      return;
    }
    const first = Number(least);
    const last = comma === undefined ? first : most === undefined ? undefined : Number(most);
    const count = last ?? first;
    const weight = last === 0 ? 1 : Math.max(count, 1) * item.weight;
    if (first > maxRepeat || count > maxRepeat || first > count || (count >= 2 && weight > maxRepeat)) {
      throw new PatternError(`${text} repeats too often, or from more to less`);
    }
    this.#frame.items.push({ source: wrapped, weight });
  }

  #backslash(): void {
    const [char = ""] = this.#take(/[ABbCQz]/suy) ?? [];
    if (char === "C") throw new PatternError("\\C is not supported");
    if (char === "Q") {
      const [, literal = ""] = this.#take(/(.*?)(\\E|$)/suy) ?? [];
      for (const each of literal) this.#pushCharacter(each);
    } else if (char !== "") this.#push({ A: "^", z: "$", b: "\\b", B: "\\B" }[char] ?? "");
    else this.#pushFolded(this.#set() ?? characterOf(this.#escape()));
  }

  /** `\d`, `\pL` or `\p{Greek}`, after its backslash. */
  #set(): string | undefined {
    const [letter] = this.#take(/[dDsSwW]/suy) ?? [];
    if (letter !== undefined) return perlClass(letter);
    const found = this.#take(/([pP])(?:\{([^}]*)\}|([^{]))/suy);
    if (found === null) {
      if (/[pP]/.test(this.#text[this.#at] ?? "")) throw new PatternError("a class \\p has no name");
      return undefined;
    }
    const [text, capital, braced, single = ""] = found;
    const set = unicodeClass(braced ?? single, capital === "P");
    if (set === undefined) throw new PatternError(`there is no class \\${text}`);
    return set;
  }

  /** A character after its backslash. */
  #escape(): number {
    const found = this.#take(
      /x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|(0[0-7]{0,2}|[1-7][0-7]{1,2})|([afnrtv])|([^0-9A-Za-z\u0080-\u{10ffff}])/suy,
    );
    if (found === null) {
      const [next] = this.#take(/./suy) ?? [];
      if (next === undefined) throw new PatternError("it ends in a backslash");
      throw new PatternError(
        /[1-9]/.test(next) ? "it refers back to a group, which RE2 cannot" : `there is no escape \\${next}`,
      );
    }
    const [, braced, hex, octal, letter, other = ""] = found;
    const digits = braced ?? hex;
    const code =
      digits === undefined
        ? octal === undefined
          ? (escapes[letter ?? ""] ?? other.charCodeAt(0))
          : Number.parseInt(octal, 8)
        : Number.parseInt(digits, 16);
    if (code > 0x10_ffff) throw new PatternError("an escape is beyond the last character");
    return code;
  }

  /** A class, after its bracket. */
  #class(): string {
    const parts: string[] = [];
    const caret = this.#take(/\^/suy) === null ? "" : "^";
    for (let first = true; first || this.#take(/\]/suy) === null; first = false) {
      const named = this.#take(/\[:(.*?):\]/suy);
      const set = named === null ? this.#classSet() : posixClass(named[1] ?? "");
      if (set !== undefined) parts.push(set);
      else if (named === null) parts.push(this.#range());
      else throw new PatternError(`there is no class ${named[0]}`);
    }
    return `[${caret}${parts.join("")}]`;
  }

  #classSet(): string | undefined {
    if (this.#take(/\\(?=[dDsSwWpP])/suy) === null) return undefined;
    return this.#set();
  }

  #range(): string {
    const first = this.#classCharacter();
    if (this.#take(/-(?!\])(?=.)/suy) === null) return characterOf(first);
    const last = this.#classCharacter();
    if (last < first) throw new PatternError("a range ends before it begins");
    return `${characterOf(first)}-${characterOf(last)}`;
  }

  #classCharacter(): number {
    const [char] = this.#take(/./suy) ?? [];
    if (char === undefined) throw new PatternError("a bracket is not closed");
    return char === "\\" ? this.#escape() : (char.codePointAt(0) ?? 0);
  }
}

const known = new Map<string, RegExp | PatternError>();

function parsed(pattern: string): RegExp | PatternError {
  const found = known.get(pattern) ?? compiled(pattern);
  known.set(pattern, found);
  return found;
}

function compiled(pattern: string): RegExp | PatternError {
  try {
    return new RegExp(`^${new Parser(pattern).translate()}$`, "v");
  } catch (error) {
    if (error instanceof PatternError) return error;
    if (error instanceof SyntaxError) return new PatternError("it is too large");
    throw error;
  }
}

/** Why a text is no regular expression of RE2, in a few words; `undefined` for one that is. */
export function re2Problem(pattern: string): string | undefined {
  const found = parsed(pattern);
  return found instanceof PatternError ? found.message : undefined;
}

/** Whether a text as a whole matches; an expression that does not compile matches nothing. */
export function re2Matches(pattern: string, text: string): boolean {
  const found = parsed(pattern);
  return found instanceof RegExp && found.test(text);
}
