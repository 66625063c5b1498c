import { ciliumMinors } from "../components/cilium/versions.ts";
import type { SiteSpec } from "../components/config/schema.ts";
import { minorOf } from "../components/kubernetes/versions.ts";
import { type Mesh, meshesOf, meshOf } from "./mesh-members.ts";
import { meshStatements } from "./mesh-statements.ts";
import type { Proof } from "./proof.ts";

/** What is missing in a member's own values, whatever the others do. Its values can be computed. */
export function memberProblems(site: SiteSpec, peers: readonly SiteSpec[]): string[] {
  const mesh = meshOf([site, ...peers]);
  const own = mesh.members.filter((member) => member.site === site);
  const links = mesh.links.filter(([from]) => from.site === site);
  const alone: Mesh = { members: own, links, joined: [], neighbours: [] };
  const codes = ["GB-2003", "GB-2008", "GB-2010", "GB-2012"];
  return meshStatements.filter(({ code }) => codes.includes(code)).flatMap(({ check }) => check(alone).problems);
}

/** Every statement about every mesh among the sites; empty when there is no mesh. Pure. */
export function proveMeshes(sites: readonly SiteSpec[]): Proof[] {
  return meshesOf(sites).flatMap((members) => {
    const names = members.map(({ name }) => name).join(", ");
    const unknown = members.find(({ cilium }) => !ciliumMinors.some(({ minor }) => minor === minorOf(cilium.version)));
    const mesh = unknown ? undefined : meshOf(members);
    return meshStatements.map(({ code, title, check }): Proof => {
      const { facts, problems } = mesh
        ? check(mesh)
        : { facts: {}, problems: [`Cilium ${unknown?.cilium.version} of ${unknown?.name} is not known here`] };
      const [counterexample] = problems;
      return {
        id: code,
        title,
        holds: counterexample === undefined,
        facts: { members: names, ...facts },
        ...(counterexample === undefined ? {} : { counterexample: `${counterexample}.` }),
      };
    });
  });
}
