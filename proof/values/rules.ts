import type { Rule, ValuesSubject } from "../rule.ts";
import { certificateRules } from "./certificates.ts";
import { datapathRules } from "./datapath.ts";
import { encryptionRules } from "./encryption.ts";
import { ipamRules } from "./ipam.ts";
import { legalValueRules } from "./legal-values.ts";
import { meshRules } from "./mesh.ts";
import { observabilityRules } from "./observability.ts";
import { performanceRules } from "./performance.ts";
import { strictKeyRules } from "./strict-keys.ts";
import { trafficRules } from "./traffic.ts";

/**
 * Everything that must hold of Cilium's Helm values. To add a rule, add an entry to the list of its file and a fixture to
 * `test/proof/values.test.ts`.
 */
export const valuesRules: readonly Rule<ValuesSubject>[] = [
  ...strictKeyRules,
  ...legalValueRules,
  ...datapathRules,
  ...performanceRules,
  ...ipamRules,
  ...encryptionRules,
  ...meshRules,
  ...certificateRules,
  ...observabilityRules,
  ...trafficRules,
];

/**
 * Rules on what stands beside the values. A site's program answers them itself (`components/cilium/release.ts`): it adds the shared CA as
 * a secret, and does not wait where certgen is a hook.
 */
export const releaseConcerns: ReadonlySet<string> = new Set(["GB-1162", "GB-1168"]);
