import { closest } from "../../components/cilium/chart-keys.ts";
import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Violation } from "../rule.ts";
import { carried, gatewayGroup } from "./gateway-objects.ts";
import { flaw, objectsOf, type Placed, records, shown, text, words } from "./objects.ts";

type Item = Readonly<Record<string, unknown>>;

/** Whether a listener's host name and a route's can meet; `*` stands for one or more labels at the front. */
function hostsMeet(one: string, other: string): boolean {
  if (one === "" || other === "" || one === other) return true;
  const under = (name: string, wildcard: string) => wildcard.startsWith("*.") && name.endsWith(wildcard.slice(1));
  return under(one, other) || under(other, one);
}

/** Why a route is not attached to a Gateway that is given; nothing where the Gateway is not among the objects. */
export function attachment(subject: ObjectsSubject, route: Placed, at: number, parent: Item): Violation[] {
  if ((parent.kind ?? "Gateway") !== "Gateway" || (parent.group ?? gatewayGroup) !== gatewayGroup) return [];
  const path = ["spec", "parentRefs", at];
  const name = text(parent.name);
  const namespace = text(parent.namespace) || route.namespace;
  const gateways = objectsOf(subject, gatewayGroup, ["Gateway"]);
  const here = gateways.filter((gateway) => gateway.namespace === namespace);
  const gateway = here.find((placed) => placed.name === name);
  if (gateway === undefined) return name === "" ? [] : absent(subject, route, path, name, namespace, gateways);
  // Written twice for two clusters: which one is meant is not known.
  if (here.filter((placed) => placed.name === name).length > 1) return [];

  const listeners = records(gateway.spec.listeners).map(({ item }) => item);
  const section = text(parent.sectionName);
  const named = section === "" ? listeners : listeners.filter((listener) => listener.name === section);
  if (named.length === 0) {
    const names = listeners.map((listener) => text(listener.name));
    const near = closest(section, names, 3);
    const message = `Gateway ${name} has no listener ${section}.`;
    return [flaw(route, [...path, "sectionName"], message, `Write ${near ?? words(names)}.`)];
  }
  const open = parent.port === undefined ? named : named.filter((listener) => listener.port === parent.port);
  if (open.length === 0) {
    const message = `Gateway ${name} has no listener on port ${shown(parent.port)}.`;
    return [flaw(route, [...path, "port"], message, `Write ${words(named.map(({ port }) => shown(port)))}.`)];
  }
  const carrying = open.filter(
    (listener) => carried[text(listener.protocol)]?.includes(route.kind) ?? text(listener.protocol) === "",
  );
  if (carrying.length === 0) {
    const speaks = words([...new Set(open.map(({ protocol }) => text(protocol)))]);
    const message = `The listeners speak ${speaks}, which carries no ${route.kind}.`;
    return [flaw(route, path, message, "Name a listener of another protocol, or write another kind of route.")];
  }
  const willing = carrying.filter(({ allowedRoutes }) => {
    const kinds = records(record(allowedRoutes).kinds);
    return kinds.length === 0 || kinds.some(({ item }) => item.kind === route.kind);
  });
  if (willing.length === 0) {
    const message = `allowedRoutes.kinds of Gateway ${name} leaves out ${route.kind}.`;
    return [flaw(route, path, message, `Add kind: ${route.kind} to allowedRoutes.kinds of the listener.`)];
  }
  const admitting = willing.filter((listener) => admits(listener, route, gateway));
  if (admitting.length === 0) {
    return [
      flaw(
        route,
        path,
        `Gateway ${name} of ${gateway.namespace ?? ""} takes no routes of ${route.namespace ?? ""}: allowedRoutes.namespaces.from is Same.`,
        "Write allowedRoutes: {namespaces: {from: All}} in the listener, or Selector with the namespace's labels.",
      ),
    ];
  }
  const hosts = list(route.spec.hostnames).map(text);
  const meeting = admitting.some((listener) => hosts.some((host) => hostsMeet(text(listener.hostname), host)));
  return hosts.length === 0 || meeting
    ? []
    : [
        flaw(
          route,
          ["spec", "hostnames"],
          `${words(hosts)} fits no listener of Gateway ${name}, which take ${words(admitting.map((listener) => text(listener.hostname)))}.`,
          "Write a host name that a listener's hostname covers.",
        ),
      ];
}

function absent(
  subject: ObjectsSubject,
  route: Placed,
  path: readonly (string | number)[],
  name: string,
  namespace: string | undefined,
  gateways: readonly Placed[],
): Violation[] {
  const near = closest(
    name,
    gateways.filter((gateway) => gateway.namespace === namespace).map((gateway) => gateway.name),
    2,
  );
  if (near !== undefined) {
    return [flaw(route, [...path, "name"], `There is no Gateway ${name}.`, `Did you mean ${near}?`)];
  }
  const elsewhere = gateways.find((gateway) => gateway.name === name && gateway.namespace !== undefined);
  if (elsewhere?.namespace !== undefined && namespace !== undefined) {
    const message = `Gateway ${name} is in ${elsewhere.namespace}, not in ${namespace}.`;
    return [flaw(route, path, message, `Write namespace: ${elsewhere.namespace} beside the name.`)];
  }
  return subject.complete
    ? [flaw(route, [...path, "name"], `There is no Gateway ${name}.`, "Write the name of a Gateway, or create it.")]
    : [];
}

function admits({ allowedRoutes }: Item, route: Placed, gateway: Placed): boolean {
  const from = record(record(allowedRoutes).namespaces).from ?? "Same";
  const known = route.namespace !== undefined && gateway.namespace !== undefined;
  return from !== "Same" || !known || route.namespace === gateway.namespace;
}
