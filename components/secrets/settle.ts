import { makeInterconnectSecrets, makeSiteSecrets } from "./make.ts";
import { InterconnectSecrets, SiteSecrets } from "./schema.ts";

/** A stack that keeps secrets, and what it holds of them now. */
export interface Holder {
  readonly stack: string;
  readonly kind: "site" | "interconnect";
  /** Stacks of the other members of its mesh. */
  readonly peers: readonly string[];
  /** Its decrypted secrets as JSON text; absent when it has none yet. */
  readonly present?: string;
  /** To be kept with an `existing` site. */
  readonly kubeconfig?: string;
  /** Asked for by name; others only lend what the mesh shares. */
  readonly asked: boolean;
}

/** What a stack shall hold. */
export interface Settled {
  readonly stack: string;
  readonly secrets: SiteSecrets | InterconnectSecrets;
  /** Names that are new; empty when nothing needs to be written. */
  readonly made: readonly string[];
}

/** What of a stack's secrets cannot be used. Names only, never a value. */
export class SecretsError extends Error {
  constructor(stack: string, problem: string) {
    super(`${stack}: ${problem}`);
    this.name = "SecretsError";
  }
}

const SomeSecrets = SiteSecrets.partial();
type SomeSecrets = ReturnType<typeof SomeSecrets.parse>;

/**
 * Completes the secrets of all stacks asked for. What is there stays as it is; what is missing is made; the members of one mesh get
 * one CA and one IPsec key, that of the member that has them.
 *
 * @throws SecretsError if present secrets are malformed, or two members of one mesh hold different ones.
 */
export async function settleSecrets(holders: readonly Holder[]): Promise<Settled[]> {
  const sites = new Map(
    holders.filter(({ kind }) => kind === "site").map((holder) => [holder.stack, { holder, held: readSite(holder) }]),
  );
  const settled: Settled[] = [];
  for (const holder of holders.filter(({ asked }) => asked)) {
    const site = sites.get(holder.stack);
    if (!site) {
      settled.push(settleInterconnect(holder));
      continue;
    }
    const members = membersOf(holder.stack, sites);
    const lent = { ...lentBy("ciliumCa", members), ...lentBy("ipsecKey", members) };
    const given = holder.kubeconfig === undefined ? {} : { kubeconfig: holder.kubeconfig };
    const secrets = SiteSecrets.parse({ ...(await makeSiteSecrets()), ...lent, ...site.held, ...given });
    const made = Object.keys(secrets).filter(
      (name) => !(name in site.held) || (name === "kubeconfig" && secrets.kubeconfig !== site.held.kubeconfig),
    );
    settled.push({ stack: holder.stack, secrets, made });
    // The next member of the mesh takes from this one.
    sites.set(holder.stack, { holder, held: secrets });
  }
  return settled;
}

interface Site {
  readonly holder: Holder;
  readonly held: SomeSecrets;
}

/** Everyone who is reached over peers, in either direction, by stack name. */
function membersOf(stack: string, sites: ReadonlyMap<string, Site>): Site[] {
  const reached = new Set([stack]);
  for (const name of reached) {
    for (const { holder } of sites.values()) {
      const linked = holder.peers.includes(name) || sites.get(name)?.holder.peers.includes(holder.stack);
      if (linked) reached.add(holder.stack);
    }
  }
  return [...reached].flatMap((name) => sites.get(name) ?? []);
}

/** The value that members hold under a name, if any does. */
function lentBy(name: "ciliumCa" | "ipsecKey", members: readonly Site[]): SomeSecrets {
  const [first, ...others] = members.filter(({ held }) => held[name] !== undefined);
  if (!first) return {};
  const different = others.find(({ held }) => JSON.stringify(held[name]) !== JSON.stringify(first.held[name]));
  if (different) {
    throw new SecretsError(
      different.holder.stack,
      `its ${name} differs from that of ${first.holder.stack}, and members of one mesh share one. Remove gyeongbu:secrets from the stack that was not deployed yet, and run this again.`,
    );
  }
  return { [name]: first.held[name] };
}

function settleInterconnect({ present, stack }: Holder): Settled {
  if (present === undefined) return { stack, secrets: makeInterconnectSecrets(), made: ["tunnelKeys"] };
  const parsed = InterconnectSecrets.safeParse(readJson(stack, present));
  if (parsed.success) return { stack, secrets: parsed.data, made: [] };
  throw malformed(stack, parsed.error.issues);
}

function readSite({ present, stack }: Holder): SomeSecrets {
  if (present === undefined) return {};
  const parsed = SomeSecrets.safeParse(readJson(stack, present));
  if (parsed.success) return parsed.data;
  throw malformed(stack, parsed.error.issues);
}

function readJson(stack: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new SecretsError(stack, "gyeongbu:secrets is not JSON. Remove the key, and run this again.");
  }
}

function malformed(stack: string, issues: readonly { readonly path: readonly PropertyKey[] }[]): SecretsError {
  const names = [...new Set(issues.map(({ path }) => (path.length > 0 ? path.map(String).join(".") : "its shape")))];
  return new SecretsError(
    stack,
    `gyeongbu:secrets has the wrong shape at ${names.join(", ")} (components/secrets/schema.ts). Mend it there; nothing was written.`,
  );
}
