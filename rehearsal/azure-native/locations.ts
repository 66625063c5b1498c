import { Refusal } from "../stand-in.ts";

interface Location {
  /** Whether resources can be put into zones "1" to "3". */
  readonly zones: boolean;
  /** Most fault domains of an availability set with managed disks. */
  readonly faultDomains: number;
  /** Disk SKUs beyond Standard_LRS, StandardSSD_LRS and Premium_LRS. */
  readonly disks: readonly string[];
}

const zonalDisks = ["Premium_ZRS", "StandardSSD_ZRS", "UltraSSD_LRS", "PremiumV2_LRS"];

/**
 * Azure regions a stack may name. Korea South has no zones and no Premium SSD v2 (learn.microsoft.com, regions-list of
 * 2025-03 and disks-premv2-regions); UltraSSD is not listed there either. Fault domains: the published table "fault
 * domains per region" gives 2 for both Korean regions and 3 for the large ones; it is not read from the service, so
 * check `az vm list-skus --resource-type availabilitySets` before relying on it.
 */
const locations: Readonly<Record<string, Location>> = {
  koreasouth: { zones: false, faultDomains: 2, disks: [] },
  koreacentral: { zones: true, faultDomains: 2, disks: zonalDisks },
  japaneast: { zones: true, faultDomains: 3, disks: zonalDisks },
  japanwest: { zones: true, faultDomains: 2, disks: zonalDisks },
  eastasia: { zones: true, faultDomains: 2, disks: zonalDisks },
  southeastasia: { zones: true, faultDomains: 2, disks: zonalDisks },
  australiaeast: { zones: true, faultDomains: 2, disks: zonalDisks },
  eastus: { zones: true, faultDomains: 3, disks: zonalDisks },
  eastus2: { zones: true, faultDomains: 3, disks: zonalDisks },
  westus2: { zones: true, faultDomains: 2, disks: zonalDisks },
  westus3: { zones: true, faultDomains: 3, disks: zonalDisks },
  northeurope: { zones: true, faultDomains: 3, disks: zonalDisks },
  westeurope: { zones: true, faultDomains: 3, disks: zonalDisks },
};

/** `Korea South` and `KoreaSouth` to `koreasouth`, as ARM does. */
export function normalizeLocation(location: string): string {
  return location.toLowerCase().replaceAll(" ", "");
}

/** What is wrong with a region's name; `undefined` when it is one. */
export function locationProblem(location: string): string | undefined {
  if (locations[normalizeLocation(location)] !== undefined) return undefined;
  return `"${location}" is not an Azure region known here; write one of ${Object.keys(locations).join(", ")}`;
}

/** The facts of a normalized region. `resourceType` (`Microsoft.Network/virtualNetworks`) is for the refusal. */
export function locationOf(location: string, resourceType: string): Location {
  const found = locations[location];
  if (found !== undefined) return found;
  const listed = Object.keys(locations).join(",");
  throw new Refusal(
    "LocationNotAvailableForResourceType",
    `The provided location '${location}' is not available for resource type '${resourceType}'. List of available regions for the resource type is '${listed}'.`,
  );
}
