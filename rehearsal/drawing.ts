import { isRecord, type StackFile } from "./stack-files.ts";

/** Width of one box, its frame included; two of them and the line between fit into 80 columns. */
const boxWidth = 33;
const gap = 12;

/** A plain drawing of what the stack files say: a box per site, what joins them, and which one serves users. */
export function drawSites(files: readonly StackFile[]): string {
  const sites = files.filter(({ kind }) => kind === "site");
  const entry = files.find(({ kind }) => kind === "entry");
  const joined = files.find(({ kind }) => kind === "interconnect");
  const active = entry?.spec.activeSite;
  const lines: string[] = [];
  if (entry !== undefined) lines.push(`users -> ${word(entry.spec.record)} -> ${word(active)} (active)`, "");
  for (let index = 0; index < sites.length; index += 2) {
    const [left, right] = sites.slice(index, index + 2);
    if (left === undefined) break;
    const link = right === undefined ? [] : linkBetween(left, right, joined);
    lines.push(...beside(box(left, active), right === undefined ? [] : box(right, active), link), "");
  }
  return lines.join("\n").trimEnd();
}

function box(site: StackFile, active: unknown): string[] {
  const { spec } = site;
  const network = isRecord(spec.network) ? spec.network : {};
  const kubernetes = isRecord(spec.kubernetes) ? spec.kubernetes : {};
  const cilium = isRecord(spec.cilium) ? spec.cilium : {};
  const place = spec.region ?? spec.location;
  const content = [
    `${site.name}${site.name === active ? " *" : ""}`,
    `${word(spec.platform)} ${place === undefined ? "" : word(place)}`,
    `cluster id ${word(spec.id)}`,
    `nodes    ${word(network.nodes)}`,
    `pods     ${word(network.pods)}`,
    `services ${word(network.services)}`,
    ...poolLines(spec.nodePools),
    `Kubernetes ${word(kubernetes.version)}`,
    `Cilium ${word(cilium.version ?? "newest")}, ${word(cilium.encryption ?? "wireguard")}`,
  ];
  const edge = `+${"-".repeat(boxWidth - 2)}+`;
  const inside = boxWidth - 4;
  return [edge, ...content.map((line) => `| ${line.slice(0, inside).padEnd(inside)} |`), edge];
}

function poolLines(pools: unknown): string[] {
  if (!Array.isArray(pools)) return [];
  return pools.filter(isRecord).map((pool) => {
    const count = Array.isArray(pool.hosts) ? pool.hosts.length : pool.count;
    const machine = pool.instanceType ?? pool.vmSize ?? "machines";
    return `${word(count)} x ${word(pool.role)} ${word(machine)}`;
  });
}

/** What stands on the line between two boxes: how their networks meet, and whether their clusters do. */
function linkBetween(left: StackFile, right: StackFile, joined: StackFile | undefined): string[] {
  const ends = joined === undefined ? [] : [siteOf(joined.spec.aws), siteOf(joined.spec.azure)];
  const tunnelled = ends.includes(left.name) && ends.includes(right.name);
  const meshed = peersOf(left).includes(right.name) && peersOf(right).includes(left.name);
  return [...(tunnelled ? ["4 tunnels"] : []), ...(meshed ? ["mesh"] : [])];
}

function siteOf(end: unknown): unknown {
  return isRecord(end) ? end.site : undefined;
}

function peersOf({ spec }: StackFile): unknown[] {
  const mesh = spec.mesh;
  return isRecord(mesh) && Array.isArray(mesh.peers) ? mesh.peers : [];
}

function beside(left: string[], right: string[], link: string[]): string[] {
  const height = Math.max(left.length, right.length);
  const middle = Math.floor((height - link.length * 2) / 2);
  return Array.from({ length: height }, (_, row) => {
    const label = link[Math.floor((row - middle) / 2)];
    const between =
      label === undefined || row < middle ? "" : (row - middle) % 2 === 0 ? centre(label) : "=".repeat(gap);
    return `${left[row] ?? " ".repeat(boxWidth)}${between.padEnd(gap)}${right[row] ?? ""}`.trimEnd();
  });
}

function centre(label: string): string {
  return label.padStart(Math.ceil((gap + label.length) / 2)).padEnd(gap);
}

/** A plain value of a stack file as text; anything else is left to the program to refuse. */
function word(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "?";
}
