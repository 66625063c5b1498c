import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { Release } from "@pulumi/kubernetes/helm/v3/release.js";
import type { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import type { SiteSpec } from "../config/schema.ts";
import type { SiteSecrets } from "../secrets/schema.ts";
import { bgpObjects, bgpSecret } from "./bgp.ts";
import { demoObjects } from "./demo-service.ts";
import { ipsecSecret } from "./encryption-values.ts";
import { mergeValues } from "./helm-values.ts";
import { meshServiceObject } from "./mesh-service.ts";
import { networkPolicies } from "./policies/network-policies.ts";
import { planRelease, secretValues } from "./release.ts";
import type { Definition } from "./service-mesh/gateway-api.ts";
import { gatewayDefinitions, serviceMesh } from "./service-mesh/service-mesh-objects.ts";
import { ciliumValues } from "./values.ts";

export interface CiliumArgs {
  /** Plain, checked data: which resources exist follows from it alone. */
  readonly site: SiteSpec;
  /** The other members of its mesh. */
  readonly peers: readonly SiteSpec[];
  readonly provider: Provider;
  /** Definitions of Gateway API; empty where it is not asked for, or there already. */
  readonly gatewayApi: readonly Definition[];
  readonly secrets: pulumi.Output<SiteSecrets>;
}

/**
 * Cilium as one Helm release, with what must be there before it and what can only come after. The mesh needs nothing more: every member's
 * name, addresses and CA are in the values from the start, and agents retry until the others are up.
 */
export class Cilium extends pulumi.ComponentResource {
  readonly release: Release;
  /** Done when Cilium and everything around it is. */
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: CiliumArgs, opts?: pulumi.ComponentResourceOptions) {
    const { site } = args;
    super("gyeongbu:index:Cilium", name, { site: site.name, version: site.cilium.version }, opts);
    // The provider of one cluster goes to every child here, so that no default provider can reach another.
    const options: pulumi.CustomResourceOptions = { parent: this, provider: args.provider };
    const adopted = site.platform === "existing" && site.adopt !== undefined;

    const before = adopted ? [] : [...keys(name, args, options), ...gatewayDefinitions(name, args.gatewayApi, options)];
    this.release = release(name, args, { ...options, dependsOn: before });
    const after = { ...options, dependsOn: [this.release] };

    const announced = site.platform === "on-prem" ? announcements(name, site, after) : [];
    const mesh = adopted ? undefined : meshServiceObject(site);
    const meshService = mesh
      ? [new Service(`${name}-mesh`, mesh, { ...options, dependsOn: [this.release, ...announced] })]
      : [];
    const demo = site.mesh?.demoService ? demoService(name, site, after) : [];

    const policies = adopted ? [] : networkPolicies(name, args, after);

    // What is reachable from outside comes after what guards it.
    const layer7 = adopted ? [] : serviceMesh(name, args, [this.release, ...announced, ...policies], options);

    this.ready = [this.release, ...announced, ...meshService, ...demo, ...policies, ...layer7];
    this.registerOutputs({});
  }
}

/** Agents mount the IPsec key, and read a missing BGP password as an empty one: both exist before the first agent. */
function keys(name: string, { secrets, site }: CiliumArgs, opts: pulumi.CustomResourceOptions): Secret[] {
  const secret = (
    suffix: string,
    { key, name: secretName }: { name: string; key: string },
    value: pulumi.Output<string>,
  ) =>
    new Secret(
      `${name}-${suffix}`,
      {
        metadata: { name: secretName, namespace: "kube-system" },
        stringData: { [key]: pulumi.secret(value) },
      },
      opts,
    );
  return [
    ...(site.cilium.encryption === "ipsec"
      ? [
          secret(
            "ipsec-keys",
            ipsecSecret,
            secrets.apply(({ ipsecKey }) => ipsecKey),
          ),
        ]
      : []),
    ...(site.platform === "on-prem" && site.bgp.md5
      ? [
          secret(
            "bgp-password",
            bgpSecret,
            secrets.apply(({ bgpPassword }) => bgpPassword),
          ),
        ]
      : []),
  ];
}

function release(name: string, { peers, secrets, site }: CiliumArgs, opts: pulumi.CustomResourceOptions): Release {
  const { importId, ...plan } = planRelease(site);
  const values = ciliumValues(site, peers);
  if (importId !== undefined) return new Release(name, { ...plan, values }, { ...opts, import: importId });
  // Only the two leaves are secret, so a preview still shows every other value.
  const ca = secrets.apply(secretValues);
  const tls = {
    ca: {
      cert: pulumi.secret(ca.apply(({ certificate }) => certificate)),
      key: pulumi.secret(ca.apply(({ key }) => key)),
    },
  };
  return new Release(name, { ...plan, values: mergeValues(values, { tls }) }, opts);
}

function announcements(
  name: string,
  site: Extract<SiteSpec, { platform: "on-prem" }>,
  opts: pulumi.CustomResourceOptions,
): CustomResource[] {
  return bgpObjects(site).map(
    ({ apiVersion, kind, metadata, spec }) =>
      new CustomResource(`${name}-${kind}-${metadata.name}`, { apiVersion, kind, metadata, spec }, opts),
  );
}

function demoService(name: string, site: SiteSpec, opts: pulumi.CustomResourceOptions): pulumi.Resource[] {
  const { deployment, namespace, service } = demoObjects(site);
  const space = new Namespace(`${name}-demo`, namespace, opts);
  const inside = { ...opts, dependsOn: [space] };
  const pods = new Deployment(`${name}-demo`, deployment, inside);
  return [pods, new Service(`${name}-demo`, service, { ...opts, dependsOn: [pods] })];
}
