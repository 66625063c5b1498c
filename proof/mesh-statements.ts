import { type Cidr, Cidr as CidrText, contains, overlaps } from "../components/network/cidr.ts";
import { podMtu } from "../components/network/mtu.ts";
import { clusterLoss } from "./failover.ts";
import { certificateNames, covers, dialled, endpointProblem, foreignAddress } from "./mesh-endpoints.ts";
import { type Member, type Mesh, value } from "./mesh-members.ts";
import type { Proof } from "./proof.ts";
import type { Rule } from "./rule.ts";
import { blocksOf } from "./rules/addresses.ts";

type Facts = Proof["facts"];
type Verdict = { readonly facts: Facts; readonly problems: readonly string[] };

/** One thing that must hold for a whole mesh. To add one, add an entry and a fixture to `test/proof/mesh.test.ts`. */
export interface MeshStatement extends Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason"> {
  readonly check: (mesh: Mesh) => Verdict;
}

const linked = ({ links }: Mesh, problem: (from: Member, to: Member) => string | undefined): string[] =>
  links.flatMap(([from, to]) => problem(from, to) ?? []);

/** Every linked pair has the same value; facts hold it, or all of them. */
function equal(mesh: Mesh, settings: Readonly<Record<string, (member: Member) => string>>): Verdict {
  const facts: Record<string, string> = {};
  for (const [name, read] of Object.entries(settings)) {
    facts[name] = [...new Set(mesh.members.map(read))].join(", ");
  }
  const problems = Object.entries(settings).flatMap(([name, read]) =>
    mesh.joined
      .filter(([one, other]) => read(one) !== read(other))
      .map(([one, other]) => `${name} is ${read(one)} at ${one.site.name} and ${read(other)} at ${other.site.name}`),
  );
  return { facts, problems };
}

const isNative = (member: Member) => value("routingMode")(member) === "native";
const encryptionOf = ({ values }: Member) =>
  values.on("encryption.enabled") ? values.text("encryption.type") : "none";

function nativeBlock(member: Member): Cidr | undefined {
  return CidrText.safeParse(value("ipv4NativeRoutingCIDR")(member)).data;
}

function overlapping([one, other]: readonly [Member, Member]): string[] {
  return blocksOf(one.site).flatMap((first) =>
    blocksOf(other.site)
      // Two members may have the same services: each translates its own before a packet leaves.
      .filter(({ label }) => first.label !== "network.services" || label !== "network.services")
      .filter((second) => overlaps(first.block, second.block))
      .map(
        (second) =>
          `${first.label} ${first.block} of ${one.site.name} overlaps ${second.label} ${second.block} of ${other.site.name}`,
      ),
  );
}

function strictBlock({ values }: Member): string | undefined {
  const prefix = ["encryption.strictMode.egress", "encryption.strictMode"].find((path) => values.on(`${path}.enabled`));
  return prefix === undefined || !values.on("encryption.enabled") ? undefined : values.text(`${prefix}.cidr`);
}

function failover({ members }: Mesh): Verdict {
  const losses = members.map(({ site, peers }) => ({ site, loss: clusterLoss(site, peers) }));
  const never = losses.flatMap(({ loss }) => ("never" in loss ? [loss.never] : []));
  const worst = Math.max(0, ...losses.map(({ loss }) => ("seconds" in loss ? loss.seconds : 0)));
  const promised = members.flatMap(({ site }) => site.promises?.serviceFailoverSeconds ?? []);
  const late = members.flatMap(({ site, peers }) => {
    const seconds = site.promises?.serviceFailoverSeconds;
    if (seconds === undefined) return [];
    return losses.flatMap(({ site: peer, loss }) =>
      peers.includes(peer) && "seconds" in loss && loss.seconds > seconds
        ? [`${site.name} promises ${seconds} s, but ${peer.name} leaves a lost cluster after up to ${loss.seconds} s`]
        : [],
    );
  });
  return {
    facts: {
      lossNoticedAndLeftSeconds: never.length > 0 ? "never" : worst,
      promisedSeconds: promised.length > 0 ? Math.min(...promised) : "nothing",
    },
    // Without a promise, staying with a lost cluster is a warning of its own (GB-306).
    problems: [...(promised.length > 0 ? never : []), ...late],
  };
}

const minor = ({ site }: Member) => Number(site.cilium.version.split(".")[1]);

const statement = (
  number: number,
  title: string,
  korean: string,
  reason: string,
  check: MeshStatement["check"],
): MeshStatement => ({ code: `GB-${number}`, severity: "error", title, korean, reason, check });

