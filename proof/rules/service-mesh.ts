import { bundleUrl, fitsBundle } from "../../components/cilium/service-mesh/gateway-api.ts";
import { ciliumMinor } from "../../components/cilium/versions.ts";
import type { ServiceMeshSpec } from "../../components/config/service-mesh.ts";
import type { Rule, SiteSubject, Violation } from "../rule.ts";
import { serviceMeshFrontRules } from "./service-mesh-fronts.ts";
import { onServiceMesh, repeated, type ServiceMeshCheck } from "./service-mesh-subject.ts";
import { hasValues } from "./versions.ts";

const full = ({ name, namespace }: { readonly name: string; readonly namespace: string }) => `${namespace}/${name}`;

function duplicates({ gatewayApi, ingress, mutualAuthentication, rateLimits }: ServiceMeshSpec): Violation[] {
  const lists = [
    { path: ["gatewayApi", "gateways"], names: (gatewayApi?.gateways ?? []).map(full) },
    { path: ["gatewayApi", "routes"], names: (gatewayApi?.routes ?? []).map(full) },
    { path: ["ingress", "ingresses"], names: (ingress?.ingresses ?? []).map(full) },
    { path: ["rateLimits"], names: rateLimits.map(full) },
    {
      path: ["mutualAuthentication", "required"],
      names: (mutualAuthentication?.required ?? []).map(({ name, to }) => full({ name, namespace: to.namespace })),
    },
  ];
  return lists.flatMap(({ names, path }) =>
    repeated(names, (name) => name).map((index) => ({
      path: [...path, index, "name"],
      message: `${names[index] ?? ""} stands there twice.`,
      fix: "Write another name, or put both into one.",
    })),
  );
}

/** Header names are the same in any case (RFC 9110, 5.1); Gateway API ignores all but the first of equals. */
function repeatedHeaders({ gatewayApi }: ServiceMeshSpec): Violation[] {
  return (gatewayApi?.routes ?? []).flatMap(({ rules }, route) =>
    rules.flatMap(({ headers }, rule) => {
      const names = Object.keys(headers);
      return repeated(names, (name) => name.toLowerCase()).map((index) => ({
        path: ["gatewayApi", "routes", route, "rules", rule, "headers", names[index] ?? ""],
        message: `${names[index] ?? ""} is the header that stands there already in other letters.`,
        fix: "Write it once; alternatives are rules of their own.",
      }));
    }),
  );
}

const bundleProblems: ServiceMeshCheck = ({ gatewayApi }, site) => {
  if (gatewayApi?.bundle.kind !== "installed" || !hasValues(site)) return [];
  const { version } = gatewayApi.bundle;
  const path = ["gatewayApi", "bundle"];
  if (site.platform !== "existing") {
    return [
      {
        path: [...path, "kind"],
        message: "Nobody can have installed definitions in a cluster that this stack makes.",
        fix: `Download ${bundleUrl(site.cilium.version)} and write bundle: { kind: file, path: ... }.`,
      },
    ];
  }
  return fitsBundle(site.cilium.version, version)
    ? []
    : [
        {
          path: [...path, "version"],
          message: `Cilium ${site.cilium.version} was not tested with Gateway API ${version}.`,
          fix: `Install ${ciliumMinor(site.cilium.version).gatewayApi}, and write that.`,
        },
      ];
};

