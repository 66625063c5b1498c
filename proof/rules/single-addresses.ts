import type { OnPremSiteSpec, SiteSpec } from "../../components/config/schema.ts";
import { bounds, type Cidr, contains, Ipv4, overlaps, prefixLength, single } from "../../components/network/cidr.ts";
import { nodeCidrs } from "../../components/network/plan.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";
import { blocksOf, type Named, pairs } from "./addresses.ts";

/** An address with the path that names it. */
interface Address {
  readonly label: string;
  readonly path: readonly (string | number)[];
  readonly address: Ipv4;
}

/** Addresses that a site's file gives to one machine or endpoint outside of Kubernetes. */
function endpointsOf(site: SiteSpec): Address[] {
  const named = (label: string, path: readonly string[], address: Ipv4 | undefined): Address[] =>
    address === undefined ? [] : [{ label, path, address }];
  const jump = site.platform !== "existing" && site.access.kind === "jump-host" ? site.access.address : undefined;
  switch (site.platform) {
    case "aws":
    case "azure":
      return named("The jump host", ["access", "address"], jump);
    case "on-prem":
      return [
        ...named("The jump host", ["access", "address"], jump),
        ...named("apiAddress", ["apiAddress"], site.apiAddress),
      ];
    case "existing": {
      const api = Ipv4.safeParse(site.api.host);
      return [
        ...named("api.host", ["api", "host"], api.data),
        ...named("meshAddress", ["meshAddress"], site.meshAddress),
      ];
    }
  }
}

/** Names that lead to the API through a Service. */
const serviceName = /^kubernetes(\.default)?(\.svc.*)?$|\.svc(\.|$)/;

function torsOf({ racks }: OnPremSiteSpec): Address[] {
  return racks.flatMap(({ tors }, rack) =>
    tors.map(({ name, address }, index) => ({
      label: `ToR ${name}`,
      path: ["racks", rack, "tors", index, "address"],
      address,
    })),
  );
}

function hostsOf({ nodePools }: OnPremSiteSpec): (Address & { readonly role: string })[] {
  return nodePools.flatMap(({ name, role, hosts }, pool) =>
    hosts.map(({ address }, index) => ({
      label: `Host ${index} of pool ${name}`,
      path: ["nodePools", pool, "hosts", index, "address"],
      address,
      role,
    })),
  );
}

/** Whether the address is the first or last of its block, which name the block and everyone in it. */
function isEdge(block: Cidr, address: Ipv4): boolean {
  const [value] = bounds(single(address));
  return prefixLength(block) < 31 && bounds(block).includes(value);
}

function misplacedHosts(site: OnPremSiteSpec): Violation[] {
  return site.nodePools.flatMap((pool, index) =>
    pool.hosts.flatMap(({ address, rack }, position): Violation[] => {
      const home = site.racks.find(({ name }) => name === rack);
      const path = ["nodePools", index, "hosts", position];
      if (!home) {
        return [
          {
            path: [...path, "rack"],
            message: `There is no rack "${rack}".`,
            fix: `Write one of ${site.racks.map(({ name }) => name).join(", ")}.`,
          },
        ];
      }
      if (!contains(home.subnet, address)) {
        return [
          {
            path: [...path, "address"],
            message: `${address} is not in rack ${rack}'s subnet ${home.subnet}.`,
            fix: "Write the host's address in its rack, or its real rack.",
          },
        ];
      }
      return isEdge(home.subnet, address)
        ? [
            {
              path: [...path, "address"],
              message: `${address} is the first or last address of ${home.subnet}, which no machine can have.`,
              fix: "Write the host's own address.",
            },
          ]
        : [];
    }),
  );
}

function misplacedRacks(site: OnPremSiteSpec): Violation[] {
  return site.racks.flatMap(({ name, subnet, tors }, index): Violation[] => [
    ...(contains(site.network.nodes, subnet)
      ? []
      : [
          {
            path: ["racks", index, "subnet"],
            message: `Rack ${name}'s subnet ${subnet} lies outside network.nodes ${site.network.nodes}.`,
            fix: "Write a subnet of the node block.",
          },
        ]),
    ...tors.flatMap((tor, position) =>
      contains(subnet, tor.address)
        ? []
        : [
            {
              path: ["racks", index, "tors", position, "address"],
              message: `ToR ${tor.name} ${tor.address} is not in rack ${name}'s subnet ${subnet}, so its session would need more than one hop.`,
              fix: "Write the ToR's address in the rack's subnet.",
            },
          ],
    ),
  ]);
}

function misplacedPool(site: OnPremSiteSpec): Violation[] {
  const { loadBalancers, meshAddress } = site;
  return [
    ...(nodeCidrs(site).some((block) => overlaps(block, loadBalancers))
      ? [
          {
            path: ["loadBalancers"],
            message: `loadBalancers ${loadBalancers} overlaps a rack's subnet.`,
            fix: "Write a block that no rack uses.",
          },
        ]
      : []),
    ...(meshAddress && !contains(loadBalancers, meshAddress)
      ? [
          {
            path: ["meshAddress"],
            message: `${meshAddress} is not in loadBalancers ${loadBalancers}, so nothing would announce it.`,
            fix: `Write an address of ${loadBalancers}.`,
          },
        ]
      : []),
    ...(meshAddress && isEdge(loadBalancers, meshAddress)
      ? [
          {
            path: ["meshAddress"],
            message: `${meshAddress} is the first or last address of ${loadBalancers}, which is never handed out.`,
            fix: "Write another address of the block.",
          },
        ]
      : []),
  ];
}

