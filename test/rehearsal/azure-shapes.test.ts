import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Properties, Secret, Unknown } from "../../rehearsal/stand-in.ts";
import { ruleInputs } from "./azure-acts.ts";
import { azureSite, nicInputs } from "./azure-cloud.ts";

const folder = new URL("../../rehearsal/azure-native/", import.meta.url);

describe("shapes", () => {
  it("were made from the packages that are installed", () => {
    const { sources } = JSON.parse(readFileSync(new URL("data/shapes.json", folder), "utf8"));
    const installed = Object.keys(sources).map((name) => {
      const manifest = new URL(`../../node_modules/${name}/package.json`, folder);
      return [name, JSON.parse(readFileSync(manifest, "utf8")).version];
    });
    expect(sources, "run tools/azure-shapes.ts").toEqual(Object.fromEntries(installed));
  });

  const problems = (inputs: Properties, resource = "network:NetworkInterface"): Promise<string[]> =>
    azureSite().then((cloud) => cloud.check(resource, inputs).map(({ property, reason }) => `${property}: ${reason}`));

  it("names the nearest real property, at any depth", async () => {
    const wrong = nicInputs("a", "10.20.0.4", { subnett: { id: "x" } });
    expect(await problems({ ...wrong, resourceGroupName: "busan" })).toEqual([
      'ipConfigurations[0].subnett: is not a property here; did you mean "subnet"?',
    ]);
  });

  it("refuses what Azure sets itself", async () => {
    expect(await problems({ resourceGroupName: "busan", macAddress: "00" })).toEqual([
      "macAddress: is set by Azure and cannot be given",
    ]);
  });

  it("asks for what is required, in the SDK's or the service's eyes", async () => {
    expect(
      await problems({ resourceGroupName: "g", loadBalancingRules: [{ name: "a" }] }, "network:LoadBalancer"),
    ).toEqual(["loadBalancingRules[0].frontendPort: is required", "loadBalancingRules[0].protocol: is required"]);
  });

  it("checks types, enums and ranges, and lets unknown and secret values through", async () => {
    const inputs = {
      resourceGroupName: Unknown.value,
      localNetworkGatewayName: new Secret(7),
      bgpSettings: { asn: -1 },
    };
    expect(await problems(inputs, "network:LocalNetworkGateway")).toEqual([
      "localNetworkGatewayName: must be a string",
      "bgpSettings.asn: must be within 0..4294967295",
    ]);
    const [message] = await problems(
      { ...ruleInputs, resourceGroupName: "g", protocol: "TCPP" },
      "network:SecurityRule",
    );
    expect(message).toBe('protocol: must be one of Tcp, Udp, Icmp, Esp, *, Ah; did you mean "Tcp"?');
  });
});