const spire: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-2153",
    severity: "error",
    title: "Mutual authentication stays inside one cluster.",
    korean: "상호 인증(SPIRE)은 ClusterMesh 구성원에서 쓸 수 없습니다.",
    reason:
      "Each cluster's SPIRE knows the identities of that cluster alone, so connections from another one are dropped (Documentation/network/servicemesh/mutual-authentication: not with ClusterMesh).",
    check: onServiceMesh(({ mutualAuthentication }, { mesh }) =>
      mutualAuthentication && mesh
        ? [
            {
              path: ["mutualAuthentication"],
              message: `The site is in a mesh with ${mesh.peers.join(", ")}, and SPIRE knows none of their identities.`,
              fix: "Remove it. WireGuard proves nodes to each other and encrypts between the sites; policies with cluster labels say which pods may speak.",
            },
          ]
        : [],
    ),
  },
  {
    code: "GB-2162",
    severity: "error",
    title: "SPIRE's data lie in a volume only where something can give one before Cilium is there.",
    korean: "새 클러스터에서는 SPIRE 데이터를 볼륨에 둘 수 없습니다. CSI 드라이버보다 Cilium이 먼저이기 때문입니다.",
    reason:
      "Helm waits for spire-server, which waits for its volume, which a storage driver gives, whose pods wait for Cilium.",
    check: onServiceMesh(({ mutualAuthentication }, { platform }) =>
      mutualAuthentication?.storageClass !== undefined && platform !== "existing"
        ? [
            {
              path: ["mutualAuthentication", "storageClass"],
              message: "A cluster that this stack makes has no storage driver when Cilium is installed.",
              fix: "Remove it: identities are issued anew when spire-server restarts.",
            },
          ]
        : [],
    ),
  },
  {
    code: "GB-2163",
    severity: "error",
    title: "SPIRE's images come from a mirror where Cilium's do.",
    korean: "이미지를 미러에서 받는 사이트라면 SPIRE 이미지도 미러를 지정해야 합니다.",
    reason: "They are at ghcr.io and docker.io, not at quay.io (chart values, authentication.mutual.spire.install).",
    check: onServiceMesh(({ mutualAuthentication }, { cilium }) =>
      mutualAuthentication && mutualAuthentication.imageRegistry === undefined && cilium.images.registry !== undefined
        ? [
            {
              path: ["mutualAuthentication"],
              message: `Cilium's images come from ${cilium.images.registry}, but SPIRE's from ghcr.io and docker.io.`,
              fix: "Write imageRegistry: the mirror's path that holds spiffe/spire-agent, spiffe/spire-server and library/busybox.",
            },
          ]
        : [],
    ),
  },
  {
    code: "GB-2164",
    severity: "warning",
    title: "Mutual authentication has a future in this Cilium.",
    korean: "상호 인증(SPIRE)은 Cilium 1.20에서 사용 중단 예고되었고 1.21에서 제거됩니다.",
    reason: "Deprecated in 1.20 and to be removed in 1.21 (cilium issue 47132; chart values 1.20).",
    check: onServiceMesh(({ mutualAuthentication }, site) =>
      mutualAuthentication && hasValues(site) && Number(site.cilium.version.split(".")[1]) >= 20
        ? [
            {
              path: ["mutualAuthentication"],
              message: `Cilium ${site.cilium.version} deprecates it, and 1.21 will not have it.`,
              fix: "Plan to do without it before 1.21, or accept this until then.",
            },
          ]
        : [],
    ),
  },
];

const bandwidth: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-2166",
    severity: "error",
    title: "The bandwidth manager works with the site's encryption and routing.",
    korean: "대역폭 제한은 IPsec과 함께 쓸 수 없고, BBR에는 kubeProxyReplacement가 필요합니다.",
    reason:
      "Agents switch it off under IPsec with a warning only, and stop at start where BBR is asked for without BPF host routing (cilium pkg/datapath/linux/bandwidth/bandwidth.go, pkg/kpr/initializer).",
    check: onServiceMesh((spec, site) => [
      ...(spec.bandwidth && site.cilium.encryption === "ipsec"
        ? [
            {
              path: ["bandwidth"],
              message: "Cilium switches bandwidth limits off under IPsec.",
              fix: "Write cilium.encryption: wireguard, or remove it.",
            },
          ]
        : []),
      ...(spec.bandwidth?.bbr && site.platform === "existing" && !site.kubeProxyReplacement
        ? [
            {
              path: ["bandwidth", "bbr"],
              message: "BBR needs BPF host routing, which comes with kubeProxyReplacement.",
              fix: "Write bbr: false, or kubeProxyReplacement: true.",
            },
          ]
        : []),
    ]),
  },
  {
    code: "GB-2167",
    severity: "error",
    title: "The demo service's limit has a demo service.",
    korean: "bandwidth.demoService는 mesh.demoService가 true일 때만 의미가 있습니다.",
    reason: "Its pods are the only ones of ours; others bear the annotations where they are defined.",
    check: onServiceMesh(({ bandwidth: spec }, { mesh }) =>
      spec?.demoService && !mesh?.demoService
        ? [
            {
              path: ["bandwidth", "demoService"],
              message: "There is no demo service: mesh.demoService is not true.",
              fix: "Remove it, or write mesh.demoService: true.",
            },
          ]
        : [],
    ),
  },
];

