/** One machine size that a stack file may name. */
export interface Machine {
  readonly vcpus: number;
  readonly memoryGiB: number;
  /** CPU credits run out under load, and with them etcd's fsync: never for control planes. */
  readonly burstable: boolean;
}

/**
 * EC2 types, x86-64, sold in ap-northeast-2 (aws.amazon.com/ec2/instance-types). To allow another, add a line.
 */
export const ec2Machines = {
  "t3.micro": { vcpus: 2, memoryGiB: 1, burstable: true },
  "t3.medium": { vcpus: 2, memoryGiB: 4, burstable: true },
  "m7i.large": { vcpus: 2, memoryGiB: 8, burstable: false },
  "m7i.xlarge": { vcpus: 4, memoryGiB: 16, burstable: false },
  "m7i.2xlarge": { vcpus: 8, memoryGiB: 32, burstable: false },
  "m7i.4xlarge": { vcpus: 16, memoryGiB: 64, burstable: false },
  "c7i.2xlarge": { vcpus: 8, memoryGiB: 16, burstable: false },
  "r7i.2xlarge": { vcpus: 8, memoryGiB: 64, burstable: false },
} as const satisfies Record<string, Machine>;

/**
 * Azure sizes, x86-64, for koreasouth (learn.microsoft.com/azure/virtual-machines/sizes). To allow another, add a line.
 */
export const azureMachines = {
  Standard_B2s: { vcpus: 2, memoryGiB: 4, burstable: true },
  Standard_D2s_v5: { vcpus: 2, memoryGiB: 8, burstable: false },
  Standard_D4s_v5: { vcpus: 4, memoryGiB: 16, burstable: false },
  Standard_D8s_v5: { vcpus: 8, memoryGiB: 32, burstable: false },
  Standard_D16s_v5: { vcpus: 16, memoryGiB: 64, burstable: false },
  Standard_F8s_v2: { vcpus: 8, memoryGiB: 16, burstable: false },
  Standard_E8s_v5: { vcpus: 8, memoryGiB: 64, burstable: false },
} as const satisfies Record<string, Machine>;
