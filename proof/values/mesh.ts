import { isPlaceholder } from "../../components/cilium/effective-values.ts";
import { addressNumber } from "../objects/address-range.ts";
import type { Rule, ValuesSubject, Violation } from "../rule.ts";
import { clusters, members } from "./mesh-members.ts";
import { enabled, encryption, inMesh, onValues, replacesKubeProxy, type Settings, wrong, wrongIf } from "./settings.ts";

/** Kubernetes' default range of node ports. */
const isNodePort = (port: unknown) => Number(port) >= 30_000 && Number(port) <= 32_767;

function entryProblems(settings: Settings): Violation[] {
  if (!settings.on("clustermesh.config.enabled")) return [];
  const all = members(settings);
  const own = settings.text("cluster.name");
  return all.flatMap(({ steps, name, entry }, at) => {
    const called = name ?? `entry ${at + 1}`;
    const ips: readonly unknown[] = Array.isArray(entry.ips) ? entry.ips : [];
    const port = Number(entry.port);
    const address = typeof entry.address === "string" ? entry.address : "";
    return [
      ...(name === undefined || name === ""
        ? [
            wrong(
              [...steps, "name"],
              `${called} of ${clusters} has no name.`,
              "Write name: the cluster.name of that cluster.",
            ),
          ]
        : []),
      ...(name !== undefined &&
      name !== "" &&
      !isPlaceholder(name) &&
      !/^([a-z0-9][-a-z0-9]{0,30})?[a-z0-9]$/.test(name)
        ? [wrong([...steps, "name"], `${name} is no cluster name.`, "Write the cluster.name of that cluster.")]
        : []),
      ...(name !== undefined && all.findIndex((other) => other.name === name) < at
        ? [wrong(steps, `${name} stands twice in ${clusters}.`, "Keep one entry for each cluster.")]
        : []),
      ...(name === own && all.length === 1
        ? [
            wrong(
              steps,
              `${clusters} lists this cluster alone, which skips its own entry.`,
              "Add the other clusters of the mesh.",
            ),
          ]
        : []),
      ...(entry.port === undefined || entry.port === null
        ? [
            wrong(
              [...steps, "port"],
              `${called} of ${clusters} has no port.`,
              "Write port: 2379, or that cluster's NodePort.",
            ),
          ]
        : !isPlaceholder(entry.port) && (!Number.isInteger(port) || port < 1 || port > 65_535)
          ? [wrong([...steps, "port"], `${called}: ${JSON.stringify(entry.port)} is no port.`, "Write 1 to 65535.")]
          : []),
      ...ips.flatMap((ip, position) =>
        addressNumber(String(ip)) === undefined && !isPlaceholder(ip)
          ? [
              wrong(
                [...steps, "ips", position],
                `${called}: ${JSON.stringify(ip)} is no address.`,
                "Write an address such as 10.90.0.10 without a prefix length; a host name goes to address.",
              ),
            ]
          : [],
      ),
      ...(/:\/\/|:\d+$/.test(address)
        ? [
            wrong(
              [...steps, "address"],
              `${called}: address ${address} is more than a host name.`,
              "Write the host name or address alone; the port goes to port.",
            ),
          ]
        : []),
    ];
  });
}