export const serviceMeshRules: readonly Rule<SiteSubject>[] = [
  {
    code: "GB-2151",
    severity: "error",
    title: "Rate limits and L7 load balancing come with kube-proxy replacement.",
    korean: "rateLimits와 l7LoadBalancing에는 kubeProxyReplacement: true가 필요합니다.",
    reason:
      "Without it kube-proxy carries the Service's traffic past Envoy (Documentation/network/servicemesh/l7-traffic-management.rst, Prerequisites).",
    check: onServiceMesh(({ l7LoadBalancing, rateLimits }, site) => {
      if (site.platform !== "existing" || site.kubeProxyReplacement) return [];
      const keys = [...(rateLimits.length > 0 ? ["rateLimits"] : []), ...(l7LoadBalancing ? ["l7LoadBalancing"] : [])];
      return keys.map((key) => ({
        path: [key],
        message: "kubeProxyReplacement is false, so no request reaches Envoy.",
        fix: `Write kubeProxyReplacement: true, or remove ${key}.`,
      }));
    }),
  },
  {
    code: "GB-2152",
    severity: "error",
    title: "A release that is taken over gets no service mesh.",
    korean: "인수한(adopt) 릴리스에는 serviceMesh를 둘 수 없습니다.",
    reason: "Taking over changes nothing, so the values that a service mesh needs would not be set.",
    check: onServiceMesh((_, site) =>
      site.platform === "existing" && site.adopt
        ? [
            {
              path: [],
              message: `The release ${site.adopt.release} is taken over as it is.`,
              fix: "Remove adopt first, to move the release to our values.",
            },
          ]
        : [],
    ),
  },
  {
    code: "GB-2154",
    severity: "error",
    title: "The definitions of Gateway API are of a bundle that this Cilium was tested with.",
    korean: "설치된 Gateway API 번들은 해당 Cilium이 지원하는 버전이어야 하고, 새 클러스터에는 파일로 주어야 합니다.",
    reason:
      "Each minor reads certain kinds and versions, and leaves Gateway API off where one is missing (cilium operator/pkg/gateway-api; Documentation/network/servicemesh/gateway-api/installation.rst).",
    check: onServiceMesh(bundleProblems),
  },
  {
    code: "GB-2155",
    severity: "error",
    title: "Objects of the service mesh have names of their own.",
    korean: "같은 네임스페이스의 같은 종류 오브젝트는 이름이 서로 달라야 합니다.",
    reason: "Kubernetes names an object by kind, namespace and name.",
    check: onServiceMesh(duplicates),
  },
  {
    code: "GB-2160",
    severity: "error",
    title: "A rule asks for each header once.",
    korean: "한 규칙에서 같은 헤더는 한 번만 적습니다(대소문자 구분 없음).",
    reason: "Of equal names, whatever their case, all but the first are ignored (HTTPHeaderMatch of Gateway API).",
    check: onServiceMesh(repeatedHeaders),
  },
  {
    code: "GB-2161",
    severity: "error",
    title: "A Service's port has one rate limit.",
    korean: "서비스 포트 하나에는 rate limit을 하나만 둡니다.",
    reason:
      "Which of two CiliumEnvoyConfigs redirects a Service is undefined (Documentation/network/servicemesh/l7-traffic-management.rst, Caveats).",
    check: onServiceMesh(({ rateLimits }) =>
      repeated(rateLimits, ({ namespace, port, service }) => `${namespace}/${service}:${port}`).map((index) => ({
        path: ["rateLimits", index],
        message: `${rateLimits[index]?.service ?? ""}:${rateLimits[index]?.port ?? ""} has a limit already.`,
        fix: "Keep one of them.",
      })),
    ),
  },
  ...serviceMeshFrontRules,
  ...spire,
  ...bandwidth,
];

/** What is asked of the file that a bundle comes from, where it can be read (`components/config/gateway-api-bundle.ts`). */
export const bundleRules = [
  {
    code: "GB-2171",
    severity: "warning",
    title: "The file with the definitions of Gateway API is there.",
    korean: "Gateway API CRD 번들 파일이 프로젝트에 있어야 합니다. 없으면 계획만 세울 수 있고 up은 거부됩니다.",
    reason: "A plan takes those that it must hold; `up` stops without it, before anything is created.",
  },
  {
    code: "GB-2172",
    severity: "error",
    title: "The file holds the definitions that this Cilium needs, of one bundle that it was tested with.",
    korean: "번들 파일에는 해당 Cilium이 필요로 하는 종류가 모두, 지원되는 한 버전으로 들어 있어야 합니다.",
    reason:
      "The operator looks for them once, when it starts, and leaves Gateway API off where one is missing (cilium operator/pkg/gateway-api/cell.go).",
  },
] as const satisfies readonly Pick<Rule<never>, "code" | "severity" | "title" | "korean" | "reason">[];
