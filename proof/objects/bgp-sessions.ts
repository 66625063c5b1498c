import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule } from "../rule.ts";
import { chartValues, flaw, objectsOf, records, repeated, shown, text } from "./objects.ts";

/** ASNs that no speaker may use: RFC 7607, RFC 6793 (AS_TRANS), RFC 7300 (the last of each size). */
const reservedAsns: Readonly<Record<number, string>> = {
  23456: "AS_TRANS, which stands for any four-byte ASN (RFC 6793)",
  65535: "reserved (RFC 7300)",
  4294967295: "reserved (RFC 7300)",
};

/** The kernel's TCP_MD5SIG_MAXKEYLEN, in bytes. */
const longestPassword = 80;

/** Every peer of every ClusterConfig with its place. */
function peers(subject: ObjectsSubject) {
  return objectsOf(subject, "cilium.io", ["CiliumBGPClusterConfig"]).flatMap((config) =>
    records(config.spec.bgpInstances).flatMap(({ at, item: instance }) =>
      records(instance.peers).map((peer) => ({
        config,
        instance,
        peer: peer.item,
        path: ["spec", "bgpInstances", at, "peers", peer.at] as const,
      })),
    ),
  );
}

/** What makes a session: ASNs, addresses, families, passwords. */
export const bgpSessionRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1303",
    severity: "error",
    title: "ASNs are ones that a speaker may use.",
    korean: "ASN은 예약되지 않은 번호여야 합니다.",
    reason: "Peers refuse sessions with reserved numbers (RFC 6793, RFC 7300).",
    check: (subject) =>
      objectsOf(subject, "cilium.io", ["CiliumBGPClusterConfig", "CiliumBGPNodeConfigOverride"]).flatMap((placed) =>
        records(placed.spec.bgpInstances).flatMap(({ at, item }) => {
          const places: [(string | number)[], unknown][] = [
            [["localASN"], item.localASN],
            ...records(item.peers).map(({ at: peer, item: { peerASN } }): [(string | number)[], unknown] => [
              ["peers", peer, "peerASN"],
              peerASN,
            ]),
          ];
          return places.flatMap(([path, asn]) => {
            const why = typeof asn === "number" ? reservedAsns[asn] : undefined;
            return why === undefined
              ? []
              : [
                  flaw(
                    placed,
                    ["spec", "bgpInstances", at, ...path],
                    `ASN ${shown(asn)} is ${why}.`,
                    "Write a private ASN: 64512 to 65534, or 4200000000 to 4294967294.",
                  ),
                ];
          });
        }),
      ),
  },
  {
    code: "GB-1304",
    severity: "error",
    title: "A BGP instance has its own ASN, and every peer an address and a peer configuration.",
    korean: "BGP 인스턴스에는 localASN이, 피어에는 주소와 peerConfigRef가 있어야 합니다.",
    reason:
      "An instance without an ASN is not started, a peer without an address is skipped, and one without peerConfigRef is told no route (cilium pkg/bgp/manager/reconciler/neighbor.go, peer_advertisements.go).",
    check: (subject) => [
      ...objectsOf(subject, "cilium.io", ["CiliumBGPClusterConfig"]).flatMap((placed) =>
        records(placed.spec.bgpInstances).flatMap(({ at, item }) =>
          item.localASN === undefined && !overridesAsn(subject, text(item.name))
            ? [
                flaw(
                  placed,
                  ["spec", "bgpInstances", at],
                  `Instance ${text(item.name)} has no localASN.`,
                  "Write localASN, for instance 64512.",
                ),
              ]
            : [],
        ),
      ),
      ...peers(subject).flatMap(({ config, peer, path }) => [
        ...(peer.peerAddress === undefined && peer.autoDiscovery === undefined
          ? [
              flaw(
                config,
                path,
                `Peer ${text(peer.name)} has neither peerAddress nor autoDiscovery, so no session is opened.`,
                "Write peerAddress with the peer's IP address.",
              ),
            ]
          : []),
        ...(peer.peerConfigRef === undefined
          ? [
              flaw(
                config,
                path,
                `Peer ${text(peer.name)} has no peerConfigRef, so no route is announced to it.`,
                "Write peerConfigRef.name with the name of a CiliumBGPPeerConfig.",
              ),
            ]
          : []),
      ]),
    ],
  },
  {
    code: "GB-1305",
    severity: "error",
    title: "Instances, peers and addresses occur once.",
    korean: "인스턴스 이름, 피어 이름, 피어 주소는 한 번씩만 나와야 합니다.",
    reason:
      "Names are the keys of their lists, so the API server refuses a second one; two sessions of one instance to one address displace each other.",
    check: (subject) =>
      objectsOf(subject, "cilium.io", ["CiliumBGPClusterConfig", "CiliumBGPNodeConfigOverride"]).flatMap((placed) => {
        const instances = records(placed.spec.bgpInstances);
        const twice = (path: (string | number)[], what: string) =>
          flaw(
            placed,
            ["spec", "bgpInstances", ...path],
            `${what} occurs twice.`,
            "Take one of them out, or rename it.",
          );
        return [
          ...repeated(instances, ({ item }) => text(item.name)).map(({ at, item }) =>
            twice([at, "name"], `Instance ${text(item.name)}`),
          ),
          ...instances.flatMap(({ at, item }) => [
            ...repeated(records(item.peers), (peer) => text(peer.item.name)).map((peer) =>
              twice([at, "peers", peer.at, "name"], `Peer ${text(peer.item.name)}`),
            ),
            ...repeated(records(item.peers), (peer) =>
              typeof peer.item.peerAddress === "string" ? peer.item.peerAddress.trim() : undefined,
            ).map((peer) =>
              twice([at, "peers", peer.at, "peerAddress"], `Peer address ${text(peer.item.peerAddress)}`),
            ),
          ]),
        ];
      }),
  },
  {
    code: "GB-1309",
    severity: "warning",
    title: "Address families are ones that carry something, once each.",
    korean: "주소 패밀리는 실제로 쓰이는 것이어야 하며 한 번씩만 나와야 합니다.",
    reason: "Cilium announces IPv4 and IPv6 unicast prefixes only (cilium pkg/bgp/manager/reconciler).",
    check: (subject) =>
      objectsOf(subject, "cilium.io", ["CiliumBGPPeerConfig"]).flatMap((placed) => {
        const families = records(placed.spec.families);
        return [
          ...families.flatMap(({ at, item: { afi, safi } }) =>
            (afi !== undefined && !["ipv4", "ipv6"].includes(text(afi))) || (safi !== undefined && safi !== "unicast")
              ? [
                  flaw(
                    placed,
                    ["spec", "families", at],
                    `Nothing is ever announced in ${shown(afi)}/${shown(safi)}.`,
                    "Write afi: ipv4 or ipv6, and safi: unicast.",
                  ),
                ]
              : [],
          ),
          ...repeated(families, ({ item }) => `${text(item.afi)}/${text(item.safi)}`).map(({ at, item }) =>
            flaw(
              placed,
              ["spec", "families", at],
              `Family ${text(item.afi)}/${text(item.safi)} occurs twice; only one of the selectors is used.`,
              "Write it once, with one selector for all its advertisements.",
            ),
          ),
        ];
      }),
  },
  {
    code: "GB-1310",
    severity: "error",
    title: "Router ids are unique.",
    korean: "routerID는 노드마다 달라야 합니다.",
    reason: "A router drops the session of a second speaker with the same identifier (RFC 4271, 6.8).",
    check: (subject) => {
      const ids = objectsOf(subject, "cilium.io", ["CiliumBGPNodeConfigOverride"]).flatMap((placed) =>
        records(placed.spec.bgpInstances).map(({ at, item }) => ({ placed, at, id: text(item.routerID) })),
      );
      const first = new Map(ids.toReversed().map((entry) => [entry.id, entry.placed]));
      return ids.flatMap(({ placed, at, id }) => {
        const other = first.get(id);
        return id === "" || other === undefined || other.name === placed.name
          ? []
          : [
              flaw(
                placed,
                ["spec", "bgpInstances", at, "routerID"],
                `routerID ${id} of node ${placed.name} is also that of ${other.name}.`,
                "Write the node's own IPv4 address.",
              ),
            ];
      });
    },
  },
  {
    code: "GB-1312",
    severity: "error",
    title: "BGP passwords fit into TCP MD5.",
    korean: "BGP 암호는 TCP MD5의 한도 안이어야 합니다.",
    reason: `The kernel takes keys of up to ${longestPassword} bytes (TCP_MD5SIG_MAXKEYLEN); the agent reads the key "password" of the Secret.`,
    check: (subject) => {
      const names = objectsOf(subject, "cilium.io", ["CiliumBGPPeerConfig"]).map(({ spec }) =>
        text(spec.authSecretRef),
      );
      return objectsOf(subject, "", ["Secret"])
        .filter(({ name }) => name !== "" && names.includes(name))
        .flatMap((secret) => {
          const plain = record(secret.object.stringData).password;
          const coded = record(secret.object.data).password;
          const bytes =
            typeof plain === "string" ? Buffer.byteLength(plain) : Buffer.from(text(coded), "base64").length;
          return bytes > longestPassword
            ? [
                flaw(
                  secret,
                  [typeof plain === "string" ? "stringData" : "data", "password"],
                  `The password has ${bytes} bytes; TCP MD5 takes ${longestPassword}.`,
                  `Write a password of 1 to ${longestPassword} bytes, the same on the router.`,
                ),
              ]
            : [];
        });
    },
  },
  {
    code: "GB-1313",
    severity: "error",
    title: "A listener below port 1024 has the right to listen there.",
    korean: "1024보다 낮은 localPort를 쓰려면 에이전트에 NET_BIND_SERVICE 권한이 있어야 합니다.",
    reason:
      "The agent runs without NET_BIND_SERVICE unless it is added (Documentation/network/bgp-control-plane/bgp-control-plane-configuration.rst).",
    check: (subject) => {
      const values = chartValues(subject);
      const granted =
        values === undefined ||
        values.on("securityContext.privileged") ||
        list(values.at("securityContext.capabilities.ciliumAgent")).includes("NET_BIND_SERVICE");
      if (granted) return [];
      return objectsOf(subject, "cilium.io", ["CiliumBGPClusterConfig", "CiliumBGPNodeConfigOverride"]).flatMap(
        (placed) =>
          records(placed.spec.bgpInstances)
            .filter(({ item: { localPort } }) => typeof localPort === "number" && localPort < 1024)
            .map(({ at, item }) =>
              flaw(
                placed,
                ["spec", "bgpInstances", at, "localPort"],
                `The agent may not listen on port ${shown(item.localPort)}.`,
                "Take localPort out, so that the agent dials; or add NET_BIND_SERVICE to securityContext.capabilities.ciliumAgent.",
              ),
            ),
      );
    },
  },
];

function overridesAsn(subject: ObjectsSubject, instance: string): boolean {
  return objectsOf(subject, "cilium.io", ["CiliumBGPNodeConfigOverride"]).some(({ spec }) =>
    records(spec.bgpInstances).some(({ item }) => item.name === instance && item.localASN !== undefined),
  );
}
