/** Sets of characters that RE2's syntax has names for, as JavaScript writes them with flag `v`. */

type Ranges = readonly (readonly [first: number, last: number])[];

/** One character, by its code point. */
export function characterOf(code: number): string {
  return `\\u{${code.toString(16)}}`;
}

const digits: Ranges = [[48, 57]];
const upper: Ranges = [[65, 90]];
const lower: Ranges = [[97, 122]];
const letters: Ranges = [...upper, ...lower];
const word: Ranges = [...digits, ...letters, [95, 95]];

/** `\d` and the like. JavaScript's `\s` has more in it. */
const perl: Readonly<Record<string, Ranges>> = {
  d: digits,
  s: [
    [9, 10],
    [12, 13],
    [32, 32],
  ],
  w: word,
};

/** `[:alnum:]` and the like. */
const posix: Readonly<Record<string, Ranges>> = {
  alnum: [...digits, ...letters],
  alpha: letters,
  ascii: [[0, 127]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [127, 127],
  ],
  digit: digits,
  graph: [[33, 126]],
  lower,
  print: [[32, 126]],
  punct: [
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ],
  space: [
    [9, 13],
    [32, 32],
  ],
  upper,
  word,
  xdigit: [...digits, [65, 70], [97, 102]],
};

function classOf(ranges: Ranges, negated: boolean): string {
  const inside = ranges.map(([first, last]) => `${characterOf(first)}-${characterOf(last)}`).join("");
  return `[${negated ? "^" : ""}${inside}]`;
}

/** The set of `\d`, `\D`, ..., by its letter. */
export function perlClass(letter: string): string | undefined {
  const ranges = perl[letter.toLowerCase()];
  return ranges === undefined ? undefined : classOf(ranges, letter !== letter.toLowerCase());
}

/** The set of `[:alpha:]`, `[:^alpha:]`, ..., by what stands between the colons. */
export function posixClass(name: string): string | undefined {
  const ranges = posix[name.replace(/^\^/, "")];
  return ranges === undefined ? undefined : classOf(ranges, name.startsWith("^"));
}

/** The set of `\p{Greek}`, by its name: a general category or a script, in any case. */
export function unicodeClass(written: string, capital: boolean): string | undefined {
  const caret = written.startsWith("^");
  const negated = capital !== caret;
  const plain = written.replace(/^\^/, "").replaceAll(/[-_ ]/g, "_");
  const name = plain.toLowerCase().replaceAll(/(^|_)[a-z]/g, (start) => start.toUpperCase());
  if (name === "Any") return negated ? "[]" : "[\\u{0}-\\u{10ffff}]";
  if (name === "Ascii") return classOf([[0, 127]], negated);
  const category = name.length <= 2 ? name : `Script=${name}`;
  return [name === "Lc" ? "LC" : category, name]
    .map((property) => `\\${negated ? "P" : "p"}{${property}}`)
    .find((source) => {
      try {
        return new RegExp(source, "v").source !== "";
      } catch {
        return false;
      }
    });
}
