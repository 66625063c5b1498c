import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readStackFiles } from "../../rehearsal/stack-files.ts";
import { verifyWorld } from "../../rehearsal/verify/world.ts";
import { type JsonObject, World, type WorldObject } from "../../rehearsal/world.ts";
import { buildWorld } from "./rehearsed-world.ts";

const stacks = readStackFiles(join(import.meta.dirname, "../.."));

/** Both sites and their interconnect as they should be, of which copies are broken. */
export class WholeWorld {
  readonly #folder = mkdtempSync(join(tmpdir(), "gyeongbu-breaks-"));
  readonly #file = join(this.#folder, "world.sqlite");
  #copies = 0;

  static async build(): Promise<WholeWorld> {
    const whole = new WholeWorld();
    process.env.GYEONGBU_WORLD = whole.#file;
    const world = World.open(whole.#file);
    await buildWorld(world, whole.#file);
    world.close();
    return whole;
  }

  /** Breaks a copy, and tells what is then wrong with it. */
  problemsAfter(breakIt: (world: World) => void): string[] {
    this.#copies += 1;
    const file = join(this.#folder, `broken-${this.#copies}.sqlite`);
    copyFileSync(this.#file, file);
    const world = World.open(file);
    try {
      breakIt(world);
      return [...verifyWorld(world, stacks).problems];
    } finally {
      world.close();
      rmSync(file);
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** Objects by a part of their type token and the end of the URN, which is the logical name. */
export function pick(world: World, type: string, name = /./): WorldObject[] {
  const found = world
    .all()
    .filter((object) => object.type.includes(type) && name.test(object.urn.split("::").at(-1) ?? ""));
  if (found.length === 0) throw new Error(`the world holds no ${type} named ${String(name)}`);
  return found;
}

/** Removes objects. */
export const without =
  (type: string, name?: RegExp) =>
  (world: World): void => {
    for (const { provider, id } of pick(world, type, name)) world.remove(provider, id);
  };

/** Gives objects other properties. */
export const changed =
  (type: string, name: RegExp, change: (properties: JsonObject) => JsonObject) =>
  (world: World): void => {
    for (const object of pick(world, type, name))
      world.put({ ...object, properties: { ...object.properties, ...change(object.properties) } });
  };

/** Another value at a path of the Cilium release's values in one cluster. */
export const valued =
  (cluster: string, path: string, value: JsonObject[string]) =>
  (world: World): void => {
    for (const object of pick(world, "helm.sh/v3:Release").filter(({ place }) => place === cluster)) {
      const properties = structuredClone(object.properties);
      const keys = ["body", "values", ...path.split(".")];
      const last = keys.pop() ?? "";
      const parent = keys.reduce<unknown>((at, key) => Reflect.get(Object(at), key), properties);
      Reflect.set(Object(parent), last, value);
      world.put({ ...object, properties });
    }
  };
