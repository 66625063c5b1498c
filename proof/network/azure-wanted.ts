import { refer, type Wanted } from "./comparison-lines.ts";

/** How types of Azure's network begin. */
export const azureNetwork = "azure-native:network:";

/** A reference to another resource, or to a part of it. */
export function reference(noun: string, name: string, part = ""): { readonly id: string } {
  return { id: refer(noun, name, part) };
}

/** A public address as gateways, NAT and the bastion want it. */
export function publicAddress(name: string, placed: Wanted["inputs"]): Wanted {
  const inputs = { ...placed, sku: { name: "Standard" }, publicIPAllocationMethod: "Static" };
  return { type: `${azureNetwork}PublicIPAddress`, name, inputs };
}
