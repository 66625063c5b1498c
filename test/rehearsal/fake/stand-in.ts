import { setTimeout as sleep } from "node:timers/promises";
import { type Kind, type Properties, Refusal, Secret, type StandIn, Unknown } from "../../../rehearsal/stand-in.ts";
import { fingerprint } from "../../../rehearsal/wire.ts";

/** A cloud of things: `size` updates in place, `zone` replaces, a number above 9 is refused at create, `token` is a secret. */
const thing: Kind = {
  seconds: { create: 60, update: 30, delete: 6 },
  check: (inputs) =>
    Object.keys(inputs)
      .filter((key) => !["size", "zone", "token", "needs"].includes(key))
      .map((key) => ({ property: key, reason: `"${key}" is no property of a thing` })),
  replaces: () => ["zone"],
  async create(inputs, { world, urn, name, config, signal, ...call }) {
    const size = inputs.size;
    if (typeof size === "number" && size > 9) throw new Refusal("QuotaExceeded", `size ${size} is above 9`);
    call.log(`token is ${inputs.token instanceof Secret ? "a secret" : "plain"}`);
    const id = `thing-${world.next("thing")}`;
    world.put({
      provider: "fake",
      type: "fake:index:Thing",
      id,
      urn,
      place: placeOf(config),
      properties: { name, inputs: fingerprint(inputs) },
    });
    // The thing is there, and whoever made it hears of it so late that a test can end him before.
    if (world.outage("answers") !== undefined) await sleep(5000, undefined, { signal });
    return { id, outputs: { ...inputs, arn: `arn:${id}` } };
  },
  update(id, olds, news, { world, urn, name, config }) {
    if (news.size === 8) throw new Refusal("NotNow", "size 8 cannot be reached by an update");
    const properties = { name, inputs: fingerprint(news) };
    world.put({ provider: "fake", type: "fake:index:Thing", id, urn, place: placeOf(config), properties });
    return { ...news, arn: olds.arn ?? Unknown.value };
  },
  delete(id, _outputs, { world }) {
    world.remove("fake", id);
  },
  read(id, { world }) {
    const found = world.get("fake", id);
    if (found === undefined) return undefined;
    const inputs = found.properties.inputs as Properties;
    return { inputs, outputs: { ...inputs, arn: `arn:${id}` } };
  },
};

function placeOf(config: Properties): string {
  const region = config.region;
  return typeof region === "string" ? region : "nowhere";
}

/** The smallest honest stand-in: what the tests of the rehearsal's machinery run against. */
export const fakeStandIn: StandIn = {
  name: "fake",
  version: "1.0.0",
  checkConfig: (config) =>
    typeof config.region === "string" ? [] : [{ property: "region", reason: "region is required" }],
  places: ({ config }) => [placeOf(config)],
  kind: (type) => (type === "fake:index:Thing" ? thing : undefined),
  invoke: (_token, args) => ({ echo: args.say ?? null }),
};
