import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cidr, Ipv4 } from "../../../components/network/cidr.ts";
import { addressNumber, addressText, block, Cuts, holds, PrefixTable } from "../../../proof/network/blocks.ts";
import type { Filter, FilterRule, Network, NetworkModel, Port, Route, Router } from "../../../proof/network/model.ts";
import { text } from "../../../proof/network/pairs.ts";
import { Paths } from "../../../proof/network/path.ts";
import {
  common,
  everything,
  isEmpty,
  type Traffic,
  traffic,
  trafficText,
  union,
  without,
} from "../../../proof/network/traffic.ts";

const cidr = (written: string) => Cidr.parse(written);
const number = (address: string) => addressNumber(address) ?? -1;
const origin = { stack: "s", resource: "r", type: "t" };

describe("addresses", () => {
  const anyAddress = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const anyCidr = fc
    .tuple(anyAddress, fc.integer({ min: 0, max: 32 }))
    .map(([address, length]) => cidr(`${addressText(address - (address % 2 ** (32 - length)))}/${length}`));

  it("survive being numbers", () => {
    fc.assert(fc.property(anyAddress, (address) => addressNumber(addressText(address)) === address));
    expect([addressNumber("10.0.0"), addressNumber("10.0.0.256"), addressNumber("a.b.c.d")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("are found by their longest prefix, as by looking at every prefix", () => {
    fc.assert(
      fc.property(fc.array(anyCidr, { maxLength: 12 }), anyAddress, (cidrs, address) => {
        const table = new PrefixTable<string>();
        for (const each of cidrs) table.add(each, each);
        const holding = cidrs.filter((each) => holds(block(each), address));
        const length = Math.max(...holding.map((each) => Number(each.split("/")[1])));
        expect(table.longest(address)).toEqual(holding.filter((each) => each.endsWith(`/${length}`)));
        expect(table.all(address).toSorted()).toEqual(holding.toSorted());
      }),
    );
  });

  it("are cut into pieces that no block divides", () => {
    fc.assert(
      fc.property(fc.array(anyCidr, { maxLength: 8 }), anyCidr, (cidrs, whole) => {
        const pieces = new Cuts(cidrs.map(block)).pieces(block(whole));
        expect([pieces[0]?.first, pieces.at(-1)?.last]).toEqual([block(whole).first, block(whole).last]);
        for (const { first, last } of pieces)
          for (const each of cidrs.map(block)) expect(holds(each, first)).toBe(holds(each, last));
      }),
    );
  });
});

describe("sets of packets", () => {
  const anyTraffic: fc.Arbitrary<Traffic> = fc
    .array(
      fc
        .tuple(
          fc.constantFrom("tcp" as const, "udp" as const),
          fc.integer({ min: 0, max: 20 }),
          fc.integer({ min: 0, max: 9 }),
        )
        .map(([protocol, from, more]) => traffic(protocol, [from, from + more])),
      { minLength: 1, maxLength: 6 },
    )
    .map(union);
  const has = (set: Traffic, port: number) => set.tcp.some(([from, to]) => from <= port && port <= to);

  it("join, meet and differ port by port", () => {
    fc.assert(
      fc.property(anyTraffic, anyTraffic, fc.integer({ min: 0, max: 30 }), (one, other, port) => {
        expect(has(union([one, other]), port)).toBe(has(one, port) || has(other, port));
        expect(has(common(one, other), port)).toBe(has(one, port) && has(other, port));
        expect(has(without(one, other), port)).toBe(has(one, port) && !has(other, port));
        expect(isEmpty(without(one, union([one, other])))).toBe(true);
      }),
    );
  });

  it.each([
    [traffic("tcp", [22, 22]), "tcp 22"],
    [traffic("icmp", [3, 4]), "icmp type 3 code 4"],
    [traffic("icmp", [8, -1]), "icmp type 8"],
    [traffic("icmp"), "icmp, all"],
    [traffic("esp"), "esp"],
    [traffic("any"), "every protocol"],
    [without(everything, traffic("udp", [1, 65_535])), "tcp, all, udp 0, icmp, all, esp, other protocols"],
  ])("are written for people (%#)", (set, words) => {
    expect(trafficText(set)).toBe(words);
  });
});

const route = (prefix: string, next: Route["next"], preference = 1): Route => ({
  prefix: cidr(prefix),
  next,
  preference,
  origin,
  implied: false,
});
const router = (id: string, ...routes: Route[]): Router => ({ id, label: `table ${id}`, origin, network: "n", routes });
const port = (label: string, address: string, more: Partial<Port> = {}): Port => ({
  id: label,
  label,
  origin,
  site: "s",
  kind: "machine",
  network: "n",
  router: "a",
  address: Ipv4.parse(address),
  forwards: false,
  filters: [],
  public: false,
  zone: "",
  ...more,
});

function model(
  routers: Router[],
  ports: Port[],
  filters: Filter[] = [],
  nats: NetworkModel["nats"] = new Map(),
): Paths {
  const network: Network = {
    id: "n",
    label: "VPC n",
    origin,
    blocks: [cidr("10.0.0.0/16")],
    internet: true,
    mtu: 9001,
  };
  return new Paths({
    networks: new Map([["n", network]]),
    routers: new Map(routers.map((each) => [each.id, each])),
    ports: new Map(ports.map((each) => [each.id, each])),
    filters: new Map(filters.map((each) => [each.id, each])),
    frontEnds: [],
    nats,
    entries: [],
    tunnels: [],
    flaws: [],
  });
}

const local = route("10.0.0.0/16", { kind: "local" });
const one = port("one", "10.0.0.1");
const two = port("two", "10.0.0.2");

describe("a packet", () => {
  const sent = (paths: Paths, to: string, from = "10.0.0.1") => paths.send(one, number(from), number(to)).map(text);

  it("arrives at the interface that has its address", () => {
    const [leg] = model([router("a", local)], [one, two]).send(one, number("10.0.0.1"), number("10.0.0.2"));
    expect(leg?.end).toEqual({ kind: "port", port: two });
    expect(leg?.mtu).toBe(9001);
  });

  it("is dropped where no interface has its address, and where no route leads", () => {
    const paths = model([router("a", local)], [one, two]);
    expect(sent(paths, "10.0.0.3")[0]).toContain("dropped: no interface in VPC n has 10.0.0.3");
    expect(sent(paths, "10.1.0.3")[0]).toContain("dropped: no route to 10.1.0.3 in table a");
  });

  it("with a foreign address leaves and reaches only interfaces that forward", () => {
    const pods = route("10.9.2.0/24", { kind: "port", port: "two" });
    const forwarding = { ...two, forwards: true };
    expect(sent(model([router("a", local, pods)], [one, two]), "10.9.2.7")[0]).toContain(
      "dropped: two takes no packet but for its own address",
    );
    expect(sent(model([router("a", local, pods)], [one, forwarding]), "10.9.2.7")[0]).toContain("it ends at two");
    expect(sent(model([router("a", local)], [one, two]), "10.0.0.2", "10.9.1.7")[0]).toContain(
      "dropped: one may send from no address but its own",
    );
  });

  it("takes every equal route, the preferred one first, and the longest before all", () => {
    const paths = model(
      [
        router(
          "a",
          route("10.0.0.0/8", { kind: "drop", reason: "short" }, 9),
          route("10.5.0.0/16", { kind: "drop", reason: "learned" }),
          route("10.5.0.0/16", { kind: "drop", reason: "written" }, 2),
          route("10.5.0.0/16", { kind: "drop", reason: "as good" }, 2),
        ),
      ],
      [one],
    );
    expect(sent(paths, "10.5.0.1").map((line) => line.split("dropped: ")[1])).toEqual(["written", "as good"]);
  });

  it("does not go round", () => {
    const on = (to: string) => route("0.0.0.0/0", { kind: "router", router: to, label: to });
    expect(sent(model([router("a", on("b")), router("b", on("a"))], [one]), "9.9.9.9")[0]).toContain(
      "dropped: it comes back to table a: a loop",
    );
  });

  it("leaves for the Internet by a public address or a NAT gateway that has one", () => {
    const out = route("0.0.0.0/0", { kind: "internet" });
    const viaNat = route("0.0.0.0/0", { kind: "nat", nat: "nat" });
    const nat = (known: boolean) =>
      new Map([["nat", { id: "nat", label: "NAT", origin, router: "b", network: "n", public: known }]]);
    const end = (paths: Paths, from: Port) => paths.send(from, number(from.address), number("9.9.9.9"))[0]?.end;
    expect(end(model([router("a", out)], [one]), one)).toMatchObject({ kind: "dropped" });
    const known = { ...one, public: true };
    expect(end(model([router("a", out)], [known]), known)).toEqual({ kind: "internet", nat: undefined });
    const tables = [router("a", viaNat), router("b", out)];
    expect(end(model(tables, [one], [], nat(true)), one)).toEqual({ kind: "internet", nat: "nat" });
    expect(end(model(tables, [one], [], nat(false)), one)).toMatchObject({ reason: "NAT has no public address" });
  });

  it("passes a firewall whose first matching rule allows it", () => {
    const rule = (priority: number, action: FilterRule["action"], range: [number, number]): FilterRule => ({
      origin,
      direction: "ingress",
      action,
      priority,
      protocol: "tcp",
      ranges: [range],
      sources: [cidr("10.0.0.0/24")],
      destinations: [cidr("0.0.0.0/0")],
      implied: false,
    });
    const filter: Filter = { id: "f", label: "f", rules: [rule(20, "allow", [1, 100]), rule(10, "deny", [50, 60])] };
    const guarded = { ...two, filters: ["f"] };
    const paths = model([router("a", local)], [one, guarded], [filter]);
    const open = (source: string) =>
      trafficText(
        paths.allowed({
          port: guarded,
          filter: "f",
          direction: "ingress",
          source: number(source),
          destination: number("10.0.0.2"),
        }),
      );
    expect([open("10.0.0.1"), open("10.0.1.1")]).toEqual(["tcp 1-49, tcp 61-100", ""]);
  });
});
