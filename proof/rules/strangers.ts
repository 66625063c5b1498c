import type { SiteFile } from "../rule.ts";

/**
 * Two peers of this site that do not list each other. Both are remote clusters here, so they may not collide, and no rule of their own files
 * compares them.
 */
export function strangers(peers: readonly SiteFile[]): [SiteFile, SiteFile][] {
  const lists = (one: SiteFile, other: SiteFile) => one.site.mesh?.peers.includes(other.site.name) ?? false;
  return peers.flatMap((one, index) =>
    peers
      .slice(index + 1)
      .filter((other) => !lists(one, other) && !lists(other, one))
      .map((other): [SiteFile, SiteFile] => [one, other]),
  );
}
