import fc from "fast-check";
import {
  block,
  blockWithExceptions,
  endpointSelector,
  few,
  groupSelector,
  having,
  joined,
  namespaceSelector,
  namespaces,
  nodeSelector,
  podSelector,
  serviceSelector,
  type Tree,
  weighted,
} from "./random-selectors.ts";

/** Random network policies of every kind: what each field may hold by its schema, and some that Cilium's agent refuses. */

type Arbitrary<Value> = fc.Arbitrary<Value>;

const nothing = fc.constant<Tree>({});
const portNumber = weighted<string>(
  [fc.constantFrom("80", "443"), 4],
  [fc.constantFrom("53", "8080", "81", "1", "65535"), 2],
);
const portName = fc.constantFrom("http", "metrics", "dns");

const port = weighted<Tree>(
  [having({ port: portNumber }, { protocol: fc.constantFrom("TCP", "TCP", "UDP", "SCTP", "ANY") }), 8],
  [having({ port: portName }, { protocol: fc.constantFrom("TCP", "UDP", "ANY") }), 4],
  [
    having(
      { port: fc.constantFrom("1", "79", "80", "443"), endPort: fc.constantFrom(80, 85, 443, 8080, 65_535) },
      { protocol: fc.constantFrom("TCP", "UDP") },
    ),
    3,
  ],
  [having({ port: fc.constant("0") }, { protocol: fc.constantFrom("TCP", "UDP", "ANY", "GRE", "VRRP") }), 1],
  [fc.constantFrom<Tree>({ port: "HTTP" }, { port: "0x50", protocol: "TCP" }, { port: "http", endPort: 90 }), 2],
);
const tcpPort = having({
  port: weighted<unknown>([portNumber, 5], [portName, 1]),
  protocol: fc.constant("TCP"),
});
const tcpRange = fc.constantFrom<Tree>(
  { port: "79", endPort: 443, protocol: "TCP" },
  { port: "http", endPort: 443, protocol: "TCP" },
);

const headerMatch = having(
  { name: fc.constantFrom("X-Role", "X-Team") },
  {
    value: fc.constantFrom("admin", "red"),
    mismatch: fc.constantFrom("LOG", "ADD", "DELETE", "REPLACE"),
  },
  { secret: fc.constant({ name: "role", namespace: "shop" }) },
);
const http = having(
  {},
  {
    method: fc.constantFrom("GET", "POST", "GET|POST", "P.*"),
    path: weighted<string>(
      [fc.constantFrom("/api", "/api/.*", "/", "/[a-z]+", ".*", "/api/v[0-9]+"), 6],
      [
        fc.constantFrom(
          "^/api$",
          "/api|/admin",
          "(?i)/API",
          "/api/v\\d",
          "/[[:alpha:]]+",
          "/api/?",
          "/(?P<x>a.i)",
          "(?=/)",
        ),
        2,
      ],
    ),
  },
  {
    host: fc.constantFrom("shop.example", ".*\\.example"),
    headers: few(fc.constantFrom("X-Role: admin", "X-Role", "X-Team: red")),
    headerMatches: few(headerMatch),
  },
);

const fqdn = fc.constantFrom<Tree>(
  ...["api.example.com", "example.com", "API.Example.com", "db.example.org."].map((matchName) => ({ matchName })),
  ...["*.example.com", "**.example.com", "*", "*.example.*", "a*i.example.com", "*.org"].map((matchPattern) => ({
    matchPattern,
  })),
);
const tls = fc.constantFrom("one", "two").map((name) => ({ secret: { name, namespace: "shop" } }));
const listener = having(
  {
    envoyConfig: having(
      { name: fc.constant("mine") },
      { kind: fc.constantFrom("CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig") },
    ),
    name: fc.constantFrom("left", "right"),
  },
  {},
  { priority: fc.constantFrom(1, 50, 100) },
);
const httpPorts = fc.record({
  ports: few(weighted([tcpPort, 10], [tcpRange, 2], [port, 1])),
  rules: fc.record({ http: few(http, 3) }),
});
const dnsPorts = fc.record({
  ports: few(fc.constantFrom<Tree>({ port: "53", protocol: "ANY" }, { port: "53", protocol: "UDP" }, { port: "53" })),
  rules: fc.record({ dns: few(fqdn) }),
});
const proxiedPorts = weighted<Tree>(
  [having({ ports: few(tcpPort), serverNames: few(fc.constantFrom("a.example", "*.b.example")) }), 2],
  [having({ ports: few(tcpPort), terminatingTLS: tls, originatingTLS: tls, rules: fc.record({ http: few(http) }) }), 2],
  [having({ ports: few(tcpPort), listener }), 2],
  [
    having({ ports: few(tcpPort), terminatingTLS: tls }, { serverNames: few(fc.constant("a.example")) }, { listener }),
    1,
  ],
);
const allowedPorts = (isEgress: boolean) =>
  weighted<Tree>(
    [fc.record({ ports: few(port, 3) }), 8],
    [httpPorts, 9],
    [dnsPorts, isEgress ? 2 : 0.1],
    [proxiedPorts, 1],
  );
