import { z } from "zod";
import type { SiteSpec } from "../../../components/config/schema.ts";
import { podMtu } from "../../../components/network/mtu.ts";
import type { PlannedStack } from "../../recorded.ts";
import type { Pair } from "../pairs.ts";
import type { Network, NetworkStatement } from "../prove.ts";
import { first } from "./reach.ts";

const Release = z.object({ chart: z.string(), values: z.object({ MTU: z.int() }) });

export const packetSizes: NetworkStatement = {
  code: "GB-1907",
  severity: "error",
  title: "The largest packet that Cilium sends fits every hop between the nodes of a mesh.",
  korean: "Cilium이 보내는 가장 큰 패킷은 메시의 노드 사이에 있는 모든 구간을 통과합니다.",
  reason:
    "Cloud routers drop what is too large, and WireGuard's outer packets have no MSS to clamp: 1400 bytes pass Azure's VPN gateway (learn.microsoft.com/azure/vpn-gateway/vpn-gateway-about-vpn-devices), 8500 a Transit Gateway, 9001 a VPC.",
  check: (network) => {
    const sizes = new Map(network.sites.all.map((site) => [site.name, mtuOf(site, network.stacks)]));
    const crossing = network.pairs.filter(
      ({ from, to }) => among(network, from.site, to.site) && wired.includes(from.kind) && wired.includes(to.kind),
    );
    const narrowest = Math.min(...crossing.flatMap(({ out }) => out.map(({ mtu }) => mtu)));
    return {
      facts: {
        ...Object.fromEntries(
          network.sites.all.map(({ name, cilium }) => [
            `${name}: bytes on the wire / in a pod`,
            `${sizes.get(name) ?? 0} / ${podMtu({ ...cilium, mtu: sizes.get(name) ?? 0 })}`,
          ]),
        ),
        ...(Number.isFinite(narrowest) ? { narrowestHop: narrowest } : {}),
      },
      counterexample: first(crossing, (pair) => tooLarge(pair, sizes.get(pair.from.site) ?? 0)),
    };
  },
};

const wired: readonly Pair["from"]["kind"][] = ["node", "pod"];

function among({ tables }: Network, one: string, other: string): boolean {
  return (tables.get(one)?.sees(other) ?? false) && (tables.get(other)?.sees(one) ?? false);
}

/** What Helm is given; what the stack file says where no release is recorded. */
function mtuOf(site: SiteSpec, stacks: readonly PlannedStack[]): number {
  const resources = stacks.find(({ file }) => file.kind === "site" && file.spec === site)?.resources ?? [];
  for (const { type, inputs } of resources) {
    const release = type === "kubernetes:helm.sh/v3:Release" ? Release.safeParse(inputs) : undefined;
    if (release?.success) return release.data.values.MTU;
  }
  return site.cilium.mtu;
}

function tooLarge({ from, to, out }: Pair, size: number): string | undefined {
  const leg = out.find(({ end, mtu }) => end.kind === "port" && mtu < size);
  return (
    leg &&
    `${from.label} -> ${to.label}, packets of ${size} bytes: ${leg.hops.join("; ")}; dropped: the way carries ${leg.mtu} bytes`
  );
}
