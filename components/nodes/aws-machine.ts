import type { InstanceArgs } from "@pulumi/aws/ec2/instance.js";
import type * as pulumi from "@pulumi/pulumi";
import type { AwsPoolSpec } from "../config/schema.ts";

/**
 * What every machine of ours on EC2 has in common.
 *
 * There is no instance profile: nothing on our machines calls AWS, so there are no credentials for a pod to steal. Should something need
 * them, give that machine a role of its own.
 *
 * @param rootGiB      30 to 2048.
 * @param networkPort  Id of the network interface that carries the slot's address.
 */
export function awsMachineArgs(
  { imageId, instanceType }: Pick<AwsPoolSpec, "imageId" | "instanceType">,
  rootGiB: number,
  networkPort: pulumi.Input<string>,
  userData: pulumi.Input<string>,
  tags: Record<string, string>,
): InstanceArgs {
  return {
    ami: imageId,
    instanceType,
    primaryNetworkInterface: { networkInterfaceId: networkPort },
    userData,
    rootBlockDevice: { volumeType: "gp3", volumeSize: rootGiB, encrypted: true, deleteOnTermination: true, tags },
    // cloud-init reads its user data there; one hop, so that a pod's packet, which takes two, does not arrive.
    metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
    tags,
  };
}

/**
 * A new image or a new cloud-init text changes the machines to come, not those that run: with either as a difference, one `up` would
 * replace every node at once, etcd included. Roll a node with `pulumi up --target-replace URN`.
 */
export const imageIsPinned = { ignoreChanges: ["ami", "userData"] };
