import { describe, expect, it } from "vitest";
import { bgpObjects } from "../../components/cilium/bgp.ts";
import { resourceProblems } from "../../components/cilium/crd-schemas.ts";
import type { OnPremSiteSpec } from "../../components/config/schema.ts";
import { Cidr, Ipv4 } from "../../components/network/cidr.ts";
import { at, idcBusan, idcSeoul, withCilium } from "./sites.ts";

const find = (site: OnPremSiteSpec, kind: string) => bgpObjects(site).filter((object) => object.kind === kind);
const one = (site: OnPremSiteSpec, kind: string) => {
  const [found, ...others] = find(site, kind);
  if (!found || others.length > 0) throw new Error(`${others.length + 1} of ${kind}`);
  return found;
};

describe.each([idcSeoul, idcBusan])("BGP of $name", (site) => {
  it.each(["1.18.12", "1.19.6", "1.20.2"])("satisfies the CRDs of %s, unknown fields refused", (version) => {
    expect(bgpObjects(site).flatMap((object) => resourceProblems(version, object))).toEqual([]);
  });

  it("gives each rack the ToRs of its own subnet", () => {
    expect(find(site, "CiliumBGPClusterConfig")).toHaveLength(2);
    for (const { name, tors } of site.racks) {
      const config = find(site, "CiliumBGPClusterConfig").find(
        (object) =>
          at(object.spec, "nodeSelector.matchLabels") !== undefined && object.metadata.name === `rack-${name}`,
      );
      expect(at(config?.spec, "nodeSelector")).toEqual({ matchLabels: { "gyeongbu.io/rack": name } });
      const [instance] = at(config?.spec, "bgpInstances") as { localASN: number; peers: { peerAddress: string }[] }[];
      expect(instance?.localASN).toBe(site.bgp.nodeAsn);
      expect(instance?.peers.map(({ peerAddress }) => peerAddress)).toEqual(tors.map(({ address }) => address));
    }
  });

  it("joins what only labels and names join: peers to their config, families to the advertisement", () => {
    const peerConfig = one(site, "CiliumBGPPeerConfig");
    const advertisement = one(site, "CiliumBGPAdvertisement");
    const [family] = at(peerConfig.spec, "families") as { advertisements: { matchLabels: object } }[];
    expect(advertisement.metadata.labels).toEqual(family?.advertisements.matchLabels);
    for (const config of find(site, "CiliumBGPClusterConfig")) {
      const [instance] = at(config.spec, "bgpInstances") as { peers: { peerConfigRef: { name: string } }[] }[];
      for (const { peerConfigRef } of instance?.peers ?? []) expect(peerConfigRef.name).toBe(peerConfig.metadata.name);
    }
  });
});

it("announces pod blocks, and the addresses of labelled Services", () => {
  expect(one(idcSeoul, "CiliumBGPAdvertisement").spec).toEqual({
    advertisements: [
      { advertisementType: "PodCIDR" },
      {
        advertisementType: "Service",
        service: { addresses: ["LoadBalancerIP"] },
        selector: { matchLabels: { "gyeongbu.io/announce": "true" } },
      },
    ],
  });
});

it("keeps pod blocks to itself in a tunnel", () => {
  const advertised = at(
    one(withCilium(idcSeoul, { routing: "vxlan" }), "CiliumBGPAdvertisement").spec,
    "advertisements",
  );
  expect(advertised).toHaveLength(1);
});

it("reaches a ToR that speaks from another network one hop further", () => {
  expect(at(one(idcSeoul, "CiliumBGPPeerConfig").spec, "ebgpMultihop")).toBe(1);
  const racks = idcSeoul.racks.map((rack) => ({
    ...rack,
    tors: [{ name: "tor-a", address: Ipv4.parse("10.99.0.1") }],
  }));
  expect(at(one({ ...idcSeoul, racks }, "CiliumBGPPeerConfig").spec, "ebgpMultihop")).toBe(2);
});

it("names a password Secret only where MD5 is on", () => {
  expect(at(one(idcSeoul, "CiliumBGPPeerConfig").spec, "authSecretRef")).toBe("bgp-tor-md5");
  const plain = { ...idcSeoul, bgp: { ...idcSeoul.bgp, md5: false } };
  expect(at(one(plain, "CiliumBGPPeerConfig").spec, "authSecretRef")).toBeUndefined();
});

it("hands out the site's load-balancer block", () => {
  const site = { ...idcSeoul, loadBalancers: Cidr.parse("10.30.251.0/25") };
  expect(one(site, "CiliumLoadBalancerIPPool").spec).toEqual({
    blocks: [{ cidr: "10.30.251.0/25" }],
    allowFirstLastIPs: "No",
  });
});
