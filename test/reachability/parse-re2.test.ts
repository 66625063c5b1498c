import { describe, expect, it } from "vitest";
import { re2Matches, re2Problem } from "../../proof/reachability/re2.ts";

describe("re2Matches", () => {
  it.each([
    ["/api/v[0-9]+", "/api/v1", true],
    ["/api", "/api/v1", false],
    ["GET|POST", "POST", true],
    ["a|b", "ab", false],
    ["(?i)get", "GeT", true],
    ["(?i:g)et", "GET", false],
    ["a(?i)b(?-i)c", "aBc", true],
    ["a(?i)b(?-i)c", "aBC", false],
    ["(a(?i)b)c", "aBC", false],
    ["a.b", "a\nb", false],
    ["(?s)a.b", "a\nb", true],
    ["(?m)a$\n^b", "a\nb", true],
    ["(?P<name>a)(?<other>b)", "ab", true],
    ["a{2,3}", "aaa", true],
    ["a{2,3}", "aaaa", false],
    ["a{,2}", "a{,2}", true],
    ["a{0}b", "b", true],
    ["^*a", "a", true],
    ["a*(?i)*", "aaa", true],
    ["\\Qa.b\\E+", "a.bb", true],
    ["\\x41\\x{42}\\103\\.", "ABC.", true],
    ["\\Aa\\z", "a", true],
    ["a\\b-", "a-", true],
    ["a\\Bb", "ab", true],
    ["\\d\\D\\w\\W\\s\\S", "1a_- x", true],
    ["\\s", "\v", false],
    ["[[:alpha:][:^digit:]]", "-", true],
    ["[[:alpha:]]", "1", false],
    ["[^a-c]", "b", false],
    ["[]a]", "]", true],
    ["[a-]", "-", true],
    ["[\\d-z]", "-", true],
    ["(?i)[^a]", "A", false],
    ["(?i)\\W", "K", false],
    ["\\p{Greek}\\pL\\PN\\p{^Lu}", "αbcd", true],
    ["\\p{Greek}", "a", false],
    ["\\p{greek}", "α", true],
    ["\\p{Any}", "가", true],
    ["", "", true],
    ["(", "(", false],
  ])("%s on %j is %s", (pattern, text, wanted) => {
    expect(re2Matches(pattern, text)).toBe(wanted);
  });
});

describe("re2Problem", () => {
  it.each([
    ["(", "a parenthesis is not closed"],
    [")", "a parenthesis closes nothing"],
    ["*", "a quantifier has nothing before it"],
    ["(*)", "a quantifier has nothing before it"],
    ["a**", "a quantifier follows a quantifier"],
    ["a*+", "a quantifier follows a quantifier"],
    ["a{1001}", "repeats too often"],
    ["a{2,1}", "from more to less"],
    ["(a{100}){11}", "repeats too often"],
    ["[a", "a bracket is not closed"],
    ["[b-a]", "a range ends before it begins"],
    ["[[:alnum", "a bracket is not closed"],
    ["[[:letter:]]", "there is no class [:letter:]"],
    ["\\", "it ends in a backslash"],
    ["\\1", "it refers back to a group"],
    ["\\Z", "there is no escape \\Z"],
    ["\\C", "\\C is not supported"],
    ["[\\b]", "there is no escape \\b"],
    ["\\x{110000}", "beyond the last character"],
    ["\\p{Foo}", "there is no class \\p{Foo}"],
    ["\\p", "a class \\p has no name"],
    ["[\\p{]", "a class \\p has no name"],
    ["(?=a)", "looks ahead"],
    ["(?!a)", "looks ahead"],
    ["(?<=a)", "it looks behind"],
    ["(?P<a b>c)", "a group's name is no name"],
    ["(?-)", "a group that RE2 has not"],
    ["(".repeat(1001), "nest too deep"],
  ])("of %s", (pattern, wanted) => {
    expect(re2Problem(pattern)).toContain(wanted);
  });

  it.each([
    "a{1000}",
    "[[:alnum]",
    "(a{100}){10}",
    "(?i-s:a)",
    "(?)",
    "\\_",
    "{",
    "]",
    "}",
  ])("has nothing against %s", (pattern) => {
    expect(re2Problem(pattern)).toBeUndefined();
  });
});
