import { closest } from "../../components/cilium/chart-keys.ts";
import { record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule } from "../rule.ts";
import {
  allObjects,
  chartValues,
  flaw,
  objectsOf,
  type Placed,
  records,
  repeated,
  sameObject,
  text,
} from "./objects.ts";
import { describeSelector, matches, nested } from "./selector.ts";

const of = (subject: ObjectsSubject, kind: string) => objectsOf(subject, "cilium.io", [kind]);

/** Whether objects of a kind can be counted on to be all here: nothing else is in the cluster, or some are given. */
const given = (subject: ObjectsSubject, found: readonly Placed[]) => subject.complete || found.length > 0;

/** What joins the BGP objects: names, labels, nodes. */
export const bgpReferenceRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1321",
    severity: "error",
    title: "Every peerConfigRef names a CiliumBGPPeerConfig.",
    korean: "peerConfigRef는 실제로 있는 CiliumBGPPeerConfig의 이름이어야 합니다.",
    reason:
      "The session is not opened; only the condition MissingPeerConfigs tells (cilium operator/pkg/bgp/cluster.go).",
    check: (subject) => {
      const configs = of(subject, "CiliumBGPPeerConfig");
      if (!given(subject, configs)) return [];
      const names = configs.map(({ name }) => name);
      return of(subject, "CiliumBGPClusterConfig").flatMap((placed) =>
        records(placed.spec.bgpInstances).flatMap(({ at, item }) =>
          records(item.peers).flatMap((peer) => {
            const name = text(record(peer.item.peerConfigRef).name);
            return name === "" || names.includes(name)
              ? []
              : [
                  flaw(
                    placed,
                    ["spec", "bgpInstances", at, "peers", peer.at, "peerConfigRef", "name"],
                    `There is no CiliumBGPPeerConfig ${name}.`,
                    names.length === 0
                      ? "Create it, with the family and the advertisements' labels."
                      : `Write ${closest(name, names, 4) ?? names.join(" or ")}.`,
                  ),
                ];
          }),
        ),
      );
    },
  },
  {
    code: "GB-1322",
    severity: "error",
    title: "Every authSecretRef names a Secret with the key password in the BGP secrets' namespace.",
    korean: "authSecretRef는 BGP 시크릿 네임스페이스에 있고 password 키를 가진 Secret이어야 합니다.",
    reason:
      "Without the Secret the session is tried with an empty password, without the key it is not opened (cilium pkg/bgp/manager/reconciler/neighbor.go).",
    check: (subject) => {
      const namespace = chartValues(subject)?.text("bgpControlPlane.secretsNamespace.name") ?? "kube-system";
      const secrets = objectsOf(subject, "", ["Secret"]);
      return of(subject, "CiliumBGPPeerConfig").flatMap((placed) => {
        const name = text(placed.spec.authSecretRef);
        if (name === "") return [];
        const path = ["spec", "authSecretRef"];
        const named = secrets.filter((secret) => secret.name === name);
        const here = named.find((secret) => (secret.namespace ?? namespace) === namespace);
        if (here === undefined) {
          const elsewhere = subject.values === undefined ? undefined : named[0];
          if (elsewhere !== undefined) {
            return [
              flaw(
                placed,
                path,
                `Secret ${name} is in namespace ${elsewhere.namespace ?? ""}; the agent reads ${namespace}.`,
                `Write namespace: ${namespace} in the Secret.`,
              ),
            ];
          }
          return subject.complete && named.length === 0
            ? [
                flaw(
                  placed,
                  path,
                  `There is no Secret ${name} in ${namespace}; the session would use an empty password.`,
                  `Create it there, with the key password.`,
                ),
              ]
            : [];
        }
        const keys = [...Object.keys(record(here.object.data)), ...Object.keys(record(here.object.stringData))];
        return keys.length > 0 && !keys.includes("password")
          ? [
              flaw(
                placed,
                path,
                `Secret ${name} has no key password, only ${keys.join(", ")}.`,
                "Write the password under the key password.",
              ),
            ]
          : [];
      });
    },
  },
  {
    code: "GB-1323",
    severity: "error",
    title: "Every family of a peer configuration finds an advertisement.",
    korean: "피어 설정의 패밀리마다 selector에 맞는 CiliumBGPAdvertisement가 있어야 합니다.",
    reason:
      "The session comes up and announces nothing, without any error (Documentation/network/bgp-control-plane/bgp-control-plane-configuration.rst, Address Families).",
    check: (subject) => {
      const adverts = of(subject, "CiliumBGPAdvertisement");
      if (!given(subject, adverts)) return [];
      const labels = adverts.map((advert) => `${advert.name} {${describeSelector({ matchLabels: advert.labels })}}`);
      return of(subject, "CiliumBGPPeerConfig").flatMap((placed) => {
        const families = records(placed.spec.families);
        if (families.length === 0) {
          return [
            flaw(
              placed,
              ["spec"],
              `CiliumBGPPeerConfig ${placed.name} has no families, so nothing is announced to its peers.`,
              "Write families: [{afi: ipv4, safi: unicast, advertisements: {matchLabels: ...}}].",
            ),
          ];
        }
        return families.flatMap(({ at, item: { advertisements, afi } }) => {
          if (advertisements === undefined || advertisements === null) {
            return [
              flaw(
                placed,
                ["spec", "families", at],
                `Family ${text(afi)} has no advertisements, so it announces nothing.`,
                "Write advertisements.matchLabels with the labels of a CiliumBGPAdvertisement.",
              ),
            ];
          }
          return adverts.some((advert) => matches(advertisements, advert.labels))
            ? []
            : [
                flaw(
                  placed,
                  ["spec", "families", at, "advertisements"],
                  `No CiliumBGPAdvertisement has the labels ${describeSelector(advertisements)}; there are ${labels.join("; ") || "none"}.`,
                  "Write the same labels in metadata.labels of the advertisement and here.",
                ),
              ];
        });
      });
    },
  },
  {
    code: "GB-1324",
    severity: "error",
    title: "Every advertisement is asked for by a family.",
    korean: "모든 CiliumBGPAdvertisement는 어떤 피어 설정의 패밀리에서 선택되어야 합니다.",
    reason: "What no peer configuration selects is announced to nobody, without any error.",
    check: (subject) => {
      const configs = of(subject, "CiliumBGPPeerConfig");
      if (!given(subject, configs)) return [];
      const selectors = configs.flatMap(({ spec }) =>
        records(spec.families).flatMap(({ item }) => (item.advertisements ? [item.advertisements] : [])),
      );
      return of(subject, "CiliumBGPAdvertisement").flatMap((advert) =>
        selectors.some((selector) => matches(selector, advert.labels))
          ? []
          : [
              flaw(
                advert,
                ["metadata", "labels"],
                `No CiliumBGPPeerConfig asks for ${advert.name}, which has ${Object.keys(advert.labels).length === 0 ? "no labels" : `the labels ${describeSelector({ matchLabels: advert.labels })}`}.`,
                `Write labels that a family selects${selectors.length === 0 ? "" : `: ${selectors.map(describeSelector).join(" or ")}`}.`,
              ),
            ],
      );
    },
  },
  {
    code: "GB-1325",
    severity: "error",
    title: "No two cluster configurations select the same node.",
    korean: "두 CiliumBGPClusterConfig가 같은 노드를 선택하면 안 됩니다.",
    reason:
      "The node keeps the older configuration and ignores the other; only the condition ConflictingClusterConfig tells (cilium operator/pkg/bgp/cluster.go).",
    check: (subject) => {
      const configs = of(subject, "CiliumBGPClusterConfig");
      return configs.flatMap((placed, position) => {
        // One for each rack; hundreds are more than anybody has.
        const other = configs
          .slice(0, Math.min(position, 200))
          .find((before) => !sameObject(before, placed) && nested(before.spec.nodeSelector, placed.spec.nodeSelector));
        return other === undefined
          ? []
          : [
              flaw(
                placed,
                ["spec", "nodeSelector"],
                `${placed.name} selects ${describeSelector(placed.spec.nodeSelector)} and ${other.name} selects ${describeSelector(other.spec.nodeSelector)}: nodes of both.`,
                "Write labels that only one of them has, or put all peers into one configuration.",
              ),
            ];
      });
    },
  },
  {
    code: "GB-1326",
    severity: "error",
    title: "A node's override names an instance and peers of a cluster configuration.",
    korean: "CiliumBGPNodeConfigOverride의 인스턴스와 피어 이름은 CiliumBGPClusterConfig에 있어야 합니다.",
    reason:
      "Names are compared; an override that finds none changes nothing (Documentation/network/bgp-control-plane/bgp-control-plane-configuration.rst, BGP Configuration Override).",
    check: (subject) => {
      const configs = of(subject, "CiliumBGPClusterConfig");
      const nodes = objectsOf(subject, "", ["Node"]).map(({ name }) => name);
      const instances = configs.flatMap(({ spec }) => records(spec.bgpInstances).map(({ item }) => item));
      if (!given(subject, configs)) return [];
      return of(subject, "CiliumBGPNodeConfigOverride").flatMap((placed) => [
        ...(subject.complete && nodes.length > 0 && !nodes.includes(placed.name)
          ? [
              flaw(
                placed,
                ["metadata", "name"],
                `There is no node ${placed.name}.`,
                `Write the node's name: ${closest(placed.name, nodes, 4) ?? nodes.join(" or ")}.`,
              ),
            ]
          : []),
        ...records(placed.spec.bgpInstances).flatMap(({ at, item }) => {
          const named = instances.filter(({ name }) => name === item.name);
          if (named.length === 0) {
            return [
              flaw(
                placed,
                ["spec", "bgpInstances", at, "name"],
                `No CiliumBGPClusterConfig has an instance ${text(item.name)}.`,
                `Write ${instances.map(({ name }) => text(name)).join(" or ") || "the name of an instance"}.`,
              ),
            ];
          }
          const peers = named.flatMap(({ peers: all }) => records(all).map((peer) => text(peer.item.name)));
          return records(item.peers)
            .filter((peer) => !peers.includes(text(peer.item.name)))
            .map((peer) =>
              flaw(
                placed,
                ["spec", "bgpInstances", at, "peers", peer.at, "name"],
                `Instance ${text(item.name)} has no peer ${text(peer.item.name)}.`,
                `Write ${peers.join(" or ") || "the name of a peer"}.`,
              ),
            );
        }),
      ]);
    },
  },
  {
    code: "GB-1327",
    severity: "warning",
    title: "localPreference is set for peers of the same ASN.",
    korean: "localPreference는 같은 ASN의 피어(iBGP)에만 적용됩니다.",
    reason:
      "Local preference is not sent to peers of another ASN (RFC 4271, 5.1.5; Documentation/network/bgp-control-plane/bgp-control-plane-configuration.rst).",
    check: (subject) => {
      const sessions = of(subject, "CiliumBGPClusterConfig").flatMap(({ spec }) =>
        records(spec.bgpInstances).flatMap(({ item }) =>
          records(item.peers).map((peer) => ({ local: item.localASN, remote: peer.item.peerASN ?? 0 })),
        ),
      );
      const external = sessions.length > 0 && sessions.every(({ local, remote }) => remote !== 0 && local !== remote);
      if (!external || of(subject, "CiliumBGPNodeConfigOverride").length > 0) return [];
      return of(subject, "CiliumBGPAdvertisement").flatMap((placed) =>
        records(placed.spec.advertisements)
          .filter(({ item }) => record(item.attributes).localPreference !== undefined)
          .slice(0, 1)
          .map(({ at }) =>
            flaw(
              placed,
              ["spec", "advertisements", at, "attributes", "localPreference"],
              "All peers have another ASN, so localPreference is never sent.",
              "Take it out; steer other autonomous systems with communities.",
            ),
          ),
      );
    },
  },
  {
    code: "GB-1328",
    severity: "error",
    title: "BGP objects of one kind have different names.",
    korean: "같은 종류의 BGP 오브젝트는 이름이 서로 달라야 합니다.",
    reason: "They are cluster-scoped: the second of a name replaces the first.",
    check: (subject) =>
      subject.complete
        ? repeated(
            allObjects(subject).filter(({ group, kind }) => group === "cilium.io" && kind.startsWith("CiliumBGP")),
            ({ kind, name }) => (name === "" ? undefined : `${kind}/${name}`),
          ).map((placed) =>
            flaw(
              placed,
              ["metadata", "name"],
              `There are two ${placed.kind} named ${placed.name}.`,
              "Give one of them another name.",
            ),
          )
        : [],
  },
];
