import { z } from "zod";
import { type Flaw, named, originOf, type StackResource } from "./model.ts";

/** A resource of one type with the inputs that the proof reads. */
export interface Read<Inputs> {
  readonly resource: StackResource;
  readonly inputs: Inputs;
}

/** Pulumi's mark of a secret on the wire. */
const envelope = "4dabf18193072939515e22adb298388d";
const Secret = z.object({ [envelope]: z.string(), value: z.string() });

/** A string that is, or ought to be, in a secret's envelope. */
export const SecretText = z.union([z.string(), Secret.transform(({ value }) => value)]);

/** The recorded resources, found by type and by what others refer to them by. */
export class Resources {
  readonly flaws: Flaw[] = [];
  readonly #all: readonly StackResource[];
  readonly #byId = new Map<string, StackResource[]>();

  constructor(all: readonly StackResource[]) {
    this.#all = all;
    for (const resource of all) {
      const key = `${resource.type} ${resource.id}`;
      const same = this.#byId.get(key);
      if (same) same.push(resource);
      else this.#byId.set(key, [resource]);
    }
  }

  /** All resources of a type whose inputs have the shape; each other one is a flaw. */
  ofType<Inputs>(type: string, shape: z.ZodType<Inputs>): Read<Inputs>[] {
    return this.#all.flatMap((resource) => {
      if (resource.type !== type) return [];
      const parsed = shape.safeParse(resource.inputs);
      if (parsed.success) return [{ resource, inputs: parsed.data }];
      const [issue] = parsed.error.issues;
      this.flaw(resource, `${issue?.path.join(".") || "its inputs"}: ${issue?.message ?? "cannot be read"}`);
      return [];
    });
  }

  /** What an input refers to; ids of two stacks may be equal, then the one of the same stack is meant. A flaw if there is none. */
  referred(from: StackResource, field: string, type: string, id: string): StackResource | undefined {
    const found = this.#byId.get(`${type} ${id}`) ?? [];
    const [meant] = found.some(({ stack }) => stack === from.stack)
      ? found.filter(({ stack }) => stack === from.stack)
      : found;
    if (!meant) this.flaw(from, `${field} is ${id}, and no ${type} of the plan has that id`);
    return meant;
  }

  flaw(resource: StackResource, message: string): void {
    this.flaws.push({ origin: originOf(resource), message });
  }
}

/** A key for maps and a model id: logical names repeat over stacks and types, ids over types. */
export function keyOf({ stack, type, name }: StackResource): string {
  return `${stack} ${type} ${name}`;
}

export function flawText({ origin, message }: Flaw): string {
  return `${named(origin)}: ${message}`;
}
