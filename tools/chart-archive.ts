import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { gunzipSync } from "node:zlib";

const blockBytes = 512;

/** The files of an unpacked chart folder or of a packed `.tgz`, by their path inside the chart (`values.yaml`, `templates/...`). */
export function readChart(path: string): Map<string, string> {
  return statSync(path).isDirectory() ? readFolder(path) : readArchive(gunzipSync(readFileSync(path)));
}

function readFolder(root: string): Map<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return [relative(root, file), readFileSync(file, "utf8")];
    }),
  );
}

/** POSIX ustar, the only format `helm package` writes: a 512-byte header, the content, padding to the next block. */
function readArchive(tar: Buffer): Map<string, string> {
  const files = new Map<string, string>();
  let offset = 0;
  while (offset + blockBytes <= tar.length) {
    const text = (from: number, length: number) =>
      tar
        .subarray(offset + from, offset + from + length)
        .toString("utf8")
        .replace(/\0.*$/s, "");
    const name = [text(345, 155), text(0, 100)].filter((part) => part !== "").join("/");
    if (name === "") break;
    const size = Number.parseInt(text(124, 12).trim() || "0", 8);
    const content = tar.subarray(offset + blockBytes, offset + blockBytes + size);
    // The first folder is the chart's name.
    if (["0", ""].includes(text(156, 1))) files.set(name.split("/").slice(1).join("/"), content.toString("utf8"));
    offset += blockBytes * (1 + Math.ceil(size / blockBytes));
  }
  return files;
}
