import { readFileSync } from "node:fs";
import { ciliumMinors } from "../components/cilium/versions.ts";
import type { Finding } from "../components/config/finding.ts";
import { readNamed, readStack } from "../components/config/read.ts";
import type { SiteSpec } from "../components/config/schema.ts";
import { ownRangesOf, siteEnforcement } from "../proof/flows/enforcements.ts";
import type { Enforcement } from "../proof/flows/judge.ts";
import type { OwnRange } from "../proof/flows/missing-rules.ts";
import { loadPolicies } from "../proof/reachability/load.ts";
import { readPolicies } from "../proof/reachability/policy-texts.ts";
import type { KubernetesObject } from "../proof/rule.ts";
import { command, found, Unusable, unreadable } from "./reach-findings.ts";

/** What `--policies`, `--namespace`, `--cluster`, `--cilium` and the stacks say. */
export interface Asked {
  readonly folder: string;
  readonly stacks: readonly string[];
  readonly files: readonly string[];
  readonly namespaces: readonly string[];
  readonly cluster?: string;
  /** Minor or exact version. */
  readonly cilium?: string;
}

/** The policies of each cluster as they shall be enforced, and whose addresses are pods'. */
export interface Wanted {
  readonly enforcements: readonly Enforcement[];
  readonly ownRanges: readonly OwnRange[];
}

/** Reads what is asked for. @throws Unusable where it cannot be used. */
export function wanted(asked: Asked): Wanted {
  const objects = asked.files.flatMap(readPolicyFile);
  if (asked.stacks.length > 0) {
    const members = asked.stacks.map((stack) => readMember(asked.folder, stack, objects.length > 0));
    return {
      enforcements: members.map(({ file, peers, site }) =>
        accepted(siteEnforcement(site, peers, asked.namespaces, objects), file),
      ),
      ownRanges: ownRangesOf([
        ...new Map(members.flatMap(({ peers, site }) => [site, ...peers]).map((each) => [each.name, each])).values(),
      ]),
    };
  }
  if (objects.length === 0) {
    const message = "It is not said which policies shall be enforced.";
    throw new Unusable([found("GB-2325", command, message, "Name a stack, or files behind --policies.")]);
  }
  if (asked.namespaces.length > 0) {
    const message = "--namespace chooses among a stack's policies, and no stack is named; files mean what they say.";
    throw new Unusable([found("GB-2329", command, message, "Name a stack, or leave --namespace out.")]);
  }
  return { enforcements: [ofFiles(objects, asked.cluster ?? "default", asked.cilium)], ownRanges: [] };
}

/** Policies from files alone, for the cluster of this name. */
export function ofFiles(objects: readonly KubernetesObject[], cluster: string, cilium?: string): Enforcement {
  const version = cilium ?? ciliumMinors.at(-1)?.newest ?? "";
  const minor = ciliumMinors.find((each) => version === each.minor || version.startsWith(`${each.minor}.`));
  if (minor === undefined) {
    const known = ciliumMinors.map((each) => each.minor).join(", ");
    const message = `--cilium ${version} cannot be judged.`;
    throw new Unusable([found("GB-2329", command, message, `Write a version of ${known}.`)]);
  }
  const options = {
    cluster,
    enablePolicy: "default",
    // Cilium took a selector without a cluster for the local one from 1.19 on.
    policyDefaultLocalCluster: minor.minor !== "1.18",
    hostFirewall: false,
    version,
  } as const;
  return accepted({ options, loaded: loadPolicies(objects, options) }, "--policies");
}

interface Member {
  readonly file: string;
  readonly site: SiteSpec;
  /** The other members of its mesh. */
  readonly peers: readonly SiteSpec[];
}

/** @param further  There are policies beside the site's own. */
function readMember(folder: string, stack: string, further: boolean): Member {
  const parsed = readStack(folder, stack);
  if ("findings" in parsed) throw new Unusable(parsed.findings);
  const own = parsed.stack;
  const refuse = (message: string, fix: string) => new Unusable([found("GB-2326", own.file, message, fix)]);
  if (own.kind !== "site") throw refuse(`It holds gyeongbu:${own.kind}, which has no policies.`, "Name a site.");
  if (!own.spec.policies && !further) {
    throw refuse("The site has no policies.", "Write gyeongbu:site.policies, or name files behind --policies.");
  }
  const { version } = own.spec.cilium;
  if (!ciliumMinors.some(({ minor }) => version.startsWith(`${minor}.`))) {
    throw refuse(`Cilium ${version} cannot be judged.`, "Run npm run plan, which names the versions that can.");
  }
  const { others, findings } = readNamed(folder, own);
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Unusable(errors);
  return {
    file: own.file,
    site: own.spec,
    peers: others.flatMap((other): SiteSpec[] => (other.kind === "site" ? [other.spec] : [])),
  };
}

/** A policy that does not act would make a report that says too little. */
function accepted(enforcement: Enforcement, file: string): Enforcement {
  const findings = enforcement.loaded.outcomes.flatMap(({ name, error }): Finding[] =>
    error === undefined
      ? []
      : [
          found(
            "GB-2324",
            file,
            `Policy ${name} would be refused: ${error}`,
            "Correct it; npm run check judges policies in files.",
          ),
        ],
  );
  if (findings.length > 0) throw new Unusable(findings);
  return enforcement;
}

/** The Kubernetes objects of a file. */
export function readPolicyFile(file: string): readonly KubernetesObject[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(error, file);
  }
  const { objects, problems } = readPolicies([text]);
  if (problems.length > 0) {
    throw new Unusable(
      problems.map(({ error }) => found("GB-2323", file, `It cannot be read as YAML: ${error}`, "Correct the file.")),
    );
  }
  if (objects.length === 0)
    throw new Unusable([found("GB-2323", file, "It holds no policy.", "Name a file that holds one.")]);
  return objects;
}
