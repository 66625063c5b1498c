import { bgpObjects, bgpSecret } from "../../components/cilium/bgp.ts";
import { demoObjects } from "../../components/cilium/demo-service.ts";
import { mergeValues } from "../../components/cilium/helm-values.ts";
import { meshServiceObject } from "../../components/cilium/mesh-service.ts";
import { policyObjects, policyResourceName } from "../../components/cilium/policies/bundles.ts";
import { planRelease } from "../../components/cilium/release.ts";
import { serviceMeshObjects } from "../../components/cilium/service-mesh/service-mesh.ts";
import { ciliumValues } from "../../components/cilium/values.ts";
import type { SiteSpec } from "../../components/config/schema.ts";
import { nodeLabels } from "../../components/kubernetes/node-labels.ts";
import { planSlots } from "../../components/network/plan.ts";
import { recordedLines, secret, type Wanted, wantedLines } from "./comparison-lines.ts";
import { type Comparison, type Line, originOf, type StackResource } from "./model.ts";
import { type Registration, registrationIn } from "./registration.ts";

const releaseType = "kubernetes:helm.sh/v3:Release";
const serviceType = "kubernetes:core/v1:Service";
const secretType = "kubernetes:core/v1:Secret";

/** Groups of objects that send packets elsewhere, or drop them. */
const networkGroups =
  /^kubernetes:(cilium\.io|networking\.k8s\.io|gateway\.networking\.k8s\.io|policy\.networking\.k8s\.io)\//;

/**
 * What a stack file wants of its cluster's network (Cilium's values, BGP, addresses, Services), against what its program would register.
 * The same on every platform.
 */
export function kubernetesComparison(
  stack: string,
  site: SiteSpec,
  peers: readonly SiteSpec[],
  resources: readonly StackResource[],
): Comparison {
  const password = passwordName(site);
  const own = resources.flatMap((resource): StackResource[] => {
    const { name, stack: home, type } = resource;
    if (home !== stack) return [];
    if (type === releaseType) return [{ ...resource, inputs: released(resource.inputs) }];
    const is = networkGroups.test(type) || type === serviceType || (type === secretType && name === password);
    return is ? [resource] : [];
  });
  return {
    stack,
    planned: [...wantedLines(wanted(site, peers)), ...wantedNodes(site)],
    found: [...recordedLines(own, resources), ...recordedNodes(resources.filter((one) => one.stack === stack))],
  };
}

/** Which chart, and with what values; how long Helm waits for it is no matter of packets. */
function released({ chart, name, namespace, values, version }: StackResource["inputs"]): StackResource["inputs"] {
  return { chart, name, namespace, values, version };
}

const passwordName = ({ name }: SiteSpec) => `${name}-bgp-password`;

function wanted(site: SiteSpec, peers: readonly SiteSpec[]): Wanted[] {
  const adopted = site.platform === "existing" && site.adopt !== undefined;
  const { chart, name, namespace, version } = planRelease(site);
  const values = ciliumValues(site, peers);
  const service = adopted ? undefined : meshServiceObject(site);
  const demo = site.mesh?.demoService ? demoObjects(site).service : undefined;
  const objects = site.platform === "on-prem" ? bgpObjects(site) : [];
  const policies = adopted ? [] : policyObjects(site, peers);
  const mesh = adopted ? [] : serviceMeshObjects(site);
  return [
    {
      type: releaseType,
      name: site.name,
      inputs: {
        chart,
        name,
        namespace,
        version,
        values: adopted ? values : mergeValues(values, { tls: { ca: { cert: secret, key: secret } } }),
      },
    },
    ...objects.map(({ apiVersion, kind, metadata, spec }) => ({
      type: `kubernetes:${apiVersion}:${kind}`,
      name: `${site.name}-${kind}-${metadata.name}`,
      inputs: { apiVersion, kind, metadata, spec },
    })),
    ...policies.map(({ apiVersion, kind, metadata, spec }) => ({
      type: `kubernetes:${apiVersion}:${kind}`,
      name: policyResourceName(site.name, { apiVersion, kind, metadata, spec }),
      inputs: { apiVersion, kind, metadata, spec },
    })),
    ...mesh.map(({ apiVersion, kind, metadata, spec }) => ({
      type: `kubernetes:${apiVersion}:${kind}`,
      name: `${site.name}-${kind}-${metadata.namespace}-${metadata.name}`,
      inputs: { apiVersion, kind, metadata, spec },
    })),
    ...(service ? [serviceOf(`${site.name}-mesh`, service)] : []),
    ...(demo ? [serviceOf(`${site.name}-demo`, demo)] : []),
    ...(site.platform === "on-prem" && site.bgp.md5
      ? [
          {
            type: secretType,
            name: passwordName(site),
            inputs: {
              apiVersion: "v1",
              kind: "Secret",
              metadata: { name: bgpSecret.name, namespace: "kube-system" },
              stringData: secret,
            },
          },
        ]
      : []),
  ];
}

function serviceOf(name: string, { metadata, spec }: { readonly metadata: unknown; readonly spec: unknown }): Wanted {
  return { type: serviceType, name, inputs: { apiVersion: "v1", kind: "Service", metadata, spec } };
}

/** The pod block and the labels that each node is to be given: routes and BGP go by them. */
function wantedNodes(site: SiteSpec): Line[] {
  if (site.platform === "existing") return [];
  return planSlots(site).flatMap((slot) =>
    registrationLines({ node: slot.name, podCidr: slot.podCidr, labels: nodeLabels(site, slot) }),
  );
}

function recordedNodes(resources: readonly StackResource[]): Line[] {
  return resources
    .filter(({ name, type }) => type === "command:remote:Command" && name.endsWith("-register"))
    .flatMap((resource) =>
      registrationLines(registrationIn(resource.inputs)).map((line) => ({ ...line, origin: originOf(resource) })),
    );
}

function registrationLines({ node = "(none)", podCidr, labels }: Registration): Line[] {
  return [
    { text: `registration of node ${node}: podCIDR = ${podCidr ?? "(none)"}` },
    ...Object.entries(labels).map(([key, value]) => ({
      text: `registration of node ${node}: label ${key} = ${value}`,
    })),
  ];
}
