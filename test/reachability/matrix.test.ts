import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Direction } from "../../proof/reachability/entry.ts";
import { matrix } from "../../proof/reachability/matrix.ts";
import type { Party } from "../../proof/reachability/party.ts";
import { describePorts, holdsPort, lastPort, portNumber, protocols } from "../../proof/reachability/port-sets.ts";
import type { Reachability } from "../../proof/reachability/reachability.ts";
import { anyEntry, entry, everybody, labels, pod, reach, tcp } from "./worlds.ts";

/** Ports where rules of `anyEntry` begin, end, or have nothing to say. */
const ports = [0, 1, 8, 9, 79, 80, 90, 91, 443, 7999, 8000, 8080, 8443, 9001, 65_535];

function openBetween(clusters: readonly [Reachability, ...Reachability[]], from: Party, to: Party): string {
  const { parties, cell, portSets } = matrix(clusters);
  return describePorts(portSets[cell(parties.indexOf(from), parties.indexOf(to))] ?? []);
}

describe("the matrix", () => {
  const [web, api, db] = [pod("web"), pod("api"), pod("db")];
  const callApi = entry({
    direction: "egress",
    subject: labels("app=web"),
    peers: [labels("app=api")],
    ports: tcp(80, 443),
  });
  const fromWeb = entry({ subject: labels("app=api"), peers: [labels("app=web")], ports: tcp(443, 8080) });

  test("holds what both ends let pass", () => {
    const reachability = reach([callApi, fromWeb], [web, api, db]);
    expect(openBetween([reachability], web, api)).toBe("TCP 443");
    expect(openBetween([reachability], api, web)).toBe("everything");
    expect(openBetween([reachability], db, api)).toBe("nothing");
    expect(openBetween([reachability], web, db)).toBe("nothing");
  });

  test("asks for each end the policies of its own cluster", () => {
    const remote = pod("api", {}, { cluster: "busan" });
    const parties = [web, remote];
    const seoul = reach([callApi], parties);
    const busan = reach([fromWeb], parties, { cluster: "busan" });
    expect(openBetween([seoul], web, remote)).toBe("TCP 80, 443");
    expect(openBetween([busan], web, remote)).toBe("TCP 443, 8080");
    expect(openBetween([seoul, busan], web, remote)).toBe("TCP 443");
    expect(openBetween([busan, seoul], web, remote)).toBe("TCP 443");
  });

  test("agrees with every single packet, under any policies", () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 6 }), (entries) => {
        const parties = everybody();
        const reachability = reach(entries, parties);
        const { cell, portSets } = matrix([reachability]);
        const allows = (
          direction: Direction,
          subject: Party,
          peer: Party,
          traffic: Parameters<Reachability["side"]>[3],
        ) => reachability.side(direction, subject, peer, traffic).verdict === "allowed";
        for (const [from, sender] of parties.entries()) {
          for (const [to, receiver] of parties.entries()) {
            const open = portSets[cell(from, to)] ?? [];
            for (const protocol of protocols.slice(0, 5)) {
              for (const port of ports.filter((each) => each <= lastPort(protocol))) {
                const traffic = { protocol, port };
                const passes =
                  allows("egress", sender, receiver, traffic) && allows("ingress", receiver, sender, traffic);
                expect(holdsPort(open, portNumber(protocol, port))).toBe(passes);
              }
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
