import type { VpnConnectionArgs } from "@pulumi/aws/ec2/vpnConnection.js";
import type * as pulumi from "@pulumi/pulumi";
import { awsProposal, type Tunnel } from "./tunnels.ts";

/**
 * The options of a VPN connection's two tunnels. AWS dials by itself (`start`), and dials again when the peer has gone silent
 * (`restart`): by default it would wait to be called, and stay down after a loss.
 */
export function awsTunnelArgs(
  [first, second]: readonly [Tunnel, Tunnel],
  keyOf: (tunnel: Tunnel) => pulumi.Output<string>,
): Partial<VpnConnectionArgs> {
  return {
    tunnel1InsideCidr: first.inside,
    tunnel1PresharedKey: keyOf(first),
    tunnel1IkeVersions: awsProposal.ikeVersions,
    tunnel1Phase1EncryptionAlgorithms: awsProposal.encryption,
    tunnel1Phase1IntegrityAlgorithms: awsProposal.integrity,
    tunnel1Phase1DhGroupNumbers: awsProposal.dhGroups,
    tunnel1Phase1LifetimeSeconds: awsProposal.phase1Seconds,
    tunnel1Phase2EncryptionAlgorithms: awsProposal.encryption,
    tunnel1Phase2IntegrityAlgorithms: awsProposal.integrity,
    tunnel1Phase2DhGroupNumbers: awsProposal.dhGroups,
    tunnel1Phase2LifetimeSeconds: awsProposal.phase2Seconds,
    tunnel1StartupAction: "start",
    tunnel1DpdTimeoutAction: "restart",
    tunnel2InsideCidr: second.inside,
    tunnel2PresharedKey: keyOf(second),
    tunnel2IkeVersions: awsProposal.ikeVersions,
    tunnel2Phase1EncryptionAlgorithms: awsProposal.encryption,
    tunnel2Phase1IntegrityAlgorithms: awsProposal.integrity,
    tunnel2Phase1DhGroupNumbers: awsProposal.dhGroups,
    tunnel2Phase1LifetimeSeconds: awsProposal.phase1Seconds,
    tunnel2Phase2EncryptionAlgorithms: awsProposal.encryption,
    tunnel2Phase2IntegrityAlgorithms: awsProposal.integrity,
    tunnel2Phase2DhGroupNumbers: awsProposal.dhGroups,
    tunnel2Phase2LifetimeSeconds: awsProposal.phase2Seconds,
    tunnel2StartupAction: "start",
    tunnel2DpdTimeoutAction: "restart",
  };
}
