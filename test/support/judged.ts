import type { Finding } from "../../components/config/finding.ts";
import { judge } from "../../proof/judge.ts";
import { type Config, stackFile, within } from "./stacks.ts";

export type Edit = (config: Config) => void;
/** A plan that is judged when it is called. */
export type Judged = () => Finding[];
/** For a rule: plans that it must refuse, each with words that its message must hold, and near misses that must pass. */
export interface Fixture {
  readonly refused: readonly (readonly [Judged, string])[];
  readonly passes: readonly Judged[];
}

const idc = "examples/securities-idc";

type Step = readonly [path: readonly (string | number)[], value: unknown];

/** Sets values below the stack's own key; `undefined` removes one. */
export function on(kind: "site" | "interconnect" | "entry", ...steps: readonly Step[]): Edit {
  return (config) => {
    for (const [path, value] of steps) {
      const parent = within(config, `gyeongbu:${kind}`, ...path.slice(0, -1));
      if (value === undefined) Reflect.deleteProperty(parent, path.at(-1) ?? "");
      else Reflect.set(parent, path.at(-1) ?? "", value);
    }
  };
}
export const onSite = (...steps: readonly Step[]): Edit => on("site", ...steps);

export const seoul = (edit?: Edit, peer?: Edit): Finding[] =>
  judge({ own: stackFile("prod-seoul", edit), others: [stackFile("dr-busan", peer)] }, undefined);
export const busan = (edit?: Edit, peer?: Edit): Finding[] =>
  judge({ own: stackFile("dr-busan", edit), others: [stackFile("prod-seoul", peer)] }, undefined);
export const idcSeoul = (edit?: Edit, peer?: Edit): Finding[] =>
  judge({ own: stackFile("idc-seoul", edit, idc), others: [stackFile("idc-busan", peer, idc)] }, undefined);
export const interconnect = (edit?: Edit, peer?: Edit): Finding[] =>
  judge(
    { own: stackFile("interconnect", edit), others: [stackFile("prod-seoul"), stackFile("dr-busan", peer)] },
    undefined,
  );
export const entry = (edit?: Edit, backendUrl?: string, site?: Edit): Finding[] =>
  judge({ own: stackFile("entry", edit), others: [stackFile("prod-seoul", site), stackFile("dr-busan")] }, backendUrl);
/** The cluster that is taken over. */
export const adopted = (edit?: Edit): Finding[] =>
  judge({ own: stackFile("local-k8s", edit, "examples/local-k8s"), others: [] }, undefined);
/** A hub with two peers that do not know each other. */
export const hub = (one?: Edit, other?: Edit): Finding[] => {
  const leaf = (name: string, id: number, second: number, edit: Edit = () => {}) =>
    stackFile("dr-busan", (config) => {
      onSite(
        [["name"], name],
        [["id"], id],
        [
          ["network"],
          { nodes: `10.${second}.0.0/16`, pods: `10.${128 + id}.0.0/16`, services: `172.${20 + id}.0.0/16` },
        ],
      )(config);
      edit(config);
    });
  return judge(
    {
      own: stackFile(
        "prod-seoul",
        onSite([
          ["mesh", "peers"],
          ["left", "right"],
        ]),
      ),
      others: [leaf("left", 2, 20, one), leaf("right", 3, 21, other)],
    },
    undefined,
  );
};
