import { describe, expect, it } from "vitest";
import type { SegmentationPromise } from "../../components/config/segmentation.ts";
import type { KubernetesObject } from "../../proof/rule.ts";
import { judgePromises, pathText } from "../../proof/segmentation/promises.ts";
import { ccnp, cnp, type Fields, ports } from "../support/policies.ts";
import {
  alone,
  clusterLabel,
  modelOfStacks,
  namespaceLabel,
  plannedSite,
  pods,
  spec,
  type Zones,
} from "../support/segmentation.ts";
import type { Config } from "../support/stacks.ts";

const zones: Zones = {
  web: { namespace: "front", labels: { app: "web" } },
  db: { namespace: "data", labels: { app: "db" } },
  outside: { entity: "world" },
};
const promised: SegmentationPromise[] = [
  { from: "web", to: "db", ports: ["5432/TCP"] },
  { from: "anyone", to: "db", ports: [] },
  { from: "db", to: "anyone", ports: [] },
];

const policy = (name: string, namespace: string, app: string, body: Fields) =>
  cnp({ endpointSelector: { matchLabels: { app } }, ...body }, { name, namespace });
const everything = { ingress: [{}], egress: [{}] };
const defaultDeny = ccnp(
  {
    endpointSelector: { matchExpressions: [{ key: namespaceLabel, operator: "In", values: ["front", "data"] }] },
    ...everything,
  },
  { name: "default-deny" },
);
const fromWeb = (more: Fields = {}, port = "5432", protocol = "TCP") =>
  policy("db", "data", "db", {
    ingress: [{ fromEndpoints: [{ ...pods("web", "front"), ...more }], toPorts: [ports(port, {}, protocol)] }],
  });
const toDb = policy("web", "front", "web", {
  egress: [{ toEndpoints: [pods("db", "data")], toPorts: [ports("5432")] }],
});
const base = [defaultDeny, toDb, fromWeb()];
const withRule = (...objects: KubernetesObject[]) => [...base, ...objects];
const dbPolicy = (body: Fields) => policy("more", "data", "db", body);

function broken(
  objects: readonly KubernetesObject[],
  promises: readonly SegmentationPromise[] = promised,
  more: Zones = {},
  edit: (config: Config) => void = alone,
): string[] {
  const planned = plannedSite("prod-seoul", objects, spec({ ...zones, ...more }, [...promises]), edit);
  return judgePromises(modelOfStacks([planned])).flatMap(({ paths, unknown }) => [
    ...paths.map(pathText),
    ...unknown.map((name) => `no zone ${name}`),
  ]);
}

