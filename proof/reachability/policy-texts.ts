import { type CollectionTag, parseAllDocuments, type ScalarTag } from "yaml";
import { isRecord } from "../../components/config/untyped.ts";
import type { KubernetesObject } from "../rule.ts";

/** Aliases that a document may use; the yaml package counts what they unfold to, so a bomb of ten lines is refused. */
const maxAliases = 200;

/** Kubernetes' tools take these for text, or do not know them. */
const foreign = ["timestamp", "binary", "omap", "pairs", "set"].map((name) => `tag:yaml.org,2002:${name}`);
const octal: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  test: /^[-+]?0o[0-7]+$/,
  resolve: (text) => Number(text.replace(/^\+/, "")),
};

function isKubernetes(tag: CollectionTag | ScalarTag | string): boolean {
  // `1:30` is a time of day there and text here.
  return typeof tag === "string" || (!foreign.includes(tag.tag) && !("format" in tag && tag.format === "TIME"));
}

/**
 * The objects of YAML texts as `kubectl apply` reads them: YAML 1.1, in which `on` and `y` are not text. A text is read up to the first
 * document that is no YAML or no object; that one is reported.
 */
export function readPolicies(texts: readonly string[]): {
  readonly objects: readonly KubernetesObject[];
  readonly problems: readonly { readonly name: string; readonly error: string }[];
} {
  const read = texts.map((text, index) => ({ name: `policies[${index}]`, ...readText(text) }));
  return {
    objects: read.flatMap(({ objects }) => objects),
    problems: read.flatMap(({ name, error }) => (error === undefined ? [] : [{ name, error }])),
  };
}

function readText(text: string): { readonly objects: readonly KubernetesObject[]; readonly error?: string } {
  const objects: KubernetesObject[] = [];
  try {
    const documents = parseAllDocuments(text, {
      version: "1.1",
      customTags: (tags) => [...tags.filter(isKubernetes), octal],
      uniqueKeys: false,
      logLevel: "silent",
    });
    for (const document of "empty" in documents ? [] : documents) {
      const [problem] = document.errors;
      if (problem !== undefined) return { objects, error: `It is no YAML: ${problem.message.split("\n")[0]}.` };
      const value: unknown = document.toJS({ maxAliasCount: maxAliases });
      if (isRecord(value)) objects.push(value);
      else if (value !== null && value !== undefined) {
        return { objects, error: "A document is no object. Write apiVersion, kind and metadata." };
      }
    }
  } catch (error) {
    return { objects, error: `It cannot be read: ${error instanceof Error ? error.message : String(error)}.` };
  }
  return { objects };
}
