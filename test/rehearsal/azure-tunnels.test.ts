import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Properties } from "../../rehearsal/stand-in.ts";
import type { JsonObject } from "../../rehearsal/world.ts";
import { answer, connectionInputs, joined, psk } from "./azure-link.ts";

describe("the AWS end of a tunnel", () => {
  const tunnel = {
    outsideAddress: "203.0.113.1",
    insideCidr: "169.254.21.0/30",
    pskFingerprint: `sha256:${createHash("sha256").update(psk).digest("hex")}`,
    peerAddress: "198.51.100.1",
    awsAsn: 64_512,
    customerAsn: 64_520,
  };
  async function meet(change: JsonObject, more: Properties = {}): Promise<string> {
    const cloud = await joined();
    const tunnels = [
      { ...tunnel, outsideAddress: "203.0.113.9" },
      { ...tunnel, ...change },
    ];
    cloud.world.put({
      provider: "aws",
      type: "aws:ec2/vpnConnection:VpnConnection",
      id: "vpn-1",
      urn: "",
      place: "ap-northeast-2",
      properties: { tunnels },
    });
    return answer(cloud, "network:VirtualNetworkGatewayConnection", connectionInputs(more));
  }

  it("matches", async () => {
    expect(await meet({})).toBe("accepted");
  });

  it.each<[what: string, change: JsonObject, words: string]>([
    [
      "pre-shared key",
      { pskFingerprint: "sha256:00" },
      "tunnel 2 of vpn-1 (203.0.113.1) and connection tunnel: pre-shared keys differ",
    ],
    ["ASN of AWS", { awsAsn: 64_513 }, "ASN of AWS: 64513 on AWS, 64512 on Azure"],
    ["ASN of Azure", { customerAsn: 64_521 }, "ASN of Azure: 64521 on AWS, 64520 on Azure"],
    [
      "inside block",
      { insideCidr: "169.254.22.0/30" },
      "BGP address of AWS (first host of the tunnel's /30): 169.254.22.1 on AWS, 169.254.21.1 on Azure; BGP address of Azure (second host of the tunnel's /30): 169.254.22.2 on AWS, 169.254.21.2 on Azure",
    ],
    [
      "instance",
      { peerAddress: "198.51.100.2" },
      "BGP address of Azure (second host of the tunnel's /30): 169.254.21.2 on AWS, 169.254.21.6 on Azure",
    ],
    [
      "public address",
      { peerAddress: "198.51.100.77" },
      "AWS's customer gateway is 198.51.100.77, which is no public address of vpn",
    ],
  ])("differs in its %s, and the refusal says so", async (_, change, words) => {
    const message = await meet(change);
    expect(message).toMatch(/^TunnelNeverComesUp: tunnel 2 of vpn-1/);
    expect(message).toContain(words);
  });
});