const deniedPorts = fc.record({ ports: few(port, 3) });

const icmpField = weighted<Tree>(
  [
    having(
      { type: fc.constantFrom(0, 3, 8, 255, "8", "EchoRequest", "EchoReply") },
      {},
      { family: fc.constant("IPv4") },
    ),
    6,
  ],
  [having({ type: fc.constantFrom(0, 128, 129, "EchoRequest", "PacketTooBig"), family: fc.constant("IPv6") }), 4],
  [fc.constantFrom<Tree>({ type: "PacketTooBig" }, { type: "Redirect", family: "IPv6" }), 0.3],
);
const icmps = few(fc.record({ fields: few(icmpField) }), 2);

const entity = fc.constantFrom(
  "all",
  "world",
  "cluster",
  "cluster-mesh",
  "host",
  "init",
  "ingress",
  "unmanaged",
  "remote-node",
  "health",
  "none",
  "kube-apiserver",
);
const blockRule = weighted<Tree>(
  [blockWithExceptions, 6],
  [having({ cidrGroupRef: fc.constantFrom("partners", "offices", "absent") }, {}, { except: few(block) }), 2],
  [having({ cidrGroupSelector: groupSelector }, {}, { except: few(block) }), 2],
);
const service = weighted<Tree>(
  [
    having({
      k8sService: having(
        { serviceName: fc.constantFrom("outside", "inside", "gone") },
        { namespace: fc.constantFrom(...namespaces) },
      ),
    }),
    2,
  ],
  [
    fc.record({
      k8sServiceSelector: having({ selector: serviceSelector }, { namespace: fc.constantFrom(...namespaces) }),
    }),
    1,
  ],
);

/** Peers of one kind; rarely of two, which Cilium refuses, or of one that it refuses in any case. */
function peers(direction: "from" | "to", isDeny: boolean): Arbitrary<Tree> {
  const one = (name: string, of: Arbitrary<unknown>) => fc.record({ [direction + name]: few(of) });
  const isEgress = direction === "to";
  const any = weighted<Tree>(
    [nothing, 8],
    [one("Endpoints", endpointSelector), 9],
    [one("Entities", entity), 5],
    [one("CIDR", weighted([block, 60], [fc.constantFrom("10.1.2.3", "010.0.0.0/8", "::ffff:10.0.0.0/104"), 1])), 4],
    [one("CIDRSet", blockRule), 5],
    [one("Services", service), isEgress ? 2 : 0.01],
    [one("FQDNs", fqdn), isEgress && !isDeny ? 4 : 0.05],
    [fc.record({ [`${direction}Nodes`]: few(nodeSelector) }), 0.1],
    [fc.constant({ [`${direction}Groups`]: [{ aws: { securityGroupsIds: ["sg-1"] } }] }), 0.1],
  );
  return weighted<Tree>([any, 40], [joined(any, any), 1]);
}

function rule(direction: "from" | "to", isDeny: boolean): Arbitrary<Tree> {
  const ports = isDeny ? deniedPorts : allowedPorts(direction === "to");
  const traffic = weighted<Tree>(
    [nothing, 3],
    [fc.record({ toPorts: few(ports) }), 9],
    [fc.record({ icmps }), 1],
    [fc.record({ toPorts: few(ports), icmps }), 0.1],
  );
  const mode = fc.constantFrom("disabled", "required", "test-always-fail");
  return joined(
    peers(direction, isDeny),
    traffic,
    isDeny ? nothing : having({}, {}, { authentication: fc.record({ mode }) }),
  );
}