describe("promises over all parties and ports", () => {
  it("hold where both ends allow nothing else", () => {
    expect(broken(base)).toEqual([]);
  });

  it.each<[string, KubernetesObject[], string]>([
    [
      "another pod of the peer's namespace",
      [
        defaultDeny,
        toDb,
        fromWeb({ matchLabels: { [namespaceLabel]: "front" } }),
        policy("all", "front", "other", { egress: [{ toEndpoints: [pods("db", "data")] }] }),
      ],
      "pods with app=other in front (prod-seoul) -> 5432/TCP -> db",
    ],
    [
      "a namespace that nobody names",
      withRule(dbPolicy({ ingress: [{ fromEndpoints: [{ matchLabels: { app: "x", [namespaceLabel]: "legacy" } }] }] })),
      "pods with app=x in legacy (prod-seoul) -> everything -> db",
    ],
    [
      "a service account",
      withRule(
        dbPolicy({
          ingress: [
            {
              fromEndpoints: [
                { matchLabels: { "k8s:io.cilium.k8s.policy.serviceaccount": "robot", [namespaceLabel]: "ci" } },
              ],
            },
          ],
        }),
      ),
      "pods with service account robot in ci",
    ],
    [
      "another protocol",
      withRule(
        dbPolicy({ ingress: [{ fromEndpoints: [pods("web", "front")], toPorts: [ports("5432", {}, "UDP")] }] }),
        policy("udp", "front", "web", {
          egress: [{ toEndpoints: [pods("db", "data")], toPorts: [ports("5432", {}, "ANY")] }],
        }),
      ),
      "web (prod-seoul) -> 5432/UDP -> db",
    ],
    [
      "one port of a range",
      withRule(
        dbPolicy({
          ingress: [
            {
              fromEndpoints: [pods("web", "front")],
              toPorts: [{ ports: [{ port: "5000", endPort: 5433, protocol: "TCP" }] }],
            },
          ],
        }),
        policy("range", "front", "web", {
          egress: [
            {
              toEndpoints: [pods("db", "data")],
              toPorts: [{ ports: [{ port: "5432", endPort: 6000, protocol: "TCP" }] }],
            },
          ],
        }),
      ),
      "web (prod-seoul) -> 5433/TCP -> db",
    ],
    [
      "pods of the zone that carry one more label",
      withRule(
        cnp(
          { endpointSelector: { matchLabels: { role: "batch" } }, egress: [{ toCIDR: ["203.0.113.0/24"] }] },
          { name: "batch", namespace: "data" },
        ),
      ),
      "db with role=batch (prod-seoul) -> everything -> 203.0.113.0/24",
    ],
    [
      "pods that a default deny leaves out by a label",
      [
        ccnp(
          {
            endpointSelector: {
              matchExpressions: [
                { key: namespaceLabel, operator: "In", values: ["front", "data"] },
                { key: "exempt", operator: "DoesNotExist" },
              ],
            },
            ...everything,
          },
          { name: "default-deny" },
        ),
        toDb,
      ],
      "db with exempt=any (prod-seoul) -> everything",
    ],
    [
      "a deny rule that misses pods with a label",
      withRule(
        dbPolicy({ egress: [{ toEntities: ["world"] }] }),
        cnp(
          {
            endpointSelector: { matchExpressions: [{ key: "backup", operator: "NotIn", values: ["yes"] }] },
            egressDeny: [{ toEntities: ["all"] }],
          },
          { name: "deny", namespace: "data" },
        ),
      ),
      "db with backup=yes (prod-seoul) -> everything -> outside",
    ],
    [
      "a block of addresses",
      withRule(dbPolicy({ egress: [{ toCIDRSet: [{ cidr: "10.9.0.0/16", except: ["10.9.1.0/24"] }] }] })),
      "-> 10.9.0.0/16",
    ],
    [
      "a name",
      withRule(dbPolicy({ egress: [{ toFQDNs: [{ matchPattern: "*.backup.example" }], toPorts: [ports("443")] }] })),
      "-> 443/TCP -> any.backup.example",
    ],
    [
      "the cluster's DNS",
      withRule(
        dbPolicy({
          egress: [
            {
              toEndpoints: [{ matchLabels: { "k8s:k8s-app": "kube-dns", [namespaceLabel]: "kube-system" } }],
              toPorts: [ports("53", {}, "UDP")],
            },
          ],
        }),
      ),
      "db (prod-seoul) -> 53/UDP -> kube-dns",
    ],
    [
      "other nodes",
      withRule(dbPolicy({ ingress: [{ fromEntities: ["remote-node"], toPorts: [ports("9100")] }] })),
      "remote-node (prod-seoul) -> 9100/TCP -> db",
    ],
    [
      "an ICMP type",
      withRule(dbPolicy({ egress: [{ toEntities: ["world"], icmps: [{ fields: [{ family: "IPv4", type: 8 }] }] }] })),
      "-> 8/ICMP -> outside",
    ],
    [
      "no policy at all",
      [],
      "other pods (prod-seoul) -> everything -> db (prod-seoul); egress: no policy is enforced; ingress: no policy is enforced",
    ],
  ])("see %s", (_, objects, path) => {
    expect(broken(objects).join("\n")).toContain(path);
  });

  it.each<[string, KubernetesObject[]]>([
    [
      "what only the receiver takes",
      withRule(dbPolicy({ ingress: [{ fromEndpoints: [pods("web", "front")], toPorts: [ports("5433")] }] })),
    ],
    [
      "what only the sender may send",
      withRule(policy("more", "front", "web", { egress: [{ toEndpoints: [pods("db", "data")] }] })),
    ],
    [
      "a deny rule over an allow",
      withRule(dbPolicy({ egress: [{ toEntities: ["world"] }], egressDeny: [{ toEntities: ["all"] }] })),
    ],
    ["the kubelet of a pod's own node", withRule(dbPolicy({ ingress: [{ fromEntities: ["host"] }] }))],
    [
      "a rule about pods that cannot be in the zone",
      withRule(policy("other", "data", "cache", { egress: [{ toEntities: ["world"] }] })),
    ],
    [
      "a rule that asks for a label twice",
      withRule(
        dbPolicy({
          ingress: [
            {
              fromEndpoints: [
                {
                  matchLabels: { app: "web", [namespaceLabel]: "front" },
                  matchExpressions: [{ key: "app", operator: "NotIn", values: ["web"] }],
                },
              ],
            },
          ],
        }),
      ),
    ],
  ])("are not broken by %s", (_, objects) => {
    expect(broken(objects)).toEqual([]);
  });

  it("see named ports of the zone", () => {
    const named = [
      defaultDeny,
      policy("web", "front", "web", { egress: [{ toEndpoints: [pods("db", "data")] }] }),
      fromWeb({}, "metrics"),
    ];
    const zone = { namespace: "data", labels: { app: "db" } };
    expect(broken(named, promised, { db: { ...zone, namedPorts: { metrics: "9100/TCP" } } }).join()).toContain(
      "web (prod-seoul) -> 9100/TCP -> db",
    );
    expect(broken(named, promised, { db: { ...zone, namedPorts: { metrics: "5432/TCP" } } })).toEqual([]);
  });
});

