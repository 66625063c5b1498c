import type { BrokerageSpec } from "../../config/applications.ts";
import { type Application, entranceOf, httpRules, type Outside, type Tier, tcp, tier } from "./application.ts";

/**
 * Web servers and order entry in front of the trading APIs, each API open for listed requests only; batch to the core bank's addresses; one
 * service account for administration; databases without a way out.
 */
export function brokerage(spec: BrokerageSpec): Application {
  const { requests } = spec;
  const web = tier("web", spec.web, "From users, to what the APIs let them read and pay.");
  const orderEntry = tier(
    "order-entry",
    spec.orderEntry,
    "From users, to the order API: the only one that places orders.",
  );
  const order = tier("order", spec.order, "Orders are read by the web servers and placed by order entry.");
  const quote = tier("quote", spec.quote, "Quotes are read by the web servers.");
  const account = tier("account", spec.account, "Balances are read by the web servers, on behalf of a named customer.");
  const payment = tier(
    "payment",
    spec.payment,
    "Payments come from the web servers; the only one that reads card data.",
  );
  const batch = tier("batch", spec.batch, "To the core bank's addresses and the trading database; nobody calls it.");
  const database = tier("db", spec.database, "From the trading APIs and batch alone, and no connection out.", {
    silent: true,
  });
  const cards = tier("card-db", spec.cardDatabase, "Card data: from payment alone, and no connection out.", {
    silent: true,
  });
  const admin: Tier = {
    ...tier(
      "admin",
      { namespace: spec.admin.namespace, labels: {} },
      "Administration by service account, on the APIs' admin paths.",
    ),
    serviceAccount: spec.admin.serviceAccount,
  };
  const users = entranceOf(spec.entrance);
  const coreBanking: Outside = { kind: "blocks", name: "core-banking", cidrs: spec.coreBanking.cidrs };
  const apis = [
    [order, spec.order.port],
    [quote, spec.quote.port],
    [account, spec.account.port],
  ] as const;
  return {
    name: spec.name,
    acrossClusters: spec.acrossClusters,
    tiers: [web, orderEntry, order, quote, account, payment, batch, database, cards, admin],
    conversations: [
      { from: users, to: web, port: tcp(spec.web.port) },
      { from: users, to: orderEntry, port: tcp(spec.orderEntry.port) },
      { from: web, to: order, port: tcp(spec.order.port), rules: httpRules(requests.order) },
      { from: orderEntry, to: order, port: tcp(spec.order.port), rules: httpRules(requests.orderEntry) },
      { from: web, to: quote, port: tcp(spec.quote.port), rules: httpRules(requests.quote) },
      { from: web, to: account, port: tcp(spec.account.port), rules: httpRules(requests.account) },
      { from: web, to: payment, port: tcp(spec.payment.port), rules: httpRules(requests.payment) },
      ...apis.map(([api, port]) => ({ from: admin, to: api, port: tcp(port), rules: httpRules(requests.admin) })),
      ...[...apis.map(([api]) => api), batch].map((from) => ({ from, to: database, port: tcp(spec.database.port) })),
      { from: payment, to: cards, port: tcp(spec.cardDatabase.port) },
      { from: batch, to: coreBanking, port: tcp(spec.coreBanking.port) },
    ],
  };
}
