import { assemble } from "../assemble.ts";
import { failure, outward } from "../pairs.ts";
import { Paths } from "../path.ts";
import type { Network, NetworkStatement } from "../prove.ts";
import { isEmpty } from "../traffic.ts";
import { first } from "./reach.ts";

/** Two gateway machines on Azure, two tunnels to each (learn.microsoft.com/azure/vpn-gateway/vpn-gateway-highlyavailable). */
const tunnelsPerJoint = 4;

export const tunnels: NetworkStatement = {
  code: "GB-1911",
  severity: "error",
  title: "All four tunnels of an interconnect come up, and each alone carries everything between its sites.",
  korean: "인터커넥트의 터널 네 개는 모두 연결되고, 하나만 남아도 두 사이트 사이의 모든 트래픽을 나릅니다.",
  reason:
    "AWS takes tunnels down for maintenance one at a time, and a key, ASN or APIPA address that is wrong on one end is hidden by the other three (docs.aws.amazon.com/vpn/latest/s2svpn, learn.microsoft.com/azure/vpn-gateway/vpn-gateway-howto-aws-bgp).",
  check: (network) => {
    const { parts, sites } = network;
    const broken = first(
      parts.tunnels,
      ({ aws, problems }) => problems[0] && `${aws.label} (stack ${aws.origin.stack}): ${problems[0]}`,
    );
    const expected = sites.joined.length * tunnelsPerJoint;
    return {
      facts: { tunnels: parts.tunnels.length, interconnects: sites.joined.length },
      counterexample:
        broken ??
        (parts.tunnels.length === expected
          ? first(parts.tunnels, (tunnel) => alone(network, tunnel))
          : `${parts.tunnels.length} tunnels have two ends; ${expected} are planned`),
    };
  },
};

/** Walks between the nodes of two sites as if the other tunnels of their interconnect were down. */
function alone({ sites, parts, pairs }: Network, tunnel: Network["parts"]["tunnels"][number]): string | undefined {
  const others = parts.tunnels.filter(({ aws }) => aws.origin.stack !== tunnel.aws.origin.stack);
  const paths = new Paths(assemble(sites, parts, [tunnel, ...others]));
  const joint = sites.joined.find(({ stack }) => stack === tunnel.aws.origin.stack);
  const ends = joint ? [joint.aws, joint.azure] : [];
  const between = pairs.filter(
    ({ from, to, required }) =>
      from.site !== to.site && ends.includes(from.site) && ends.includes(to.site) && !isEmpty(required),
  );
  const lost = first(between, (pair) => failure({ ...pair, out: outward(pair.from, pair.to, paths) }, paths));
  return lost && `with only ${tunnel.aws.label}: ${lost}`;
}
