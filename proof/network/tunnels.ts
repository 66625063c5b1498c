import type { Cidr } from "../../components/network/cidr.ts";
import { contains } from "../../components/network/cidr.ts";
import { vpnMtu } from "../../components/network/mtu.ts";
import type { Flaw, NetworkPart, Route, Router, Tunnel, TunnelEnd } from "./model.ts";

/** Pairs the ends that name each other's BGP address, and says why a pair does not come up. */
export function pairTunnels(ends: readonly TunnelEnd[]): { tunnels: Tunnel[]; flaws: Flaw[] } {
  const tunnels: Tunnel[] = [];
  const left = new Set(ends);
  for (const aws of ends.filter(({ side }) => side === "aws")) {
    const azure = [...left].find(
      (end) =>
        end.side === "azure" &&
        end.origin.stack === aws.origin.stack &&
        end.address !== undefined &&
        end.address === aws.peerAddress &&
        end.peerAddress === aws.address,
    );
    if (!azure) continue;
    left.delete(aws);
    left.delete(azure);
    tunnels.push({ aws, azure, problems: problemsOf(aws, azure) });
  }
  const flaws = [...left].map(({ origin, label, address, peerAddress }) => ({
    origin,
    message: `${label} speaks BGP as ${address ?? "nobody"} with ${peerAddress ?? "nobody"}, and no end on the other side does the reverse`,
  }));
  return { tunnels, flaws };
}

function problemsOf(aws: TunnelEnd, azure: TunnelEnd): string[] {
  const missing = aws.proposal.filter((word) => !azure.proposal.includes(word));
  const extra = azure.proposal.filter((word) => !aws.proposal.includes(word));
  return [
    ...aws.problems,
    ...azure.problems,
    ...(aws.key === undefined || aws.key !== azure.key ? ["the two ends have different pre-shared keys"] : []),
    ...dialProblem(aws, azure),
    ...dialProblem(azure, aws),
    ...asnProblem(aws, azure),
    ...asnProblem(azure, aws),
    ...(aws.asn !== undefined && aws.asn === azure.asn ? [`both ends have ASN ${aws.asn}`] : []),
    ...(missing.length + extra.length > 0
      ? [`AWS proposes ${missing.join(", ") || "nothing else"}, Azure ${extra.join(", ") || "nothing else"}`]
      : []),
  ];
}

function dialProblem(one: TunnelEnd, other: TunnelEnd): string[] {
  return one.dials === other.own && one.dials !== undefined ? [] : [`${one.label} does not dial ${other.label}`];
}

function asnProblem(one: TunnelEnd, other: TunnelEnd): string[] {
  return one.peerAsn === other.asn && one.peerAsn !== undefined
    ? []
    : [`${one.label} expects ASN ${one.peerAsn ?? "none"}, and ${other.label} has ${other.asn ?? "none"}`];
}

/** The routers with what BGP teaches them over the tunnels that come up. */
export function learn(part: Pick<NetworkPart, "routers">, tunnels: readonly Tunnel[]): Router[] {
  const routers = new Map(part.routers.map((router) => [router.id, router]));
  const learned = new Map<string, Route[]>();
  for (const tunnel of tunnels.filter(({ problems }) => problems.length === 0)) {
    for (const [end, other] of [
      [tunnel.aws, tunnel.azure],
      [tunnel.azure, tunnel.aws],
    ] as const) {
      const prefixes = announced(other, routers).filter(
        (prefix) => !(end.refuses ?? []).some((block) => contains(block, prefix)),
      );
      for (const learner of end.learners) {
        const routes = learned.get(learner.router) ?? [];
        for (const prefix of prefixes) {
          routes.push({
            prefix,
            next: learner.via
              ? { kind: "router", ...learner.via }
              : {
                  kind: "router",
                  router: other.router ?? "",
                  label: `IPsec ${tunnel.aws.label} to ${tunnel.azure.label}`,
                  mtu: vpnMtu,
                },
            preference: learner.preference,
            origin: learner.origin,
            implied: true,
          });
        }
        learned.set(learner.router, routes);
      }
    }
  }
  return part.routers.map((router) => ({
    ...router,
    routes: [...router.routes, ...distinct(learned.get(router.id) ?? [])],
  }));
}

/** What an end announces: written or propagated prefixes, none that it learned itself. */
function announced({ announces }: TunnelEnd, routers: ReadonlyMap<string, Router>): Cidr[] {
  return announces.kind === "blocks"
    ? [...announces.blocks]
    : [...new Set((routers.get(announces.router)?.routes ?? []).map(({ prefix }) => prefix))];
}

/** Four tunnels teach a subnet the same way to one gateway. */
function distinct(routes: readonly Route[]): Route[] {
  const seen = new Map(
    routes.map((route) => [
      `${route.prefix} ${route.next.kind === "router" ? `${route.next.router} ${route.next.label}` : route.next.kind}`,
      route,
    ]),
  );
  return [...seen.values()];
}
