import type { ExistingSiteSpec, OnPremSiteSpec, SiteSpec } from "../../components/config/schema.ts";
import { Ipv4 } from "../../components/network/cidr.ts";
import { site } from "../support/stacks.ts";

function onPrem(stack: string): OnPremSiteSpec {
  const found = site(stack, undefined, "examples/securities-idc");
  if (found.platform !== "on-prem") throw new Error(`${stack} is not on-prem`);
  return found;
}

function existing(): ExistingSiteSpec {
  const found = site("local-k8s", undefined, "examples/local-k8s");
  if (found.platform !== "existing") throw new Error("local-k8s is no existing cluster");
  return found;
}

export const seoul = site("prod-seoul");
export const busan = site("dr-busan");
export const idcSeoul = onPrem("idc-seoul");
export const idcBusan = onPrem("idc-busan");
export const devStaging = site("dev-staging", undefined, "examples/dev-staging");
/** Adopted as it is. */
export const local = existing();
const { adopt: _, ...moved } = local;
/** The same cluster after its release was moved to our values, as a member of a mesh. */
export const localMember: ExistingSiteSpec = {
  ...moved,
  ...(idcSeoul.mesh ? { mesh: idcSeoul.mesh } : {}),
  meshAddress: Ipv4.parse("192.168.1.200"),
};

export const indexedVersions = ["1.18.4", "1.18.12", "1.19.6", "1.20.0"] as const;

/** The site with another Cilium version, encryption or routing. */
export function withCilium<T extends SiteSpec>(spec: T, change: Partial<SiteSpec["cilium"]>): T {
  return { ...spec, cilium: { ...spec.cilium, ...change } };
}

/** The value at a dotted path. */
export function at(tree: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
      tree,
    );
}
