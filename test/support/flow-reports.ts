import type { FlowReport } from "../../proof/flows/flow-report.ts";
import { defaultDeny, enforcing, flowLine, type HubbleEnd, judgedLines, pod } from "./hubble-flows.ts";

/** Pods that talk to each other, and the default deny that both their namespaces get. */
export const web = pod("shop", { app: "web" }, "10.128.0.1");
export const api = pod("shop", { app: "api" }, "10.128.0.2");
export const db = pod("data", { app: "db" }, "10.128.0.3");
export const closed = enforcing([defaultDeny("shop", "data")]);
/** What Hubble says of a packet that a policy drops today. */
export const dropped = {
  verdict: "DROPPED",
  drop_reason_desc: "POLICY_DENIED",
  event_type: { type: 1, sub_type: 133 },
};

/** The report on lines of a flow file, under these policies or the default deny. */
export const reportOf = (lines: readonly string[], ...enforcements: Parameters<typeof judgedLines>[1]) =>
  judgedLines(lines, enforcements.length > 0 ? enforcements : [closed]).report;

/** `ingress app=api <- ...` of each fragment: subject, then the rules as the policy has them. */
export function fragments({ missing }: FlowReport) {
  return missing.flatMap(({ fragments: all }) =>
    all.map(({ cluster, direction, policy: { kind, metadata, spec } }) => ({
      of: [cluster, kind === "CiliumNetworkPolicy" ? metadata.namespace : kind, direction].join(" "),
      spec,
    })),
  );
}

/** The peer of the first fragment of a direction. */
export function peer(direction: "ingress" | "egress", client: HubbleEnd, server: HubbleEnd, port = 80): unknown {
  const [found] = fragments(reportOf([flowLine(client, server, port)])).filter(({ of }) => of.endsWith(direction));
  const rules = found?.spec[direction];
  const [rule] = Array.isArray(rules) ? rules : [];
  const { toPorts: _, ...rest } = { ...rule };
  return rest;
}

/** A peer list of one selector. */
export const labels = (matchLabels: Record<string, string>) => [{ matchLabels }];
