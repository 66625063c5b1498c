/** A flow as Hubble never prints it: `a:80 <- b:1234 (ALLOWED, SQL query)`. */
const invented = /\S+:\d+\s*(?:<-|->|<>)\s*\S+:\d+\s+\((ALLOWED|DENIED|DROPPED),\s*([^)]*)\)/;

/** Lines that show made-up flows. A reader who looks for these words in a real log finds none. */
export function inventedFlows(text: string): { line: number; message: string; fix: string }[] {
  return text.split("\n").flatMap((line, index) => {
    const [, verdict, detail] = line.length < 1000 ? (invented.exec(line) ?? []) : [];
    return verdict === undefined
      ? []
      : [
          {
            line: index + 1,
            message: `Hubble prints no "(${verdict}, ${detail})".`,
            fix: "Show what hubble observe prints: the flow's type, then FORWARDED or DROPPED; a request that L7 policy refuses is an HTTP 403.",
          },
        ];
  });
}
