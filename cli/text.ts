/** Laying out what the commands print. */

/** Breaks a line between words at 80 columns; what follows is indented by so many columns. */
export function wrap(line: string, indent: number): string {
  const cut = line.length <= 80 ? -1 : line.lastIndexOf(" ", 80);
  return cut <= indent ? line : `${line.slice(0, cut)}\n${wrap(`${" ".repeat(indent)}${line.slice(cut + 1)}`, indent)}`;
}

/** Text in a cell of a Markdown table. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", "<br>");
}

/** A Markdown table; nothing without rows. */
export function table(head: readonly string[], rows: readonly string[]): string {
  return rows.length === 0 ? "" : [`| ${head.join(" | ")} |`, `|${"---|".repeat(head.length)}`, ...rows].join("\n");
}

/** A fence longer than any inside. */
export function fenced(text: string, language = ""): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