describe("which promise counts", () => {
  const fromWorld = withRule(dbPolicy({ ingress: [{ fromEntities: ["world"], toPorts: [ports("443")] }] }));

  it("is the one that knows both zones by name, then the world's for addresses, then anyone's", () => {
    const office = { office: { cidr: "198.51.100.0/24" } };
    expect(broken(fromWorld, promised, office).join("\n")).toContain("office -> 443/TCP -> db");
    const worldMay: SegmentationPromise = { from: "outside", to: "db", ports: ["443/TCP"] };
    expect(broken(fromWorld, [...promised, worldMay], office)).toEqual([]);
    const officeMayNot: SegmentationPromise = { from: "office", to: "db", ports: [] };
    expect(broken(fromWorld, [...promised, worldMay, officeMayNot], office).join("\n")).toMatch(
      /^office -> 443\/TCP -> db/,
    );
  });

  it("is about the inner of two zones", () => {
    const inner = { "db-batch": { namespace: "data", labels: { app: "db", role: "batch" } } };
    const objects = withRule(
      cnp(
        { endpointSelector: { matchLabels: { role: "batch" } }, egress: [{ toEntities: ["world"] }] },
        { name: "batch", namespace: "data" },
      ),
    );
    const mayGoOut: SegmentationPromise = { from: "db-batch", to: "outside", ports: ["0-65535/TCP"] };
    expect(broken(objects).join("\n")).toContain("db with role=batch");
    const paths = broken(objects, [...promised, mayGoOut], inner);
    expect(paths.join("\n")).toContain("db-batch (prod-seoul) -> everything but all TCP -> outside");
    expect(paths.filter((path) => path.includes("all TCP,"))).toEqual([]);
  });

  it("fails where it names a zone that there is not", () => {
    expect(broken(base, [{ from: "nobody", to: "db", ports: [] }])).toEqual(["no zone nobody"]);
  });
});

describe("two clusters", () => {
  const mesh = (seoul: KubernetesObject[], busan: KubernetesObject[], local = true) => {
    const edit = (config: Config) => {
      const mesh = config["gyeongbu:site"]?.mesh;
      if (mesh !== undefined) Reflect.set(Object(mesh), "policyDefaultLocalCluster", local);
    };
    const segmentation = spec(zones, promised);
    const stacks = [
      plannedSite("prod-seoul", seoul, segmentation, edit),
      plannedSite("dr-busan", busan, segmentation, edit),
    ];
    return judgePromises(modelOfStacks(stacks)).flatMap(({ paths }) => paths.map(pathText));
  };

  it("judge what is sent by the sender's policies and what is taken by the receiver's", () => {
    expect(mesh(base, base)).toEqual([]);
    // Busan enforces nothing: Seoul's database still takes from nobody else, Busan's takes from everyone.
    const paths = mesh(base, []);
    expect(paths.some((path) => path.includes("-> db (dr-busan)"))).toBe(true);
    expect(paths.filter((path) => path.includes("-> db (prod-seoul)"))).toEqual([]);
  });

  it("take pods of every cluster for a peer that names none, where policies do not default to the local one", () => {
    const paths = mesh(base, base, false);
    expect(paths.join("\n")).toContain("pods with app=web in front of another cluster -> 5432/TCP -> db (prod-seoul)");
    const named = (cluster: string) => [
      defaultDeny,
      toDb,
      fromWeb({ matchExpressions: [{ key: clusterLabel, operator: "In", values: [cluster] }] }),
    ];
    expect(mesh(named("prod-seoul"), named("dr-busan"), false)).toEqual([]);
    expect(mesh(named("idc-east"), named("dr-busan"), true).join("\n")).toContain(
      "pods with app=web in front of cluster idc-east",
    );
  });
});
