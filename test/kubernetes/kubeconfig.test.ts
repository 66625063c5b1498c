import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { caCertificate, operatorEndpoint, operatorKubeconfig } from "../../components/kubernetes/kubeconfig.ts";
import { parseTicket } from "../../components/kubernetes/ticket.ts";
import { awsSite, onPremSite, within } from "../support/stacks.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const adminConf = stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [
    {
      name: "prod-seoul",
      cluster: {
        server: "https://api.prod-seoul.gyeongbu.internal:8443",
        "certificate-authority-data": base64("-----BEGIN CERTIFICATE-----\n"),
      },
    },
  ],
  users: [
    {
      name: "kubernetes-admin",
      user: { "client-certificate-data": base64("certificate"), "client-key-data": base64("key") },
    },
  ],
});

describe("operatorKubeconfig", () => {
  it("leads to the load balancer by address, checks its name, and goes through the proxy", () => {
    const { clusters, users, contexts } = parse(operatorKubeconfig(awsSite(), adminConf));
    expect(clusters[0].cluster).toEqual({
      server: "https://10.10.0.8:8443",
      "tls-server-name": "api.prod-seoul.gyeongbu.internal",
      "proxy-url": "socks5://127.0.0.1:1080",
      "certificate-authority-data": base64("-----BEGIN CERTIFICATE-----\n"),
    });
    expect(users[0].user["client-key-data"]).toBe(base64("key"));
    expect(contexts[0].context).toEqual({ cluster: "prod-seoul", user: "prod-seoul-admin" });
  });

  it("leads to the first control plane where a data centre has no load balancer", () => {
    const bare = onPremSite((config) => {
      delete within(config, "gyeongbu:site").apiAddress;
    });
    expect(operatorEndpoint(onPremSite()).server).toBe("https://10.30.0.10:8443");
    expect(operatorEndpoint(bare).server).toBe("https://10.30.1.11:6443");
  });

  it("refuses what is no admin.conf without showing it", () => {
    expect(() => operatorKubeconfig(awsSite(), "secret: thing")).toThrow(
      /^the first control plane's admin\.conf is not/,
    );
  });

  it("finds the CA", () => {
    expect(caCertificate(adminConf)).toBe("-----BEGIN CERTIFICATE-----\n");
  });
});

describe("parseTicket", () => {
  const token = "token abcdef.0123456789abcdef";
  const hash = `ca-hash sha256:${"a".repeat(64)}`;

  it("reads a worker's and a control plane's ticket, and none", () => {
    const worker = { token: "abcdef.0123456789abcdef", caHash: `sha256:${"a".repeat(64)}` };
    expect(parseTicket(`${token}\n${hash}`)).toEqual(worker);
    expect(parseTicket(`${token}\n${hash}\ncertificate-key ${"b".repeat(64)}\n`)).toEqual({
      ...worker,
      certificateKey: "b".repeat(64),
    });
    expect(parseTicket("none\n")).toBeUndefined();
  });

  it.each([
    "",
    token,
    hash,
    `${token}x\n${hash}`,
    `${token}\nca-hash sha256:abc`,
  ])("refuses %j without showing it", (text) => {
    expect(() => parseTicket(text)).toThrow(/^a ticket step printed no ticket/);
  });
});
