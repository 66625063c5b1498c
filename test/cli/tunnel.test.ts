import { expect, it } from "vitest";
import { bastionAddress } from "../../cli/pulumi-cli.ts";

const urn = (type: string, name: string) => `urn:pulumi:prod-seoul::gyeongbu::${type}::${name}`;
const state = (...resources: unknown[]) => JSON.stringify({ version: 3, deployment: { resources } });
const machine = { urn: urn("aws:ec2/instance:Instance", "prod-seoul-bastion"), outputs: { privateIp: "10.10.240.10" } };

it.each([
  ["an Elastic IP", { urn: urn("aws:ec2/eip:Eip", "prod-seoul-bastion"), outputs: { publicIp: "203.0.113.7" } }],
  [
    "an Azure address",
    { urn: urn("azure-native:network:PublicIPAddress", "prod-seoul-bastion"), outputs: { ipAddress: "203.0.113.7" } },
  ],
])("finds the bastion by %s", (_, address) => {
  expect(bastionAddress(state(machine, address), "prod-seoul-bastion")).toBe("203.0.113.7");
});

it("finds none before it exists, nor another machine's", () => {
  const other = { urn: urn("aws:ec2/eip:Eip", "prod-seoul-nat-a"), outputs: { publicIp: "203.0.113.8" } };
  expect(bastionAddress(state(machine, other), "prod-seoul-bastion")).toBeUndefined();
  expect(bastionAddress(JSON.stringify({ deployment: {} }), "prod-seoul-bastion")).toBeUndefined();
});
