import { parseAllDocuments, stringify } from "yaml";
import { isRecord } from "../../components/config/untyped.ts";
import type { RandomRequest } from "./random-requests.ts";

/**
 * The least of a request that still makes a difference: whatever can go goes, list item by list item and key by key, as long as
 * `differs` holds. fast-check shrinks the choices that made a request; this shrinks what they came to.
 */
export async function minimal(
  request: RandomRequest,
  differs: (request: RandomRequest) => Promise<boolean>,
): Promise<RandomRequest> {
  const documents = request.policies.flatMap((text) =>
    parseAllDocuments(text).map((document): unknown => document.toJS()),
  );
  const asRequest = (tree: unknown): RandomRequest | undefined => {
    if (!isRecord(tree) || !Array.isArray(tree.documents)) return undefined;
    const { documents: kept, endpoints, queries, options } = tree;
    if (!Array.isArray(endpoints) || !Array.isArray(queries) || queries.length === 0 || !isRecord(options))
      return undefined;
    return { policies: kept.map((document) => stringify(document)), endpoints, queries, options };
  };
  let best: unknown = { ...request, policies: undefined, documents };
  for (let shrunk = true; shrunk; ) {
    shrunk = false;
    for (const smaller of smallerTrees(best)) {
      const candidate = asRequest(smaller);
      if (candidate === undefined || !(await differs(candidate).catch(() => false))) continue;
      best = smaller;
      shrunk = true;
      break;
    }
  }
  return asRequest(best) ?? request;
}

/** The tree without one of its parts, outer parts first. */
function* smallerTrees(tree: unknown): Generator<unknown> {
  if (Array.isArray(tree)) {
    for (const index of tree.keys()) yield tree.toSpliced(index, 1);
    for (const [index, inner] of tree.entries())
      for (const smaller of smallerTrees(inner)) yield tree.with(index, smaller);
  } else if (isRecord(tree)) {
    for (const key of Object.keys(tree)) {
      const { [key]: _, ...rest } = tree;
      yield rest;
    }
    for (const [key, inner] of Object.entries(tree))
      for (const smaller of smallerTrees(inner)) yield { ...tree, [key]: smaller };
  }
}
