import type { World } from "../../world.ts";
import type { ClusterRecord, NodeRecord, SigningRequest } from "../cluster.ts";
import { Host } from "../host.ts";
import { findMachine } from "../machine.ts";
import { machineAnswers } from "../tools/network.ts";
import { kubeletRuns } from "../tools/units.ts";

/** A node as the API server shows it. */
export function nodeObject(node: NodeRecord, cluster: ClusterRecord, world: World): Record<string, unknown> {
  const { name, address, labels, annotations, podCIDR, taints, unschedulable } = node;
  const alive = nodeAlive(node, world);
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels, annotations },
    spec: {
      ...(podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] }),
      ...(taints.length === 0 ? {} : { taints }),
      ...(unschedulable ? { unschedulable } : {}),
    },
    status: {
      addresses: [
        { type: "InternalIP", address },
        { type: "Hostname", address: name },
      ],
      // Without a network plugin a kubelet reports NotReady; Cilium is not kubectl's business here.
      conditions: [
        { type: "Ready", status: alive ? "True" : "Unknown", reason: alive ? "KubeletReady" : "NodeStatusUnknown" },
      ],
      nodeInfo: {
        kubeletVersion: cluster.version,
        osImage: "Ubuntu 24.04.3 LTS",
        containerRuntimeVersion: "containerd://2.3.2",
      },
    },
  };
}

/** Whether the node's machine runs and its kubelet belongs to it. */
export function nodeAlive({ address }: NodeRecord, world: World): boolean {
  const machine = findMachine(world, address);
  return machine !== undefined && machineAnswers(world, address) && kubeletRuns(Host.open(machine));
}

/** A certificate signing request as the API server shows it. */
export function requestObject({ name, user, request, approved }: SigningRequest): Record<string, unknown> {
  return {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name },
    spec: {
      signerName: "kubernetes.io/kubelet-serving",
      username: user,
      groups: ["system:nodes", "system:authenticated"],
      request,
      usages: ["digital signature", "server auth"],
    },
    status: approved ? { conditions: [{ type: "Approved", status: "True" }] } : {},
  };
}
