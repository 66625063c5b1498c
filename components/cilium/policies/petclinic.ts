import type { PetclinicSpec } from "../../config/applications.ts";
import { type Application, entranceOf, httpRules, tcp, tier } from "./application.ts";

/** WEB -> WAS -> MySQL in one namespace. Each arrow is two entries: the callee's ingress, and the caller's egress, which default deny asks for too. */
export function petclinic(spec: PetclinicSpec): Application {
  const web = tier("web", spec.web, "From users, to the application servers alone.");
  const was = tier("was", spec.was, "From the web servers alone, to MySQL alone.");
  const database = tier("db", spec.database, "From the application servers alone, and no connection out.", {
    silent: true,
  });
  return {
    name: spec.name,
    acrossClusters: spec.acrossClusters,
    tiers: [web, was, database],
    conversations: [
      { from: entranceOf(spec.entrance), to: web, port: tcp(spec.web.port) },
      {
        from: web,
        to: was,
        port: tcp(spec.was.port),
        ...(spec.requests.length > 0 ? { rules: httpRules(spec.requests) } : {}),
      },
      { from: was, to: database, port: tcp(spec.database.port) },
    ],
  };
}