const rules = {
  ingress: few(rule("from", false)),
  egress: few(rule("to", false)),
  ingressDeny: few(rule("from", true)),
  egressDeny: few(rule("to", true)),
};
const someRules = weighted<Tree>(
  [fc.record({ ingress: rules.ingress }), 6],
  [fc.record({ egress: rules.egress }), 6],
  [fc.record({ ingress: rules.ingress, egress: rules.egress }), 4],
  [fc.record({ ingressDeny: rules.ingressDeny }), 1],
  [fc.record({ egressDeny: rules.egressDeny }), 1],
  [having({}, rules), 4],
);
const defaultDeny = fc.record({ enableDefaultDeny: having({}, { ingress: fc.boolean(), egress: fc.boolean() }) });
const seldom = having(
  {},
  {},
  {
    description: fc.constant("text"),
    labels: fc.constant([{ key: "a", value: "b" }]),
    log: fc.constant({ value: "x" }),
  },
);

function ciliumSpec(subject: Arbitrary<Tree>): Arbitrary<Tree> {
  return joined(subject, someRules, weighted<Tree>([nothing, 4], [defaultDeny, 1]), seldom);
}

function object(apiVersion: string, kind: string, isNamespaced: boolean, body: Arbitrary<Tree>): Arbitrary<Tree> {
  const name = fc.constantFrom("one", "two", "three", "four");
  const metadata = isNamespaced
    ? weighted<Tree>([fc.record({ name, namespace: fc.constantFrom(...namespaces) }), 30], [fc.record({ name }), 1])
    : fc.record({ name });
  return joined(fc.record({ apiVersion: fc.constant(apiVersion), kind: fc.constant(kind), metadata }), body);
}

function specOf(spec: Arbitrary<Tree>): Arbitrary<Tree> {
  const specs = fc.array(spec, { minLength: 1, maxLength: 2 });
  return weighted<Tree>([fc.record({ spec }), 20], [fc.record({ specs }), 1], [fc.record({ spec, specs }), 0.3]);
}

const podSubject = fc.record({ endpointSelector: weighted<Tree>([podSelector, 4], [endpointSelector, 1]) });
const anySubject = fc.record({ endpointSelector });
const nodeSubject = fc.record({ nodeSelector });

export const ciliumPolicy = object(
  "cilium.io/v2",
  "CiliumNetworkPolicy",
  true,
  specOf(weighted<Tree>([ciliumSpec(podSubject), 60], [ciliumSpec(nodeSubject), 1])),
);
export const clusterwidePolicy = object(
  "cilium.io/v2",
  "CiliumClusterwideNetworkPolicy",
  false,
  specOf(weighted<Tree>([ciliumSpec(anySubject), 3], [ciliumSpec(nodeSubject), 2])),
);

const kubernetesPort = weighted<Tree>(
  [
    having(
      {},
      {
        port: weighted<unknown>([portNumber.map(Number), 6], [portName, 2]),
        protocol: fc.constantFrom("TCP", "UDP", "SCTP"),
      },
    ),
    6,
  ],
  [
    having(
      { port: fc.constantFrom(1, 79, 443), endPort: fc.constantFrom(80, 443, 65_535) },
      { protocol: fc.constantFrom("TCP", "UDP") },
    ),
    2,
  ],
);
const kubernetesPeer = weighted<Tree>(
  [fc.record({ podSelector }), 3],
  [fc.record({ namespaceSelector }), 2],
  [fc.record({ podSelector, namespaceSelector }), 3],
  [fc.record({ ipBlock: blockWithExceptions }), 3],
  [fc.record({ podSelector, ipBlock: blockWithExceptions }), 0.1],
  [nothing, 0.1],
);
const kubernetesRule = (peerKey: "from" | "to") =>
  few(having({}, { [peerKey]: few(kubernetesPeer), ports: few(kubernetesPort) }));
export const kubernetesPolicy = object(
  "networking.k8s.io/v1",
  "NetworkPolicy",
  true,
  fc.record({
    spec: having(
      { podSelector },
      {
        ingress: kubernetesRule("from"),
        egress: kubernetesRule("to"),
        policyTypes: few(fc.constantFrom("Ingress", "Egress")),
      },
    ),
  }),
);
