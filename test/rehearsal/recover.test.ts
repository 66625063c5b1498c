import { describe, expect, it } from "vitest";
import { findOrphans, matchLeftovers } from "../../rehearsal/recover.ts";
import type { DeployedResource, Deployment } from "../../rehearsal/stacks.ts";
import type { WorldObject } from "../../rehearsal/world.ts";

const resource = (urn: string, id?: string): DeployedResource => ({
  urn,
  type: "aws:ec2/vpc:Vpc",
  custom: true,
  ...(id !== undefined && { id }),
});
const object = (urn: string, id: string, type = "aws:ec2/vpc:Vpc"): WorldObject => ({
  provider: "aws",
  type,
  id,
  urn,
  place: "r",
  properties: {},
});
const deployment = (resources: DeployedResource[], pending: [string, DeployedResource][] = []): Deployment => ({
  resources,
  pending: pending.map(([type, held]) => ({ type, resource: held })),
});

const leftovers = (state: Deployment, objects: WorldObject[]): { adopted: unknown[]; abandoned: string[] } => {
  const { adopted, abandoned } = matchLeftovers(state, objects);
  return { adopted: adopted.map(({ urn, id }) => [urn, id]), abandoned: abandoned.map(({ id }) => id) };
};

describe("matchLeftovers", () => {
  const creating = deployment([], [["creating", resource("u")]]);

  it("takes over the object that a killed creation left behind", () => {
    expect(leftovers(creating, [object("u", "vpc-1"), object("other", "vpc-2")])).toEqual({
      adopted: [["u", "vpc-1"]],
      abandoned: [],
    });
  });

  it("forgets a creation that made nothing, and removes what it brought along", () => {
    expect(leftovers(creating, [])).toEqual({ adopted: [], abandoned: [] });
    expect(leftovers(creating, [object("u", "10.0.0.1", "machine")])).toEqual({ adopted: [], abandoned: ["10.0.0.1"] });
  });

  it("removes the new half of a replacement and leaves the old one and its company alone", () => {
    const state = deployment([resource("u", "vpc-1")], [["creating", resource("u")]]);
    const old = [object("u", "vpc-1"), object("u", "10.0.0.1", "machine")];
    expect(leftovers(state, old)).toEqual({ adopted: [], abandoned: [] });
    expect(leftovers(state, [...old, object("u", "vpc-2")])).toEqual({ adopted: [], abandoned: ["vpc-2"] });
  });

  it("leaves updates and deletions to the next up, which repeats them", () => {
    const state = deployment([resource("u", "vpc-1")], [["updating", resource("u", "vpc-1")]]);
    expect(leftovers(state, [object("u", "vpc-1")])).toEqual({ adopted: [], abandoned: [] });
  });
});

it("calls an orphan what was made for a resource that no state knows", () => {
  const objects = [object("known", "vpc-1"), object("gone", "vpc-2"), object("", "10.0.0.1")];
  expect(findOrphans(objects, [deployment([resource("known", "vpc-1")])]).map(({ id }) => id)).toEqual(["vpc-2"]);
});
