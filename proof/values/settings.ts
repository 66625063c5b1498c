import { EffectiveValues } from "../../components/cilium/effective-values.ts";
import { isRecord } from "../../components/config/untyped.ts";
import { shown } from "../objects/objects.ts";
import type { ValuesSubject, Violation } from "../rule.ts";

/**
 * What the agent ends up with: the user's value, else the chart's default, and `extraConfig` over both, since the chart prints that
 * last (`templates/cilium-configmap.yaml`).
 */
export type Settings = EffectiveValues;

/** A rule's check, given the values as the chart's templates see them. */
export function onValues(
  check: (settings: Settings, subject: ValuesSubject) => Violation[],
): (subject: ValuesSubject) => Violation[] {
  return (subject) => check(new EffectiveValues(subject.cilium, subject.values), subject);
}

/** One violation at a dotted path. */
export function wrong(path: string | readonly PropertyKey[], message: string, fix: string): Violation {
  return { path: typeof path === "string" ? path.split(".") : path, message, fix };
}

/** One violation if the condition holds. */
export function wrongIf(condition: boolean, path: string, message: string, fix: string): Violation[] {
  return condition ? [wrong(path, message, fix)] : [];
}

/** The agent's option as `extraConfig` overrides it, in lower case; `undefined` where it does not. */
function overridden(settings: Settings, option: string): string | undefined {
  const extra = settings.given("extraConfig");
  const value = isRecord(extra) && Object.hasOwn(extra, option) ? extra[option] : undefined;
  return value === undefined || value === null ? undefined : shown(value).toLowerCase();
}

/** Whether a switch is on: by `extraConfig`, else by its value. */
export function enabled(settings: Settings, path: string, option: string): boolean {
  const extra = overridden(settings, option);
  return extra === undefined ? settings.on(path) : extra === "true";
}

/** A word: by `extraConfig`, else by its value, else `otherwise`. */
export function word(settings: Settings, path: string, option: string, otherwise = ""): string {
  return overridden(settings, option) ?? (settings.text(path) || otherwise);
}

/** kube-proxy's work is Cilium's: `true` or `"true"`. A word that the chart refuses is no reason for more findings. */
export function replacesKubeProxy(settings: Settings): boolean {
  return word(settings, "kubeProxyReplacement", "kube-proxy-replacement", "false") !== "false";
}

/** NodePort services are Cilium's, with or without the rest of kube-proxy's work (1.18 could do that alone). */
export function servesNodePorts(settings: Settings): boolean {
  return (
    replacesKubeProxy(settings) ||
    (settings.within(undefined, "1.18") && enabled(settings, "nodePort.enabled", "enable-node-port"))
  );
}

/** `tunnel`, `native`, or `hybrid` (an agent option of 1.20). */
export function routingMode(settings: Settings): string {
  const cloudNative = settings.on("eni.enabled") || settings.on("gke.enabled");
  return word(settings, "routingMode", "routing-mode", cloudNative ? "native" : "tunnel");
}

export function tunnelProtocol(settings: Settings): string {
  return word(settings, "tunnelProtocol", "tunnel-protocol", "vxlan");
}

export function ipamMode(settings: Settings): string {
  return settings.on("eni.enabled") ? "eni" : word(settings, "ipam.mode", "ipam", "cluster-pool");
}

/** Cilium behind another plugin: `none`, `aws-cni`, `generic-veth`, `portmap`, `flannel`. */
export function chainingMode(settings: Settings): string {
  const target = settings.given("cni.chainingTarget");
  return settings.text("cni.chainingMode") || (typeof target === "string" ? "generic-veth" : "none");
}

/** Which families are hidden behind the node's address; ENI leaves IPv4 alone since 1.18 unless told otherwise. */
export function masquerades(settings: Settings, family: 4 | 6): boolean {
  if (!settings.on(`ipv${family}.enabled`)) return false;
  const extra = overridden(settings, `enable-ipv${family}-masquerade`);
  if (extra !== undefined) return extra === "true";
  const value = settings.at(`enableIPv${family}Masquerade`);
  if (value !== undefined) return value === true;
  const older = /^v?1\.(\d|1[0-7])(\.|$)/.test(settings.text("upgradeCompatibility"));
  return family === 6 || older || !settings.on("eni.enabled");
}

export function masqueradesInBpf(settings: Settings): boolean {
  return enabled(settings, "bpf.masquerade", "enable-bpf-masquerade");
}

/** What the agent says against BPF host routing, or `undefined` where packets take it. */
export function legacyHostRouting(settings: Settings): string | undefined {
  const extra = overridden(settings, "enable-host-legacy-routing");
  if (extra === "true" || (extra === undefined && settings.on("bpf.hostLegacyRouting"))) {
    return "bpf.hostLegacyRouting is on";
  }
  const chaining = chainingMode(settings);
  if (chaining !== "none" && settings.at("bpf.hostLegacyRouting") !== false) return `cni.chainingMode is ${chaining}`;
  if ((masquerades(settings, 4) || masquerades(settings, 6)) && !masqueradesInBpf(settings)) {
    return "bpf.masquerade is off";
  }
  return replacesKubeProxy(settings) ? undefined : "kubeProxyReplacement is not true";
}

/** `ipsec`, `wireguard`, `ztunnel`, or `undefined` where nothing is encrypted. */
export function encryption(settings: Settings): string | undefined {
  for (const [option, type] of [
    ["enable-wireguard", "wireguard"],
    ["enable-ipsec", "ipsec"],
  ] as const) {
    if (overridden(settings, option) === "true") return type;
  }
  return settings.on("encryption.enabled") ? settings.text("encryption.type") : undefined;
}

/** The cluster is, or is to be, a member of a ClusterMesh. */
export function inMesh(settings: Settings): boolean {
  return settings.on("clustermesh.useAPIServer") || settings.on("clustermesh.config.enabled");
}

/** A list of text, whichever of `[a, b]` and `a b` was written; empty for anything else. */
export function texts(value: unknown): string[] {
  if (typeof value === "string") return value.split(/[\s,]+/).filter((part) => part !== "");
  return Array.isArray(value) ? value.filter((part) => typeof part === "string") : [];
}
