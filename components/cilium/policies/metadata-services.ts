import type { PoliciesSpec } from "../../config/policies.ts";
import type { SiteSpec } from "../../config/schema.ts";
import { allowEach, clusterwide } from "./allow.ts";
import { enforcedNamespaces, type PolicySite, withoutDefaultDeny } from "./phases.ts";
import {
  awsInstanceMetadataIpv6,
  azurePlatform,
  azureWireServerPorts,
  instanceMetadata,
} from "./platform-addresses.ts";
import { prefixed, toPorts } from "./pods.ts";
import type { PolicyObject } from "./policy.ts";
import { allExcept } from "./subjects.ts";

interface MetadataService {
  readonly addresses: readonly string[];
  /** TCP; all ports and protocols without. */
  readonly ports?: readonly number[];
}

function services({ platform }: SiteSpec): MetadataService[] {
  const metadata = [instanceMetadata];
  const awsMetadata = [...metadata, awsInstanceMetadataIpv6];
  // Its port 53 stays open: CoreDNS asks it.
  const wire = { addresses: [azurePlatform], ports: azureWireServerPorts };
  switch (platform) {
    case "aws":
      return [{ addresses: awsMetadata }];
    case "azure":
      return [{ addresses: metadata }, wire];
    // A virtual machine of the data centre may have one as well, and an existing cluster may run anywhere.
    case "on-prem":
      return [{ addresses: metadata }];
    case "existing":
      return [{ addresses: awsMetadata }, wire];
  }
}

const entries = (site: SiteSpec) =>
  services(site).map(({ addresses, ports }) => ({
    toCIDR: addresses,
    ...(ports === undefined ? {} : { toPorts: ports.flatMap((port) => toPorts(port)) }),
  }));

/** Every pod carries its service account as a label of its identity (`pkg/k8s/apis/cilium.io/const.go`). */
const clientsOf = (accounts: PoliciesSpec["metadataServices"]["exceptions"]) =>
  accounts.map(({ namespace, serviceAccount }) => ({
    namespace,
    labels: { "io.cilium.k8s.policy.serviceaccount": serviceAccount },
  }));

/** Refuses pods the cloud's metadata services, whatever else allows them; named service accounts aside. */
export function metadataDeny({ policies, site }: PolicySite): PolicyObject[] {
  const { everywhere, exceptions } = policies.metadataServices;
  const enforced = enforcedNamespaces(policies);
  if (!everywhere && !enforced) return [];
  const excluded = clientsOf(exceptions).map(({ labels, namespace }) => ({ namespace, labels: prefixed(labels) }));
  return allExcept(everywhere ? undefined : enforced, excluded).map((endpointSelector, index) =>
    clusterwide(
      index === 0 ? "metadata-services" : `metadata-services-${index}`,
      withoutDefaultDeny({ endpointSelector, egressDeny: entries(site) }),
    ),
  );
}

/** What those service accounts need once default deny is on. */
export function metadataAllow({ policies, site }: PolicySite): PolicyObject[] {
  const clients = clientsOf(policies.metadataServices.exceptions);
  return allowEach("metadata-client", clients, () => ({ egress: entries(site) }));
}
