/** A resource of an exported deployment, as far as waiting goes. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly parent?: string;
  /** `<urn>::<id>` of the provider instance. */
  readonly provider?: string;
  readonly dependencies?: readonly string[];
  readonly propertyDependencies?: Readonly<Record<string, readonly string[] | null>>;
}

export interface Step {
  readonly urn: string;
  /** Modelled seconds of this resource alone. */
  readonly seconds: number;
}

export interface CriticalPath {
  /** Modelled seconds until the last resource is there, everything independent done at the same time. */
  readonly seconds: number;
  /** The chain of resources that sets this time, first to last; resources that take no time are left out. */
  readonly steps: readonly Step[];
}

/**
 * The longest chain of waiting in a deployment. A resource waits for its dependencies, its parent and its provider; a
 * dependency on a component names its children in the state already. `seconds` gives each resource's own modelled time.
 */
export function criticalPath(resources: readonly StateResource[], seconds: ReadonlyMap<string, number>): CriticalPath {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const found = new Map<string, { finish: number; previous: string | undefined }>();

  const visit = (urn: string): number => {
    const known = found.get(urn);
    if (known !== undefined) return known.finish;
    const own = seconds.get(urn) ?? 0;
    // Marked before its dependencies are visited: a cycle, which the engine never writes, would end here.
    found.set(urn, { finish: own, previous: undefined });
    let start = 0;
    let previous: string | undefined;
    const resource = byUrn.get(urn);
    for (const needed of resource === undefined ? [] : waitsFor(resource)) {
      const finish = visit(needed);
      if (finish <= start && previous !== undefined) continue;
      start = Math.max(start, finish);
      previous = needed;
    }
    found.set(urn, { finish: start + own, previous });
    return start + own;
  };

  let last: string | undefined;
  let longest = 0;
  for (const { urn } of resources) {
    const finish = visit(urn);
    if (finish <= longest) continue;
    longest = finish;
    last = urn;
  }
  const steps: Step[] = [];
  for (let urn = last; urn !== undefined; urn = found.get(urn)?.previous) {
    const own = seconds.get(urn) ?? 0;
    if (own > 0) steps.unshift({ urn, seconds: own });
  }
  return { seconds: longest, steps };
}

function waitsFor(resource: StateResource): string[] {
  const needed = new Set([
    ...(resource.dependencies ?? []),
    ...Object.values(resource.propertyDependencies ?? {}).flatMap((urns) => urns ?? []),
  ]);
  if (resource.parent !== undefined) needed.add(resource.parent);
  const provider = resource.provider?.slice(0, resource.provider.lastIndexOf("::"));
  if (provider !== undefined && provider !== "") needed.add(provider);
  needed.delete(resource.urn);
  return [...needed];
}

/** Logical name: what follows the last `::` of a URN. */
export function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}
