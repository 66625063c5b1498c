import type { NodeSiteSpec } from "../../components/config/schema.ts";
import { nodeLabels } from "../../components/kubernetes/node-labels.ts";
import { planSlots, type Slot } from "../../components/network/plan.ts";
import { renderPreflight } from "../../components/nodes/preflight.ts";
import { asRoot } from "../../components/nodes/scripts/bash.ts";
import { renderHostKeyScript } from "../../components/nodes/scripts/host-key.ts";
import { renderJoinScript, renderReset } from "../../components/nodes/scripts/join.ts";
import { renderPrepare } from "../../components/nodes/scripts/prepare.ts";
import { renderDrain, renderRegister } from "../../components/nodes/scripts/register.ts";
import { renderEvict, renderTicket } from "../../components/nodes/scripts/ticket.ts";
import { awsSite, azureSite, onPremSite, site as siteOf, within } from "./stacks.ts";

const encryption = (type: string) => (config: Parameters<NonNullable<Parameters<typeof awsSite>[0]>>[0]) => {
  within(config, "gyeongbu:site", "cilium").encryption = type;
};

/** Sites that between them reach every branch of every script. */
export const scriptSites: readonly NodeSiteSpec[] = [
  awsSite(),
  azureSite(encryption("ipsec")),
  onPremSite(),
  siteOf("dev-staging", undefined, "examples/dev-staging") as NodeSiteSpec,
];

/** Every script that may run for a slot, by name. */
export function scriptsOf(site: NodeSiteSpec, slot: Slot): Record<string, string> {
  const etcdDevice =
    slot.role === "control-plane" ? "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123" : undefined;
  const machineId = `i-${slot.name} it's`;
  return {
    "host-key": renderHostKeyScript(),
    preflight: renderPreflight({ site, slot, etcdDevice }),
    prepare: renderPrepare({ site, slot, etcdDevice }),
    ticket: renderTicket({ slot, machineId, mayFound: false }),
    "ticket-of-founder": renderTicket({ slot, machineId, mayFound: true }),
    evict: renderEvict(slot),
    join: renderJoinScript(slot),
    reset: renderReset(),
    register: renderRegister({ slot, machineId, labels: nodeLabels(site, slot) }),
    drain: renderDrain(slot),
  };
}

/** All scripts of all sites, one slot per role and site, each as it is and as the command that is sent. */
export function allScripts(): { name: string; text: string; command: string }[] {
  return scriptSites.flatMap((site) => {
    const slots = planSlots(site);
    const chosen = (["control-plane", "worker"] as const).flatMap(
      (role) => slots.find((slot) => slot.role === role) ?? [],
    );
    return chosen.flatMap((slot) =>
      Object.entries(scriptsOf(site, slot)).map(([name, text]) => ({
        name: `${slot.name}-${name}`,
        text,
        command: asRoot(text),
      })),
    );
  });
}
