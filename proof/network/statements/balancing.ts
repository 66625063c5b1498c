import { usesLocalProxy } from "../../../components/network/plan.ts";
import { ports } from "../../../components/network/ports.ts";
import { addressNumber, addressText } from "../blocks.ts";
import type { Endpoint } from "../endpoints.ts";
import type { FrontEnd, Target } from "../model.ts";
import { failure, passage, text } from "../pairs.ts";
import type { Network, NetworkStatement } from "../prove.ts";
import { isEmpty, traffic, trafficText, without } from "../traffic.ts";
import { first, sum, topicOf } from "./reach.ts";

export const balancing: NetworkStatement = {
  code: "GB-1904",
  severity: "error",
  title: "The API and mesh endpoints answer their clients through the load balancers, from every target behind them.",
  korean: "API와 메시 엔드포인트는 로드밸런서를 거쳐 뒤에 있는 모든 대상에서 클라이언트에게 응답합니다.",
  reason:
    "A target that is not registered, or that its firewall hides from the balancer, is found on the day the others fail (docs.aws.amazon.com/elasticloadbalancing network, learn.microsoft.com/azure/load-balancer).",
  check: (network) => {
    const clients = network.pairs.filter(
      (pair) => pair.to.kind === "load-balancer" && !isEmpty(pair.required) && topicOf(pair) === "balancing",
    );
    const backends = network.pairs.filter(
      (pair) => pair.from.kind === "load-balancer" && !isEmpty(pair.required) && speaks(network, pair.from),
    );
    const balancers = network.classes.flatMap(({ members }) => members).filter(({ kind }) => kind === "load-balancer");
    return {
      facts: {
        frontEnds: network.paths.model.frontEnds.length,
        targets: network.paths.model.frontEnds.reduce((total, { targets }) => total + targets.length, 0),
        pairs: sum(clients) + sum(backends),
      },
      counterexample:
        first(clients, (pair) => failure(pair, network.paths)) ??
        first(backends, (pair) => failure(pair, network.paths)) ??
        first(balancers, (balancer) => registration(network, balancer)) ??
        first(clients, ({ from, to }) => answers(network, from, to)),
    };
  },
};

/** Balancers that show targets the client's address send nothing of their own. */
function speaks({ paths }: Network, { port }: Endpoint): boolean {
  return paths.model.frontEnds.some((frontEnd) => frontEnd.port === port?.id && frontEnd.source === "own");
}

const isApi = ({ own }: Endpoint) => own.includes("api-load-balancer");

function frontEndsOf({ paths }: Network, balancer: Endpoint): FrontEnd[] {
  const number = isApi(balancer) ? ports.api.frontend : ports.mesh.frontend;
  return paths.model.frontEnds.filter((each) => each.port === balancer.port?.id && each.number === number);
}

/** Whether a balancer listens, and hands on to exactly the slots that serve. */
function registration(network: Network, balancer: Endpoint): string | undefined {
  const spec = network.tables.get(balancer.site)?.site;
  if (spec?.platform === "existing" || !spec) return undefined;
  const [frontEnd, second] = frontEndsOf(network, balancer);
  const number = isApi(balancer) ? ports.api.frontend : ports.mesh.frontend;
  if (!frontEnd || second)
    return `${balancer.label}: ${frontEnd ? "two listeners take" : "nothing listens on"} tcp ${number}`;
  const backend = isApi(balancer) ? ports.api.backend : ports.mesh.backend;
  const role = isApi(balancer) ? "control-plane" : "worker";
  if (spec.platform === "on-prem")
    return frontEnd.targets.length > 0 ? undefined : `${frontEnd.label}: no node announces it`;
  const serving = network.classes
    .flatMap(({ members }) => members)
    .filter(({ kind, site, own }) => kind === "node" && site === balancer.site && own.includes(role));
  const missing = serving.find(
    ({ addresses }) =>
      !frontEnd.targets.some(({ address, number: to }) => addressNumber(address) === addresses.first && to === backend),
  );
  if (missing) return `${frontEnd.label}: ${missing.label} is not a target on port ${backend}`;
  const extra = frontEnd.targets.find(
    ({ address, number: to }) =>
      to !== backend || !serving.some(({ addresses }) => addresses.first === addressNumber(address)),
  );
  return extra && `${frontEnd.label}: target ${extra.address}:${extra.number} serves nothing of the kind`;
}

/** Walks a client's request from the balancer to every kind of target, where the target sees the client itself. */
function answers(network: Network, client: Endpoint, balancer: Endpoint): string | undefined {
  const seen = new Set<unknown>();
  for (const frontEnd of frontEndsOf(network, balancer)) {
    for (const target of frontEnd.targets) {
      const alike = classOf(network, target, balancer.site);
      if (frontEnd.source === "own" || (alike && seen.has(alike))) continue;
      seen.add(alike);
      const lost = answer(network, client, balancer, frontEnd, target);
      if (lost) return lost;
    }
  }
  return undefined;
}

function classOf({ classes }: Network, { address }: Target, site: string): unknown {
  const number = addressNumber(address);
  return classes.find(({ members }) =>
    members.some((member) => member.kind === "node" && member.site === site && member.addresses.first === number),
  );
}

function answer(
  { paths, tables }: Network,
  client: Endpoint,
  balancer: Endpoint,
  frontEnd: FrontEnd,
  target: Target,
): string | undefined {
  const [source, own] = [client.addresses.first, addressNumber(target.address) ?? 0];
  const what = `${client.label} -> ${frontEnd.label} -> ${target.address}:${target.number}`;
  const port = balancer.port && paths.portAt(balancer.port.network, own);
  if (!port) return `${what}: dropped: no interface has ${target.address}`;
  if (port === client.port)
    return hairpin(tables, client) ? `${what}: dropped: the balancer would answer it with its own address` : undefined;
  const leg = paths.arrive(port, source, `${frontEnd.label} hands on ${addressText(source)} -> ${target.address}`);
  const wanted = traffic("tcp", [target.number, target.number]);
  const shut = without(wanted, passage(leg.checks, paths));
  if (leg.end.kind !== "port") return `${what}: ${text(leg)}`;
  if (!isEmpty(shut)) {
    const filters = port.filters.map((filter) => paths.model.filters.get(filter)?.label ?? filter).join(", ");
    return `${what}: ${leg.hops.join("; ")}; dropped: ${filters} at ${port.label} has no ingress rule for ${trafficText(shut)} from ${addressText(source)}`;
  }
  for (const back of paths.send(port, own, source)) {
    if (back.end.kind !== "port" || back.end.port !== client.port) return `answer to ${what}: ${text(back)}`;
  }
  return undefined;
}

/** Nodes with a proxy of their own never dial the balancer. */
function hairpin(tables: Network["tables"], client: Endpoint): boolean {
  const spec = tables.get(client.site)?.site;
  if (!spec || spec.platform === "existing") return false;
  return !usesLocalProxy(spec, { role: client.own.includes("control-plane") ? "control-plane" : "worker" });
}
