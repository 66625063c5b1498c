import type { ApplicationSpec } from "../../config/applications.ts";
import { type Application, type ApplicationSite, applicationPolicies } from "./application.ts";
import { brokerage } from "./brokerage.ts";
import { cardCompany } from "./card-company.ts";
import { labZones } from "./lab-zones.ts";
import { petclinic } from "./petclinic.ts";
import type { Bundle } from "./policy.ts";

/**
 * An application of a stack file as its tiers and who talks to whom. A kind added to the schema does not compile until it has a case here.
 */
export function applicationOf(spec: ApplicationSpec, site: Pick<ApplicationSite, "version">): Application {
  switch (spec.kind) {
    case "brokerage":
      return brokerage(spec);
    case "card-company":
      return cardCompany(spec);
    case "lab-zones":
      return labZones(spec, site);
    case "petclinic":
      return petclinic(spec);
  }
}

/** The policies of an application of a stack file, and its evidence. */
export function applicationBundle(spec: ApplicationSpec, site: ApplicationSite): Bundle {
  return applicationPolicies(applicationOf(spec, site), site);
}

/** Namespaces that an application's tiers live in. */
export function namespacesOf(spec: ApplicationSpec): string[] {
  const tiers = Object.values(spec).flatMap((value) =>
    typeof value === "object" && "namespace" in value ? [value.namespace] : [],
  );
  return [...new Set(tiers)];
}
