import type { SegmentationPromise, SegmentationSpec, ZoneSpec } from "../../config/segmentation.ts";
import type { Application, Outside, Tier } from "./application.ts";

/** As the schema of zones has it. */
const maxZoneName = 32;

type Zone = readonly [name: string, spec: ZoneSpec];

const dnsZone: Zone = ["kube-dns", podZone("kube-system", { "k8s-app": "kube-dns" })];

function podZone(namespace: string, labels: Tier["labels"]): Extract<ZoneSpec, { namespace: string }> {
  return { namespace, labels: { ...labels }, namespaceLabels: {}, namedPorts: {} };
}

/** A tier is a zone; an outside party is one for each of its blocks and hosts. */
function zonesOf(application: string, party: Tier | Outside): Zone[] {
  const numbered = (name: string, index: number) => `${application}-${name}${index === 0 ? "" : `-${index + 1}`}`;
  switch (party.kind) {
    case "tier": {
      const zone = podZone(party.namespace, party.labels);
      const { serviceAccount } = party;
      return [[`${application}-${party.name}`, serviceAccount === undefined ? zone : { ...zone, serviceAccount }]];
    }
    case "entity":
      return [[party.entity, { entity: party.entity }]];
    case "blocks":
      return party.cidrs.map((cidr, index) => [numbered(party.name, index), { cidr }]);
    case "hosts": {
      // A pattern is shown by one host that it matches.
      const fqdns = party.hosts.map((host) => host.replace("*", "any"));
      const readable = (fqdn: string) => `${application}-${fqdn.replaceAll(".", "-")}`;
      const names = new Set(fqdns.map(readable));
      const fits = names.size === fqdns.length && [...names].every((name) => name.length <= maxZoneName);
      return fqdns.map((fqdn, index) => [fits ? readable(fqdn) : numbered("host", index), { fqdn }]);
    }
  }
}

/** What an application's policies come to: its zones, the ports between each pair, and that nothing else is open to or from any of them. */
export function evidenceOf({ conversations, name, tiers }: Application): SegmentationSpec {
  const zones = (party: Tier | Outside) => zonesOf(name, party);
  const opened = new Map<string, SegmentationPromise>();
  for (const { from, port, to } of conversations) {
    const text = `${port.port}${port.endPort === undefined ? "" : `-${port.endPort}`}/${port.protocol}`;
    for (const [caller] of zones(from)) {
      for (const [called] of zones(to)) {
        const pair = `${caller} ${called}`;
        opened.set(pair, { from: caller, to: called, ports: [...(opened.get(pair)?.ports ?? []), text] });
      }
    }
  }
  const closed = tiers.flatMap((tier) =>
    zones(tier).flatMap(([zone]): SegmentationPromise[] => [
      { from: "anyone", to: zone, ports: [] },
      { from: zone, to: "anyone", ports: [] },
      ...(tier.silent === undefined ? [{ from: zone, to: dnsZone[0], ports: ["53/UDP", "53/TCP"] }] : []),
    ]),
  );
  const parties = [
    ...tiers,
    ...tiers.flatMap(({ refuses }) => refuses ?? []),
    ...conversations.flatMap(({ from, to }) => [from, to]),
  ];
  return {
    zones: Object.fromEntries([...parties.flatMap(zones), dnsZone]),
    promises: [...opened.values(), ...closed],
  };
}
