import { rules as stackRules } from "../judge.ts";
import { alertRules } from "../objects/alerts.ts";
import { bgpRules } from "../objects/bgp.ts";
import { chartObjectRules } from "../objects/chart-objects.ts";
import { ciliumKindRules } from "../objects/cilium-kinds.ts";
import { envoyRules } from "../objects/envoy.ts";
import { gatewayRules } from "../objects/gateway.ts";
import { kubeadmRules } from "../objects/kubeadm.ts";
import { loadBalancerRules } from "../objects/load-balancers.ts";
import { policyRules } from "../objects/policies.ts";
import { serviceRules } from "../objects/services.ts";
import type { ObjectsSubject, Rule } from "../rule.ts";
import type { Explained } from "../sarif.ts";
import { valuesRules } from "../values/rules.ts";
import { commandRules } from "./commands.ts";
import { documentRules } from "./document-rules.ts";

/** Rules about Kubernetes objects, Cilium's and those it reads. */
export const objectRules: readonly Rule<ObjectsSubject>[] = [
  ...policyRules,
  ...bgpRules,
  ...loadBalancerRules,
  ...gatewayRules,
  ...envoyRules,
  ...serviceRules,
  ...ciliumKindRules,
  ...chartObjectRules,
];

/** Every rule that `npm run check` may report, for its documents. Our own stack files are judged by `proof/judge.ts`. */
export const checkRules: readonly Explained[] = [
  ...stackRules,
  ...valuesRules,
  ...objectRules,
  ...kubeadmRules,
  ...alertRules,
  ...documentRules,
  ...commandRules,
];
