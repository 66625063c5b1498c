import { isRecord, list, record } from "../../components/config/untyped.ts";

/**
 * Where two answers to one request differ: refused policies, verdicts of each query and of both of its sides, and whether a proxy takes
 * part. Reasons, rules and the wording of errors are each engine's own.
 */
export function differences(request: unknown, ours: unknown, oracles: unknown): readonly string[] {
  const queries = list(record(request).queries);
  const [mine, theirs] = [verdicts(ours), verdicts(oracles)];
  return [
    ...(record(oracles).error === undefined ? [] : [`the oracle: ${String(record(oracles).error)}`]),
    ...difference("policies", outcomes(ours), outcomes(oracles)),
    ...queries.flatMap((query, at) => difference(JSON.stringify(query), mine[at], theirs[at])),
  ];
}

function difference(what: string, ours: unknown, oracles: unknown): readonly string[] {
  const [mine, theirs] = [JSON.stringify(ours), JSON.stringify(oracles)];
  return mine === theirs ? [] : [`${what}\n  engine ${mine}\n  oracle ${theirs}`];
}

function outcomes(answer: unknown): unknown {
  return list(record(answer).policies)
    .map((policy) => `${String(record(policy).name)}: ${record(policy).error === undefined ? "loaded" : "refused"}`)
    .toSorted();
}

function verdicts(answer: unknown): readonly unknown[] {
  return list(record(answer).verdicts).map((verdict) => {
    const { error, verdict: word, l7, egress, ingress } = record(verdict);
    return error === undefined ? { verdict: word, l7, egress: side(egress), ingress: side(ingress) } : "error";
  });
}

function side(of: unknown): unknown {
  if (!isRecord(of)) return undefined;
  const { enforced, verdict, l7 } = of;
  return { enforced, verdict, l7 };
}
