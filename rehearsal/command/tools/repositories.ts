import type { Host } from "../host.ts";
import type { Repository } from "./packages.ts";

/** The repositories that the host's sources name; both the one-line and the deb822 style. */
export function repositories(host: Host): Repository[] {
  const found: Repository[] = [];
  const directory = "/etc/apt/sources.list.d";
  for (const file of ["/etc/apt/sources.list", ...host.files.list(directory).map((name) => `${directory}/${name}`)]) {
    const content = host.files.read(file) ?? "";
    if (file.endsWith(".sources")) found.push(...deb822(content, file));
    else if (file.endsWith(".list")) found.push(...oneLine(content, file));
  }
  return found;
}

function oneLine(content: string, file: string): Repository[] {
  return content.split("\n").flatMap((line) => {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(.+)$/.exec(line.trim());
    if (match === null) return [];
    const signedBy = /signed-by=(\S+)/i.exec(match[1] ?? "")?.[1];
    return [{ uri: match[2] ?? "", suites: match[3] ?? "", signedBy, file }];
  });
}

function deb822(content: string, file: string): Repository[] {
  return content.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:\\s*(.+)$`, "im").exec(stanza)?.[1]?.trim();
    if (/^Enabled:\s*no/im.test(stanza)) return [];
    // An inline key begins on its own line, so the field itself holds nothing.
    const signedBy = field("Signed-By") ?? (/BEGIN PGP PUBLIC KEY BLOCK/.test(stanza) ? "inline" : undefined);
    return (field("URIs") ?? "")
      .split(/\s+/)
      .filter((uri) => uri !== "")
      .map((uri) => ({ uri, suites: field("Suites") ?? "", signedBy, file }));
  });
}

/** Whether apt believes what the repository says: a key is named, and there. */
export function trusted(host: Host, { signedBy, uri }: Repository): boolean {
  if (signedBy === "inline" || signedBy?.startsWith("/usr/share/keyrings/ubuntu-") === true) return true;
  if (signedBy === undefined) return /ubuntu\.com\//.test(uri) || host.files.list("/etc/apt/trusted.gpg.d").length > 0;
  return (host.files.read(signedBy) ?? "") !== "";
}
