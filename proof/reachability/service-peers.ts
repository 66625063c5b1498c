import { isIPv6 } from "node:net";
import { record } from "../../components/config/untyped.ts";
import { meets } from "../label-condition.ts";
import type { Requirement, Selector } from "./entry.ts";
import { clusterKey, equals, namespaceKey } from "./labels.ts";
import { defaultCluster, type PeerContext } from "./policy-context.ts";
import { conditionsOf, requirementsOf } from "./selectors.ts";
import type { ServiceFacts, ServiceIndex } from "./services.ts";

/** The source of a key is of no account here (`pkg/policy/k8s/service.go`). */
function holds(requirement: Requirement, { labels }: ServiceFacts): boolean {
  return meets(requirement, labels[requirement.key]);
}

function isMeant(item: unknown, service: ServiceFacts): boolean {
  const { k8sServiceSelector, k8sService } = record(item);
  const inNamespace = (namespace: unknown) => [undefined, "", service.namespace].some((known) => known === namespace);
  if (k8sServiceSelector !== undefined) {
    const { selector, namespace } = record(k8sServiceSelector);
    return (
      inNamespace(namespace) &&
      requirementsOf(conditionsOf(selector, "any")).every((requirement) => holds(requirement, service))
    );
  }
  const { serviceName, namespace } = record(k8sService);
  return k8sService !== undefined && inNamespace(namespace) && serviceName === service.name;
}

/** Pods of the Services that an element of `toServices` means, or their backends' addresses where they select no pods. */
export function serviceSelectors(
  item: unknown,
  { services, options }: Pick<PeerContext, "options"> & { readonly services: ServiceIndex },
): Selector[] {
  const cluster = defaultCluster(options);
  return services
    .filter((service) => isMeant(item, service))
    .flatMap((service): Selector[] => {
      const selector = Object.entries(service.selector);
      if (selector.length === 0) {
        return service.addresses.map((address) => ({
          kind: "cidr",
          block: `${address}/${isIPv6(address) ? 128 : 32}`,
          except: [],
        }));
      }
      const requirements = [
        ...selector.filter(([key]) => key !== namespaceKey).map(([key, value]) => equals("k8s", key, value)),
        equals("k8s", namespaceKey, service.namespace),
        ...(cluster === undefined || service.selector[clusterKey] !== undefined
          ? []
          : [equals("k8s", clusterKey, cluster)]),
      ];
      return [{ kind: "labels", requirements }];
    });
}
