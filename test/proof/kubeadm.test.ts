import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { kubeadmRules } from "../../proof/objects/kubeadm.ts";
import type { KubeadmSubject } from "../../proof/objects/kubeadm-documents.ts";

/** Documents of one kubeadm run, with Cilium's values where a rule asks for them. */
function subject(yaml: string, values?: Record<string, unknown>): KubeadmSubject {
  return { documents: yaml.split("---\n").map((each) => parse(each)), values };
}

const cluster = (body: string, version = "v1beta4") =>
  `apiVersion: kubeadm.k8s.io/${version}\nkind: ClusterConfiguration\n${body}`;
const init = (body: string, version = "v1beta4") =>
  `apiVersion: kubeadm.k8s.io/${version}\nkind: InitConfiguration\n${body}`;
const join = (body: string) => `apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n${body}`;
const joinsControlPlane = join("controlPlane: {localAPIEndpoint: {advertiseAddress: 10.0.0.11}}\n");
const replaced = { kubeProxyReplacement: true };

interface Fixtures {
  /** Each with what its message must name. */
  readonly refused: readonly (readonly [KubeadmSubject, RegExp])[];
  readonly passes: readonly KubeadmSubject[];
}

const fixtures: Record<string, Fixtures> = {
  "GB-1501": {
    refused: [
      [subject(cluster("clusterName: a\n", "v1beta2")), /v1beta2/],
      [subject(cluster("kubernetesVersion: v1.37.0\n", "v1beta3")), /v1beta3/],
    ],
    passes: [subject(cluster("kubernetesVersion: v1.36.4\n", "v1beta3")), subject(cluster("clusterName: a\n"))],
  },
  "GB-1502": {
    refused: [
      [subject(cluster("kubernetesVersion: v1.31.0\n", "v1beta3")), /v1beta3/],
      [subject(cluster("clusterName: a\n", "v1beta3")), /deprecated/],
    ],
    passes: [
      subject(cluster("kubernetesVersion: v1.30.9\n", "v1beta3")),
      subject(cluster("kubernetesVersion: v1.31.0\n")),
    ],
  },
  "GB-1503": {
    refused: [
      [subject(cluster('apiServer:\n  extraArgs:\n    profiling: "false"\n')), /apiServer\.extraArgs is a map/],
      [subject(init("nodeRegistration:\n  kubeletExtraArgs:\n    node-ip: 10.0.0.5\n")), /kubeletExtraArgs is a map/],
      [
        subject(cluster("scheduler:\n  extraArgs:\n    - {name: v, value: '2'}\n", "v1beta3")),
        /scheduler\.extraArgs is a list/,
      ],
    ],
    passes: [
      subject(cluster("apiServer:\n  extraArgs:\n    - {name: profiling, value: 'false'}\n")),
      subject(cluster("apiServer:\n  extraArgs:\n    profiling: 'false'\n", "v1beta3")),
    ],
  },
  "GB-1504": {
    refused: [
      [subject(cluster("apiServer:\n  extraArgs:\n    - {name: v, value: 4}\n")), /number 4/],
      [subject(cluster("apiServer:\n  extraArgs:\n    - {name: --v, value: '4'}\n")), /"--v" with dashes/],
      [subject(cluster("scheduler:\n  extraArgs:\n    profiling: false\n", "v1beta3")), /profiling the boolean false/],
    ],
    passes: [subject(cluster("apiServer:\n  extraArgs:\n    - {name: v, value: '4'}\n"))],
  },
  "GB-1505": {
    refused: [
      [subject(cluster("networking:\n  podSubnets: 10.1.0.0/16\n")), /networking\.podSubnets/],
      [subject(cluster("proxy: {disabled: true}\n", "v1beta3")), /no field proxy/],
      [subject("apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfig\n"), /no kind ClusterConfig/],
    ],
    passes: [
      subject(cluster("networking:\n  podSubnet: 10.1.0.0/16\nproxy: {disabled: true}\n")),
      subject(cluster("apiServer: {timeoutForControlPlane: 4m0s}\n", "v1beta3")),
    ],
  },
  "GB-1506": {
    refused: [[subject(cluster("kubernetesVersion: 1.30\n")), /number 1\.3/]],
    passes: [subject(cluster('kubernetesVersion: "1.30"\n'))],
  },
  "GB-1507": {
    refused: [
      [
        subject(cluster("etcd:\n  local: {dataDir: /d}\n  external: {endpoints: [https://a:2379]}\n")),
        /local and external/,
      ],
    ],
    passes: [subject(cluster("etcd:\n  external: {endpoints: [https://a:2379]}\n"))],
  },
  "GB-1508": {
    refused: [[subject(init("nodeRegistration: {criSocket: /var/run/dockershim.sock}\n")), /dockershim/]],
    passes: [subject(init("nodeRegistration: {criSocket: 'unix:///run/containerd/containerd.sock'}\n"))],
  },
  "GB-1511": {
    refused: [
      [
        subject(cluster("networking: {podSubnet: 10.96.0.0/16, serviceSubnet: 10.96.0.0/12}\n")),
        /10\.96\.0\.0\/12 overlaps/,
      ],
      [subject(cluster("networking: {podSubnet: 10.1.0.0}\n")), /"10\.1\.0\.0" is not/],
    ],
    passes: [
      subject(cluster("networking: {podSubnet: 10.112.0.0/16, serviceSubnet: 10.96.0.0/12}\n")),
      subject(
        cluster('networking: {podSubnet: "10.1.0.0/16,fd00:1::/56", serviceSubnet: "10.96.0.0/12,fd00:2::/112"}\n'),
      ),
    ],
  },
  "GB-1512": {
    refused: [
      [
        subject(cluster("networking: {serviceSubnet: 10.96.0.0/12}\n"), {
          ipam: { operator: { clusterPoolIPv4PodCIDRList: ["10.96.0.0/16"] } },
        }),
        /10\.96\.0\.0\/16/,
      ],
    ],
    passes: [
      subject(cluster("networking: {serviceSubnet: 10.96.0.0/12}\n"), {
        ipam: { operator: { clusterPoolIPv4PodCIDRList: ["10.112.0.0/16"] } },
      }),
    ],
  },
  "GB-1513": {
    refused: [[subject(cluster("clusterName: a\n"), replaced), /kube-proxy as well/]],
    passes: [
      subject(cluster("proxy: {disabled: true}\n"), replaced),
      subject(`${init("skipPhases: [addon/kube-proxy]\n")}---\n${cluster("clusterName: a\n")}`, replaced),
      subject(cluster("clusterName: a\n"), { kubeProxyReplacement: false }),
    ],
  },
  "GB-1514": {
    refused: [
      [
        subject("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ipvs\n", replaced),
        /KubeProxyConfiguration/,
      ],
    ],
    passes: [subject("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ipvs\n")],
  },
  "GB-1515": {
    refused: [[subject(`${cluster("clusterName: a\n")}---\n${joinsControlPlane}`), /controlPlaneEndpoint is missing/]],
    passes: [
      subject(`${cluster("controlPlaneEndpoint: api.example.com:6443\n")}---\n${joinsControlPlane}`),
      subject(cluster("clusterName: a\n")),
    ],
  },
  "GB-1516": {
    refused: [
      [
        subject(
          `${init("localAPIEndpoint: {advertiseAddress: 10.0.0.10}\n")}---\n${cluster("controlPlaneEndpoint: 10.0.0.10:6443\n")}---\n${joinsControlPlane}`,
        ),
        /10\.0\.0\.10:6443/,
      ],
    ],
    passes: [
      subject(
        `${init("localAPIEndpoint: {advertiseAddress: 10.0.0.10}\n")}---\n${cluster("controlPlaneEndpoint: 10.0.0.9:6443\n")}---\n${joinsControlPlane}`,
      ),
      subject(
        `${init("localAPIEndpoint: {advertiseAddress: 10.0.0.10}\n")}---\n${cluster("controlPlaneEndpoint: 10.0.0.10:6443\n")}`,
      ),
    ],
  },
  "GB-1517": {
    refused: [[subject(cluster("clusterName: a\n"), { ipam: { mode: "kubernetes" } }), /podSubnet is missing/]],
    passes: [
      subject(cluster("networking: {podSubnet: 10.1.0.0/16}\n"), { ipam: { mode: "kubernetes" } }),
      subject(cluster("controllerManager:\n  extraArgs:\n    - {name: allocate-node-cidrs, value: 'false'}\n"), {
        ipam: { mode: "kubernetes" },
      }),
    ],
  },
  "GB-1518": {
    refused: [
      [
        subject("apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: cgroupfs\n"),
        /cgroupfs/,
      ],
    ],
    passes: [subject("apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: systemd\n")],
  },
  "GB-1519": {
    refused: [
      [
        subject(join("discovery: {bootstrapToken: {token: a.b, unsafeSkipCAVerification: true}}\n")),
        /unsafeSkipCAVerification/,
      ],
    ],
    passes: [subject(join("discovery: {bootstrapToken: {token: a.b, caCertHashes: ['sha256:00']}}\n"))],
  },
};

const found = (code: string, given: KubeadmSubject) =>
  kubeadmRules.filter((rule) => rule.code === code).flatMap((rule) => rule.check(given));

describe("kubeadm rules", () => {
  it("have a fixture to refuse and a near miss to pass, each", () => {
    expect(Object.keys(fixtures).toSorted()).toEqual(kubeadmRules.map(({ code }) => code).toSorted());
  });

  describe.each(Object.entries(fixtures))("%s", (code, { refused, passes }) => {
    it.each(refused)("refuses %o", (given, named) => {
      const violations = found(code, given);
      expect(violations.map(({ message }) => message).join("\n")).toMatch(named);
      expect(violations.every(({ path, fix }) => typeof path[0] === "number" && fix !== "")).toBe(true);
    });
    it.each(passes.map((given) => [given]))("passes %o", (given) => {
      expect(found(code, given)).toEqual([]);
    });
  });
});