function sharedNames(site: OnPremSiteSpec): Violation[] {
  const racks = site.racks.map((rack, index) => ({ ...rack, index }));
  return [
    ...pairs(racks).flatMap(([one, other]): Violation[] => [
      ...(one.name === other.name
        ? [
            {
              path: ["racks", other.index, "name"],
              message: `Two racks are named ${one.name}, so their nodes would have two BGP configurations.`,
              fix: "Name each rack once.",
            },
          ]
        : []),
      ...(overlaps(one.subnet, other.subnet)
        ? [
            {
              path: ["racks", other.index, "subnet"],
              message: `${other.subnet} of rack ${other.name} overlaps ${one.subnet} of rack ${one.name}.`,
              fix: "Give each rack a subnet of its own.",
            },
          ]
        : []),
    ]),
    ...racks.flatMap(({ name, tors, index }) =>
      pairs(tors.map((tor, position) => ({ ...tor, position })))
        .filter(([one, other]) => one.name === other.name)
        .map(([, other]) => ({
          path: ["racks", index, "tors", other.position, "name"],
          message: `Rack ${name} has two ToRs named ${other.name}; a peer's name is its key.`,
          fix: "Name each ToR of a rack once.",
        })),
    ),
  ];
}

function shared(site: OnPremSiteSpec): Violation[] {
  const api = site.apiAddress
    ? [{ label: "apiAddress", path: ["apiAddress"], address: site.apiAddress, host: false }]
    : [];
  const tors = torsOf(site).map((tor) => ({ ...tor, host: false }));
  const hosts = hostsOf(site).map((host) => ({ ...host, host: true }));
  // Two hosts are GB-209's; an API address that is a control plane's is GB-212's.
  return pairs([...api, ...hosts, ...tors])
    .filter(([one, other]) => one.address === other.address && !(one.host && other.host))
    .filter(([one, other]) => !(one.label === "apiAddress" && other.host))
    .map(([one, other]) => ({
      path: other.path,
      message: `${other.label} has ${other.address}, which is ${one.label}'s.`,
      fix: "Write each one's own address.",
    }));
}

const notNodes = ({ label }: Named) => label !== "network.nodes";

export const singleAddressRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-208",
    severity: "error",
    title: "Every address on-prem lies in the block that should hold it.",
    korean: "온프레미스 주소(랙, ToR, 호스트, 메시 주소)는 정해진 대역 안에 있어야 합니다.",
    reason:
      "BGP peers, racks and the mesh endpoint are found by these blocks; LB-IPAM keeps back a block's first and last address (allowFirstLastIPs: No).",
    check: ({ site }) =>
      site.platform === "on-prem" ? [...misplacedRacks(site), ...misplacedHosts(site), ...misplacedPool(site)] : [],
  },
  {
    code: "GB-210",
    severity: "error",
    title: "No machine or endpoint outside of Kubernetes has an address that Kubernetes gives out.",
    korean: "점프 호스트, API, 메시 주소는 파드·서비스·로드밸런서 대역에 속하면 안 됩니다.",
    reason:
      "Sooner or later a pod or Service gets the same address. And agents must find the API before there are Services (Cilium, kube-proxy replacement).",
    check: ({ site, peers }) => [
      ...endpointsOf(site).flatMap(({ label, path, address }) => [
        ...blocksOf(site)
          .filter((block) => notNodes(block) && contains(block.block, address))
          .map((block) => ({
            path,
            message: `${label} ${address} lies in ${block.label} ${block.block}.`,
            fix: "Write an address outside of it.",
          })),
        ...peers.flatMap((peer) =>
          blocksOf(peer.site)
            .filter((block) => block.label !== "network.services" && contains(block.block, address))
            // Somebody who works at one site may jump from there to the other.
            .filter((block) => !(label === "The jump host" && !notNodes(block)))
            .map((block) => ({
              path,
              message: `${label} ${address} lies in ${block.label} ${block.block} of ${peer.site.name} (${peer.file}).`,
              fix: "Write an address of this site.",
            })),
        ),
      ]),
      ...(site.platform === "existing" && site.api.host === site.meshAddress
        ? [
            {
              path: ["meshAddress"],
              message: `${site.meshAddress} is the API's address.`,
              fix: "Write an address that no machine has.",
            },
          ]
        : []),
      ...(site.platform === "existing" && serviceName.test(site.api.host)
        ? [
            {
              path: ["api", "host"],
              message: `${site.api.host} is a Service, which is reached only once Cilium runs.`,
              fix: "Write the load balancer's or a control plane's own name or address.",
            },
          ]
        : []),
    ],
  },
  {
    code: "GB-211",
    severity: "error",
    title: "Racks, ToRs and machines on-prem have names, subnets and addresses of their own.",
    korean: "온프레미스의 랙·ToR·머신은 이름, 서브넷, 주소가 서로 달라야 합니다.",
    reason:
      "A node's rack label chooses its BGP configuration, and a peer's name is its key in it (CRD ciliumbgpclusterconfigs, x-kubernetes-list-map-keys).",
    check: ({ site }) => (site.platform === "on-prem" ? [...sharedNames(site), ...shared(site)] : []),
  },
  {
    code: "GB-212",
    severity: "warning",
    title: "The API's address is not one node's.",
    korean: "apiAddress는 특정 노드 한 대의 주소가 아니어야 합니다.",
    reason: "The API would be gone for operators while that machine is, though the other control planes serve it.",
    check: ({ site }) => {
      if (site.platform !== "on-prem") return [];
      const hosts = hostsOf(site);
      const own = hosts.find(({ address }) => address === site.apiAddress);
      const alone = hosts.filter(({ role }) => role === "control-plane").length < 2;
      return own && !(alone && own.role === "control-plane")
        ? [
            {
              path: ["apiAddress"],
              message: `${own.address} is ${own.label}.`,
              fix: "Write the address of a load balancer in front of all control planes, or leave it out.",
            },
          ]
        : [];
    },
  },
];