export const meshRules: readonly Rule<ValuesSubject>[] = [
  {
    code: "GB-1160",
    severity: "error",
    title: "A cluster's id lies in its range.",
    korean: "cluster.id는 범위 안(1~255, maxConnectedClusters 511이면 1~511)이어야 하며 메시에서는 0일 수 없습니다.",
    reason: "pkg/clustermesh/types: the id is a part of every identity; 0 stands for no mesh.",
    check: onValues((settings) => {
      const given = settings.at("cluster.id");
      const id = Number(given);
      const most = Number(settings.at("clustermesh.maxConnectedClusters")) === 511 ? 511 : 255;
      return [
        ...wrongIf(
          given !== undefined &&
            typeof given !== "object" &&
            !isPlaceholder(given) &&
            !(Number.isInteger(id) && id >= 0 && id <= most),
          "cluster.id",
          `cluster.id is ${String(given)}.`,
          id > 255 && id <= 511
            ? "Write 1 to 255, or clustermesh.maxConnectedClusters: 511 in every cluster of the mesh."
            : `Write 1 to ${most}.`,
        ),
        ...wrongIf(
          inMesh(settings) && id === 0,
          "cluster.id",
          `The cluster is in a mesh, but its cluster.id is 0${settings.text("cluster.name") === "default" ? " and its cluster.name is default" : ""}.`,
          "Write cluster.name and a cluster.id of 1 to 255 that no other cluster has, and never change them.",
        ),
      ];
    }),
  },
  {
    code: "GB-1161",
    severity: "error",
    title: "Every entry of clustermesh.config.clusters can be reached.",
    korean: "clustermesh.config.clusters의 각 항목에는 이름, 포트, 주소가 올바르게 있어야 합니다.",
    reason:
      "The name is the key in the other cluster's etcd, and address or ips with port are where agents dial (templates/clustermesh-config).",
    check: onValues(entryProblems),
  },
  {
    code: "GB-1163",
    severity: "warning",
    title: "Mesh endpoints on node ports differ, and have more than one node.",
    korean: "NodePort로 노출한 메시 엔드포인트는 클러스터마다 포트가 달라야 하고 노드 IP가 둘 이상이어야 합니다.",
    reason:
      "Up to 1.18 an agent with kube-proxy replacement takes the other cluster's equal NodePort for its own (cilium issues 24692, 30297); one node is a single point of failure.",
    check: onValues((settings) => {
      const byNodePort =
        settings.on("clustermesh.useAPIServer") && settings.text("clustermesh.apiserver.service.type") === "NodePort";
      const port = settings.text("clustermesh.apiserver.service.nodePort");
      const alike = members(settings).filter(
        ({ entry, name }) => String(entry.port) === port && name !== settings.text("cluster.name"),
      );
      const single = settings.on("clustermesh.config.enabled")
        ? members(settings).filter(
            ({ entry, name }) =>
              isNodePort(entry.port) &&
              name !== settings.text("cluster.name") &&
              Array.isArray(entry.ips) &&
              entry.ips.length === 1,
          )
        : [];
      return [
        ...wrongIf(
          byNodePort && settings.within(undefined, "1.18") && replacesKubeProxy(settings) && alike.length > 0,
          "clustermesh.apiserver.service.nodePort",
          `This cluster and ${alike.map(({ name }) => name).join(", ")} both use NodePort ${port}: the agent would connect to itself.`,
          "Write another clustermesh.apiserver.service.nodePort in one of them, e.g. 32380.",
        ),
        ...single.map(({ steps, name }) =>
          wrong(
            [...steps, "ips"],
            `${name ?? ""} is reached on one node only; while that node is down, so is the mesh.`,
            "Write the addresses of two or more of its nodes in ips.",
          ),
        ),
      ];
    }),
  },
  {
    code: "GB-1164",
    severity: "warning",
    title: "A mesh member says what policies without a cluster mean.",
    korean: "메시에서는 policyDefaultLocalCluster를 명시해야 합니다(1.19에서 기본값이 바뀜).",
    reason:
      "The default went from false in 1.18 to true in 1.19: rules that name no cluster stop matching remote pods (upgrade.rst).",
    check: onValues((settings) =>
      wrongIf(
        inMesh(settings) && settings.given("clustermesh.policyDefaultLocalCluster") === undefined,
        "clustermesh.policyDefaultLocalCluster",
        `clustermesh.policyDefaultLocalCluster is not set; the chart's default is ${settings.within("1.19") ? "true here and was false before 1.19" : "false here and true from 1.19 on"}.`,
        "Write true (rules mean this cluster's pods) or false (pods of every cluster), the same in all members.",
      ),
    ),
  },
  {
    code: "GB-1165",
    severity: "warning",
    title: "A mesh member forgets a dead cluster.",
    korean: "죽은 클러스터의 백엔드가 제거되도록 cacheTTL을 지정해야 합니다(1.19 이상).",
    reason: "With 0s a lost cluster's backends stay in the load balancing for ever (cilium issues 19217, 45441).",
    check: onValues((settings) => {
      const ttl = settings.text("clustermesh.cacheTTL");
      return wrongIf(
        inMesh(settings) &&
          settings.within("1.19") &&
          /^(0[a-z]*)?$/.test(ttl) &&
          settings.given("clustermesh.cacheTTL") === undefined,
        "clustermesh.cacheTTL",
        "clustermesh.cacheTTL is not set: a cluster that is lost keeps receiving its share of connections for ever.",
        'Write clustermesh.cacheTTL: 60s, or "0s" where that is wanted.',
      );
    }),
  },
  {
    code: "GB-1166",
    severity: "error",
    title: "No feature is on that does not work in a mesh.",
    korean: "SPIRE 상호 인증과 ztunnel은 ClusterMesh와 함께 쓸 수 없습니다.",
    reason:
      "Documentation/network/servicemesh/mutual-authentication, Documentation/security/network/encryption-ztunnel.rst: not compatible with ClusterMesh.",
    check: onValues((settings) => {
      if (!inMesh(settings)) return [];
      return [
        ...wrongIf(
          settings.on("authentication.mutual.spire.enabled"),
          "authentication.mutual.spire.enabled",
          "Mutual authentication with SPIRE does not work in a mesh: its trust domain ends at the cluster.",
          "Write authentication.mutual.spire.enabled: false.",
        ),
        ...wrongIf(
          encryption(settings) === "ztunnel",
          "encryption.type",
          "encryption.type ztunnel does not work in a mesh.",
          "Write encryption.type: wireguard.",
        ),
      ];
    }),
  },
  {
    code: "GB-1167",
    severity: "warning",
    title: "An egress gateway in a mesh stays inside its cluster.",
    korean: "메시에서 이그레스 게이트웨이는 같은 클러스터 안에서만 동작합니다.",
    reason:
      "Client, policy and gateway must be in one cluster; the documentation lists the two as incompatible (egress-gateway.rst).",
    check: onValues((settings) =>
      wrongIf(
        inMesh(settings) && enabled(settings, "egressGateway.enabled", "enable-egress-gateway"),
        "egressGateway.enabled",
        "egressGateway.enabled is true in a mesh, which Cilium lists as incompatible: a gateway serves pods of its own cluster only.",
        "Give each cluster gateways of its own, or write egressGateway.enabled: false.",
      ),
    ),
  },
  {
    code: "GB-1170",
    severity: "warning",
    title: "The mesh endpoint survives the loss of a node.",
    korean: "clustermesh-apiserver는 2개 이상 실행하는 것이 안전합니다.",
    reason:
      "With one replica every other cluster loses sight of this one while its node is down (values.yaml, clustermesh.apiserver.replicas).",
    check: onValues((settings) =>
      wrongIf(
        settings.on("clustermesh.useAPIServer") &&
          settings.text("clustermesh.apiserver.replicas") === "1" &&
          settings.text("clustermesh.apiserver.kvstoremesh.kvstoreMode") !== "external",
        "clustermesh.apiserver.replicas",
        "clustermesh.apiserver runs once: while its node is down, the other clusters see no change of this one.",
        "Write clustermesh.apiserver.replicas: 2 and clustermesh.apiserver.podDisruptionBudget.enabled: true.",
      ),
    ),
  },
];
