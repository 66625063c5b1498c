import type { CardCompanySpec } from "../../config/applications.ts";
import { type Application, entranceOf, tcp, tier } from "./application.ts";

/**
 * Internet -> DMZ -> application -> database, each reached by the one before it alone. The database holds card data: it opens no connection,
 * and no other policy can change that.
 */
export function cardCompany(spec: CardCompanySpec): Application {
  const dmz = tier(
    "dmz",
    spec.dmz,
    "From the internet on one port, to the application tier alone (PCI DSS 4.0.1, 1.4.2).",
  );
  const application = tier(
    "application",
    spec.application,
    "From the DMZ alone, to the database alone (PCI DSS 4.0.1, 1.3.1 and 1.3.2).",
  );
  const database = tier(
    "database",
    spec.database,
    "Card data: from the application tier alone, and no connection out (PCI DSS 4.0.1, 1.3.1, 1.3.2, 1.4.4).",
    { silent: true },
  );
  return {
    name: spec.name,
    acrossClusters: spec.acrossClusters,
    tiers: [dmz, application, database],
    conversations: [
      { from: entranceOf(spec.entrance), to: dmz, port: tcp(spec.dmz.port) },
      { from: dmz, to: application, port: tcp(spec.application.port) },
      { from: application, to: database, port: tcp(spec.database.port) },
    ],
  };
}