export const meshStatements: readonly MeshStatement[] = [
  statement(
    2001,
    "Nodes, pods and load-balancer addresses of members that meet are disjoint.",
    "서로 만나는 사이트들의 노드·파드·로드밸런서 주소는 겹치지 않는다.",
    "Packets between members keep their addresses (clustermesh setup guide; cilium/cilium#20375).",
    ({ members, neighbours }) => ({
      facts: {
        blocks: members.reduce((sum, { site }) => sum + blocksOf(site).length, 0),
        pairsOfMembers: neighbours.length,
      },
      problems: neighbours.flatMap(overlapping),
    }),
  ),
  statement(
    2002,
    "With native routing, what is not masqueraded holds the pods of every peer and no node.",
    "네이티브 라우팅에서 마스커레이드 제외 대역은 모든 상대의 파드를 포함하고 노드는 포함하지 않는다.",
    "A masqueraded packet loses its identity; a node that sees a pod's address does not answer it (ipv4NativeRoutingCIDR).",
    ({ members }) => {
      const native = members.filter(isNative);
      const problems = native.flatMap((member) => {
        const block = nativeBlock(member);
        const { name } = member.site;
        if (!block) return [`${name} has no ipv4NativeRoutingCIDR`];
        return [member.site, ...member.peers].flatMap((site) => [
          ...(contains(block, site.network.pods)
            ? []
            : [`${block} of ${name} misses ${site.network.pods} of ${site.name}`]),
          ...blocksOf(site)
            .filter(({ label }) => label !== "network.pods")
            .filter((other) => overlaps(block, other.block))
            .map(({ label, block: other }) => `${block} of ${name} holds ${label} ${other} of ${site.name}`),
        ]);
      });
      return {
        facts: { nativeMembers: native.length, block: [...new Set(native.map(nativeBlock))].join(", ") },
        problems,
      };
    },
  ),
  statement(
    2003,
    "Every member has a name and an id of its own, the ones that its file says.",
    "모든 사이트의 클러스터 이름과 id는 유일하며 스택 파일과 같다.",
    "Both are in every identity and in the keys of the mesh's etcd (cluster.name, cluster.id).",
    ({ members, neighbours }) => ({
      facts: { ids: members.map(({ site }) => site.id).join(", ") },
      problems: [
        ...members.flatMap((member) => [
          ...(value("cluster.name")(member) === member.site.name
            ? []
            : [`Cilium of ${member.site.name} is told the name ${value("cluster.name")(member)}`]),
          ...(value("cluster.id")(member) === String(member.site.id)
            ? []
            : [`Cilium of ${member.site.name} is told the id ${value("cluster.id")(member)}, not ${member.site.id}`]),
          ...(member.site.id <= Number(value("clustermesh.maxConnectedClusters")(member))
            ? []
            : [`id ${member.site.id} of ${member.site.name} is above maxConnectedClusters`]),
        ]),
        ...neighbours
          .filter(([one, other]) => one.site.id === other.site.id || one.site.name === other.site.name)
          .map(([one, other]) => `${one.site.name} and ${other.site.name} both have id ${other.site.id}`),
      ],
    }),
  ),
  statement(
    2004,
    "Members route alike.",
    "모든 사이트의 라우팅 방식이 같다.",
    "Members on different datapaths cannot exchange packets (clustermesh setup guide, prerequisites).",
    (mesh) =>
      equal(mesh, {
        routing: (member) => (isNative(member) ? "native" : value("tunnelProtocol")(member)),
      }),
  ),
  statement(
    2005,
    "Members encrypt alike, and what may not leave in clear holds every peer's pods.",
    "모든 사이트의 암호화 방식이 같고, 평문 금지 대역이 모든 상대의 파드를 포함한다.",
    "An unencrypted member cannot read an encrypted one (encryption-wireguard); strict mode lets what is outside of its block go in clear.",
    (mesh) => {
      const verdict = equal(mesh, { encryption: encryptionOf });
      const clear = mesh.members.flatMap((member) => {
        const strict = strictBlock(member);
        if (strict === undefined) return [];
        const block = CidrText.safeParse(strict).data;
        return [member.site, ...member.peers]
          .filter(({ network }) => !block || !contains(block, network.pods))
          .map(
            ({ name, network }) =>
              `strict mode of ${member.site.name} covers ${strict}, without ${network.pods} of ${name}`,
          );
      });
      return { ...verdict, problems: [...verdict.problems, ...clear] };
    },
  ),
  statement(
    2006,
    "One MTU is written down in all members.",
    "모든 사이트에 같은 MTU가 명시되어 있다.",
    "Auto-detection takes each cloud's own (9001 on AWS), and larger packets vanish on the smaller side (MTU).",
    (mesh) => {
      const verdict = equal(mesh, { mtu: value("MTU") });
      const auto = mesh.members
        .filter(({ values }) => !values.on("MTU"))
        .map(({ site }) => `${site.name} leaves the MTU to detection`);
      const smallest = Math.min(...mesh.members.map(({ site }) => podMtu(site.cilium)));
      return { facts: { ...verdict.facts, podMtu: smallest }, problems: [...auto, ...verdict.problems] };
    },
  ),
  statement(
    2007,
    "Members agree on how many there may be.",
    "모든 사이트의 maxConnectedClusters가 같다.",
    "It is the width of the cluster's id inside identities (clustermesh.maxConnectedClusters).",
    (mesh) => equal(mesh, { maxConnectedClusters: value("clustermesh.maxConnectedClusters") }),
  ),
  statement(
    2008,
    "One CA signs for all members, and each authenticates the others by name.",
    "하나의 CA가 모든 사이트의 인증서를 서명하고, 사이트마다 별도 사용자로 인증한다.",
    "A member trusts only what its own CA signed (cilium/cilium#32076); authMode cluster needs the shared CA.",
    (mesh) => {
      const verdict = equal(mesh, { authMode: value("clustermesh.apiserver.tls.authMode") });
      const foreign = mesh.members.flatMap(({ site, values }) => {
        const adopted = site.platform === "existing" && site.adopt !== undefined;
        return adopted && !values.on("tls.ca.cert")
          ? [
              `${site.name} keeps a running release whose CA is not in its values, so nothing says that it is the others'`,
            ]
          : [];
      });
      const given = [...new Set(mesh.members.map(({ values }) => values.text("tls.ca.cert")))];
      const mixed = given.length > 1 ? ["members are given different CAs by cilium.values"] : [];
      const source = given.length === 1 && given[0] === "" ? "the stacks' secrets, made once" : "cilium.values";
      return { facts: { ...verdict.facts, ca: source }, problems: [...verdict.problems, ...foreign, ...mixed] };
    },
  ),
  statement(
    2009,
    "The name under which a peer dials a member is in that member's certificate.",
    "상대가 접속하는 이름이 해당 사이트의 인증서에 들어 있다.",
    "TLS refuses any other; the chart signs *.mesh.cilium.io and what extraDnsNames adds.",
    (mesh) => ({
      facts: { names: new Set(mesh.links.flatMap(([from, to]) => dialled(from, to) ?? [])).size },
      problems: linked(mesh, (from, to) => {
        const name = dialled(from, to);
        return name === undefined || certificateNames(to).some((pattern) => covers(pattern, name))
          ? undefined
          : `${from.site.name} dials ${name}, which is not in the certificate of ${to.site.name}`;
      }),
    }),
  ),
  statement(
    2010,
    "Every member is told the endpoint of each peer, and it is the peer's own.",
    "모든 사이트가 상대의 메시 주소를 정확히 알고 있다.",
    "Peers write it into their Helm values before the site exists (clustermesh.config.clusters).",
    (mesh) => ({
      facts: { links: mesh.links.length },
      problems: linked(mesh, (from, to) => endpointProblem(from, to) ?? foreignAddress(from, to)),
    }),
  ),
  statement(
    2011,
    "Peers differ by one minor of Cilium at most.",
    "서로 연결된 사이트의 Cilium 마이너 버전 차이는 최대 1이다.",
    "Only consecutive minors are tested together (cilium workflow tests-clustermesh-upgrade).",
    (mesh) => ({
      facts: { versions: [...new Set(mesh.members.map(({ site }) => site.cilium.version))].join(", ") },
      problems: mesh.joined
        .filter(([one, other]) => Math.abs(minor(one) - minor(other)) > 1)
        .map(
          ([one, other]) =>
            `${one.site.name} runs Cilium ${one.site.cilium.version}, ${other.site.name} ${other.site.cilium.version}`,
        ),
    }),
  ),
  statement(
    2012,
    "A policy means the same in every member.",
    "정책의 기본 범위(policyDefaultLocalCluster)가 모든 사이트에 같은 값으로 명시되어 있다.",
    "Its default turned from false to true with 1.19 (clustermesh.policyDefaultLocalCluster).",
    (mesh) => {
      const verdict = equal(mesh, { policyDefaultLocalCluster: value("clustermesh.policyDefaultLocalCluster") });
      const unsaid = mesh.members
        .filter(({ values }) => typeof values.given("clustermesh.policyDefaultLocalCluster") !== "boolean")
        .map(({ site }) => `${site.name} leaves policyDefaultLocalCluster to the chart`);
      return { ...verdict, problems: [...unsaid, ...verdict.problems] };
    },
  ),
  statement(
    2013,
    "A lost cluster is left within the time that is promised.",
    "사라진 클러스터를 약속한 시간 안에 떠난다.",
    "60 to 150 s until Cilium notices, and then cacheTTL (constants of its code, measured with 1.20.2).",
    failover,
  ),
];
