import { dns } from "./dns.ts";
import { gatewayIngress } from "./gateway-ingress.ts";
import { health } from "./health.ts";
import { hostAccess } from "./host-access.ts";
import { hubble } from "./hubble.ts";
import { kubeSystem } from "./kube-system.ts";
import { meshControlPlane } from "./mesh-control-plane.ts";
import type { PolicySite } from "./phases.ts";
import type { PolicyObject } from "./policy.ts";

/**
 * What Kubernetes and Cilium need once default deny is on, wherever it is. None of it switches default deny on by itself, so it may be
 * there long before.
 */
export function baseline(facts: PolicySite): PolicyObject[] {
  return [
    ...dns(facts),
    ...health(),
    ...kubeSystem(facts),
    ...hostAccess(facts),
    ...hubble(facts),
    ...meshControlPlane(facts),
    ...gatewayIngress(facts),
  ];
}
