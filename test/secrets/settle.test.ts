import { describe, expect, it } from "vitest";
import { makeInterconnectSecrets, makeSiteSecrets } from "../../components/secrets/make.ts";
import { InterconnectSecrets, SiteSecrets } from "../../components/secrets/schema.ts";
import { type Holder, type Settled, settleSecrets } from "../../components/secrets/settle.ts";

const site = (stack: string, peers: string[], rest: Partial<Holder> = {}): Holder => ({
  stack,
  kind: "site",
  peers,
  asked: true,
  ...rest,
});
const interconnect = (rest: Partial<Holder> = {}): Holder => ({
  stack: "interconnect",
  kind: "interconnect",
  peers: [],
  asked: true,
  ...rest,
});
const of = (settled: readonly Settled[], stack: string): SiteSecrets =>
  SiteSecrets.parse(settled.find((each) => each.stack === stack)?.secrets);
const made = (settled: readonly Settled[]) => Object.fromEntries(settled.map((each) => [each.stack, each.made]));
const all = ["bgpPassword", "ciliumCa", "etcdEncryptionKey", "hostKeySeed", "ipsecKey", "ssh"];

describe("settleSecrets", () => {
  it("gives a mesh one CA and one IPsec key, and each site the rest for itself", async () => {
    const settled = await settleSecrets([
      site("prod-seoul", ["dr-busan"]),
      site("dr-busan", ["prod-seoul"]),
      interconnect(),
    ]);
    const [one, other] = [of(settled, "prod-seoul"), of(settled, "dr-busan")];
    expect([other.ciliumCa, other.ipsecKey]).toEqual([one.ciliumCa, one.ipsecKey]);
    expect(one.hostKeySeed).not.toBe(other.hostKeySeed);
    expect(one.etcdEncryptionKey).not.toBe(other.etcdEncryptionKey);
    expect(made(settled)["prod-seoul"]?.toSorted()).toEqual(all);
    expect(made(settled).interconnect).toEqual(["tunnelKeys"]);
  });

  it("keeps sites that stand apart apart", async () => {
    const settled = await settleSecrets([site("one", []), site("other", [])]);
    expect(of(settled, "one").ciliumCa).not.toEqual(of(settled, "other").ciliumCa);
  });

  it("changes nothing the second time", async () => {
    const first = await settleSecrets([
      site("prod-seoul", ["dr-busan"]),
      site("dr-busan", ["prod-seoul"]),
      interconnect(),
    ]);
    const present = (stack: string) => JSON.stringify(first.find((each) => each.stack === stack)?.secrets);
    const second = await settleSecrets([
      site("prod-seoul", ["dr-busan"], { present: present("prod-seoul") }),
      site("dr-busan", ["prod-seoul"], { present: present("dr-busan") }),
      interconnect({ present: present("interconnect") }),
    ]);
    expect(second.map(({ secrets }) => secrets)).toEqual(first.map(({ secrets }) => secrets));
    expect(made(second)).toEqual({ "prod-seoul": [], "dr-busan": [], interconnect: [] });
  });

  it("takes what a mesh shares from any member, even one that only its peer names", async () => {
    const held = await makeSiteSecrets();
    const lender = site("prod-seoul", [], { present: JSON.stringify(held), asked: false });
    const settled = await settleSecrets([site("third", ["dr-busan"]), site("dr-busan", ["prod-seoul"]), lender]);
    expect(settled.map(({ stack }) => stack)).toEqual(["third", "dr-busan"]);
    expect(of(settled, "third").ciliumCa).toEqual(held.ciliumCa);
    expect(of(settled, "dr-busan").ciliumCa).toEqual(held.ciliumCa);
  });

  it("adds only what is missing", async () => {
    const { etcdEncryptionKey: _, ...older } = await makeSiteSecrets();
    const settled = await settleSecrets([site("prod-seoul", [], { present: JSON.stringify(older) })]);
    expect(made(settled)).toEqual({ "prod-seoul": ["etcdEncryptionKey"] });
    expect(of(settled, "prod-seoul")).toMatchObject(older);
  });

  it("keeps a kubeconfig that is given, and replaces an older one", async () => {
    const first = await settleSecrets([site("local-k8s", [], { kubeconfig: "one" })]);
    expect(of(first, "local-k8s").kubeconfig).toBe("one");
    const present = JSON.stringify(of(first, "local-k8s"));
    expect(made(await settleSecrets([site("local-k8s", [], { present, kubeconfig: "one" })]))).toEqual({
      "local-k8s": [],
    });
    expect(made(await settleSecrets([site("local-k8s", [], { present, kubeconfig: "two" })]))).toEqual({
      "local-k8s": ["kubeconfig"],
    });
  });

  it("refuses members whose CAs differ", async () => {
    const present = async () => JSON.stringify(await makeSiteSecrets());
    const holders = [site("a", ["b"], { present: await present() }), site("b", ["a"], { present: await present() })];
    await expect(settleSecrets(holders)).rejects.toThrow(/^b: its ciliumCa differs from that of a,/);
  });

  it.each([
    ["a site", site("s", [], { present: JSON.stringify({ bgpPassword: "hunter2" }) }), "s: .* at bgpPassword "],
    ["a key that nobody knows", site("s", [], { present: JSON.stringify({ hunter2: "hunter2" }) }), "s: .* its shape"],
    ["an interconnect", interconnect({ present: '{"tunnelKeys":["hunter2"]}' }), "interconnect: .* at tunnelKeys"],
    ["no JSON", site("s", [], { present: "{hunter2" }), "s: .*not JSON"],
  ])("names the place of a malformed secret of %s and never its content", async (_, holder, message) => {
    let said = "";
    try {
      await settleSecrets([holder]);
    } catch (error) {
      said = String(error);
    }
    expect(said).toMatch(new RegExp(message));
    expect(said).not.toContain("hunter2");
  });

  it("settles an interconnect's keys by their own shape", async () => {
    const held = makeInterconnectSecrets();
    const [settled] = await settleSecrets([interconnect({ present: JSON.stringify(held) })]);
    expect(InterconnectSecrets.parse(settled?.secrets)).toEqual(held);
  });
});
