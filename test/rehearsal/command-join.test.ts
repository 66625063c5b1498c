import { beforeEach, describe, expect, it } from "vitest";
import { changeCluster, clusterRecord, nodeRecords } from "../../rehearsal/command/cluster.ts";
import {
  changed,
  config,
  type Document,
  documents,
  endpoint,
  first,
  hostAt,
  init,
  prepare,
  second,
  worker,
} from "./command-cluster.ts";
import { freshWorld, outcome, theWorld, tool } from "./command-hosts.ts";

freshWorld();
beforeEach(() => void prepare(first));

describe("kubeadm join", () => {
  let token = "";
  let hash = "";
  let certificateKey = "";
  beforeEach(async () => {
    await init();
    token = (await tool(first, ["kubeadm", "token", "create", "--ttl", "2h"])).stdout?.trim() ?? "";
    hash = clusterRecord(theWorld(), "idc")?.kubeadm.publicKeyHash ?? "";
    const uploaded = await tool(first, ["kubeadm", "init", "phase", "upload-certs", "--upload-certs"]);
    certificateKey = /^[0-9a-f]{64}$/m.exec(uploaded.stdout ?? "")?.[0] ?? "";
    prepare(second);
    prepare(worker);
  });

  const joining = (name: string, leader: boolean): Document => ({
    apiVersion: "kubeadm.k8s.io/v1beta4",
    kind: "JoinConfiguration",
    nodeRegistration: { name },
    discovery: { bootstrapToken: { apiServerEndpoint: endpoint, token, caCertHashes: [hash] } },
    ...(leader ? { controlPlane: { certificateKey } } : {}),
  });
  async function join(address: string, document: Document): Promise<string> {
    hostAt(address).files.write(config, documents(document));
    return outcome(address, ["kubeadm", "join", "--config", config]);
  }

  it("adds control planes and workers, with the shared CA", async () => {
    expect(await join(second, joining("cp-1", true))).toMatch(/^0 /);
    expect(await join(worker, joining("w-0", false))).toMatch(/^0 /);
    expect(nodeRecords(theWorld(), "idc").map(({ name, role }) => `${name} ${role}`)).toEqual([
      "cp-0 control-plane",
      "cp-1 control-plane",
      "w-0 worker",
    ]);
    expect(theWorld().get("kubernetes", "idc")?.properties.addresses).toEqual([first, second]);
    expect(clusterRecord(theWorld(), "idc")?.kubeadm.members).toHaveLength(2);
    expect(await outcome(second, ["kubectl", "get", "nodes", "-o", "name"])).toBe("0 node/cp-0\nnode/cp-1\nnode/w-0\n");
    expect(
      await outcome(worker, ["kubectl", "--kubeconfig", "/etc/kubernetes/kubelet.conf", "get", "nodes", "-o", "name"]),
    ).toMatch(/^0 /);
  });

  it.each<[string, string, (document: Document) => Document | Promise<Document>]>([
    [
      "a wrong CA hash",
      "none of the public keys",
      (given) => changed(given, "discovery.bootstrapToken.caCertHashes", [`sha256:${"0".repeat(64)}`]),
    ],
    [
      "no CA hash",
      "using token-based discovery without caCertHashes can be unsafe",
      (given) => changed(given, "discovery.bootstrapToken.caCertHashes", []),
    ],
    [
      "an unknown token",
      'could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"',
      (given) => changed(given, "discovery.bootstrapToken.token", "abcdef.0123456789abcdef"),
    ],
    [
      "a token with another secret",
      "failed to verify JWS signature",
      (given) => changed(given, "discovery.bootstrapToken.token", `${token.slice(0, 7)}0123456789abcdef`),
    ],
    [
      "a token that is none",
      "the bootstrap token is invalid",
      (given) => changed(given, "discovery.bootstrapToken.token", "abc"),
    ],
    [
      "an expired token",
      "could not find a JWS signature",
      (given) => {
        changeCluster(theWorld(), "idc", ({ kubeadm }) => {
          for (const one of kubeadm.tokens) one.expires = Date.now() - 1;
        });
        return given;
      },
    ],
    [
      "another certificate key",
      "cipher: message authentication failed",
      (given) => changed(given, "controlPlane.certificateKey", "0".repeat(64)),
    ],
    [
      "certificates that have expired",
      'Secret "kubeadm-certs" was not found in the "kube-system" Namespace. This Secret might have expired.',
      (given) => {
        changeCluster(theWorld(), "idc", ({ kubeadm }) => {
          if (kubeadm.certificateKey !== undefined) kubeadm.certificateKey.expires = Date.now() - 1;
        });
        return given;
      },
    ],
    [
      "no certificate key",
      "The certificates that must be shared among control plane instances are provided.",
      (given) => changed(given, "controlPlane", {}),
    ],
    [
      "a name that is not in the certificate",
      "x509: certificate is valid for",
      async (given) => {
        await tool(second, ["sysctl", "-n", "net.ipv4.ip_forward"]);
        hostAt(second).files.append("/etc/hosts", "127.0.0.1 other.example\n");
        return changed(given, "discovery.bootstrapToken.apiServerEndpoint", "other.example:8443");
      },
    ],
    [
      "an address where nobody answers",
      "dial tcp 10.30.9.9:6443: i/o timeout",
      (given) => changed(given, "discovery.bootstrapToken.apiServerEndpoint", "10.30.9.9:6443"),
    ],
    [
      "the name of a living node",
      'a Node with name "cp-0" and status "Ready" already exists in the cluster',
      (given) => changed(given, "nodeRegistration.name", "cp-0"),
    ],
    [
      "a missing audit policy",
      "failed to load audit policy",
      (given) => {
        hostAt(second).files.remove("/etc/kubernetes/own/audit.yaml");
        return given;
      },
    ],
    [
      "data of an earlier member",
      "[ERROR DirAvailable--var-lib-etcd-data]",
      (given) => {
        hostAt(second).files.write("/var/lib/etcd/data/member/x", "");
        return given;
      },
    ],
  ])("refuses %s", async (_, expected, change) => {
    const said = await join(second, await change(joining("cp-1", true)));
    expect(said).not.toMatch(/^0 /);
    expect(said).toContain(expected);
  });

  it("needs anonymous access to cluster-info", async () => {
    const before = await join(worker, joining("w-0", false));
    expect(before).toMatch(/^0 /);
    changeCluster(theWorld(), "idc", ({ kubeadm }) => {
      const configuration: unknown = kubeadm.configuration;
      Object(configuration).apiServer.extraArgs.push({ name: "anonymous-auth", value: "false" });
    });
    expect(await join(second, joining("cp-1", true))).toContain(
      "failed to request the cluster-info ConfigMap: Unauthorized",
    );
  });

  it("refuses to join twice, until the node was reset", async () => {
    await join(worker, joining("w-0", false));
    expect(await join(worker, joining("w-0", false))).toContain("[ERROR FileAvailable--etc-kubernetes-kubelet.conf]");
    expect(await outcome(worker, ["kubeadm", "reset"])).toContain("aborted reset operation");
    expect(await outcome(worker, ["kubeadm", "reset", "--force"])).toMatch(/^0 /);
    expect(await join(worker, joining("w-0", false))).toMatch(/^0 /);
  });

  it("takes one new etcd member at a time", async () => {
    process.env.GYEONGBU_SPEED = "1";
    expect(await join(second, joining("cp-1", true))).toMatch(/^0 /);
    const third = "10.30.0.18";
    prepare(third);
    // Fifteen seconds as a learner are worth the wait; five minutes are not.
    expect(clusterRecord(theWorld(), "idc")?.kubeadm.learnerUntil).toBeGreaterThan(Date.now());
    changeCluster(theWorld(), "idc", ({ kubeadm }) => {
      kubeadm.learnerUntil = Date.now() + 300_000;
    });
    expect(await join(third, joining("cp-2", true))).toContain("etcdserver: too many learner members in cluster");
  });

  it("ends with the cluster when the last control plane is reset", async () => {
    await join(second, joining("cp-1", true));
    await tool(second, ["kubeadm", "reset", "-f"]);
    expect(clusterRecord(theWorld(), "idc")?.kubeadm.members).toHaveLength(1);
    await tool(first, ["kubeadm", "reset", "-f"]);
    expect(
      theWorld()
        .all()
        .filter(({ provider }) => provider === "kubernetes"),
    ).toEqual([]);
  });

  it("needs a quorum of etcd", async () => {
    await join(second, joining("cp-1", true));
    theWorld().put({ ...theObject(second), properties: { ...theObject(second).properties, power: "off" } });
    const third = "10.30.0.18";
    prepare(third);
    hostAt(third).files.write(config, documents(joining("cp-2", true)));
    expect(await outcome(third, ["kubeadm", "join", "--config", config])).toContain("not enough started members");
  });

  function theObject(address: string) {
    const object = theWorld().get("host", address);
    if (object === undefined) throw new Error(address);
    return object;
  }
});
