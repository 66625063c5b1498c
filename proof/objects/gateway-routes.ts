import { closest } from "../../components/cilium/chart-keys.ts";
import { list, record } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import { attachment } from "./gateway-attachment.ts";
import { ruleProblems } from "./gateway-filters.ts";
import { gatewayGroup, routeKinds } from "./gateway-objects.ts";
import { flaw, objectsOf, type Placed, records, shown, text, words } from "./objects.ts";

type Item = Readonly<Record<string, unknown>>;
type Steps = readonly (string | number)[];

const routes = (subject: ObjectsSubject) => objectsOf(subject, gatewayGroup, routeKinds);

/** Every backend reference of a route: those of its rules and those of mirrors. */
function backends(placed: Placed): { readonly path: Steps; readonly ref: Item }[] {
  const mirrors = (filters: unknown, path: Steps) =>
    records(filters).flatMap(({ at, item }) => {
      const { backendRef } = record(item.requestMirror);
      return backendRef === undefined
        ? []
        : [{ path: [...path, "filters", at, "requestMirror", "backendRef"], ref: record(backendRef) }];
    });
  return records(placed.spec.rules).flatMap(({ at, item }) => {
    const path = ["spec", "rules", at];
    return [
      ...mirrors(item.filters, path),
      ...records(item.backendRefs).flatMap((ref) => [
        { path: [...path, "backendRefs", ref.at], ref: ref.item },
        ...mirrors(ref.item.filters, [...path, "backendRefs", ref.at]),
      ]),
    ];
  });
}

const isService = ({ kind, group }: Item) => (kind ?? "Service") === "Service" && (group ?? "") === "";

export const gatewayRouteRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1411",
    severity: "error",
    title: "Filters, matches and timeouts of a route's rule go together.",
    korean: "라우트 규칙의 필터, 매치, 타임아웃은 서로 맞아야 합니다.",
    reason:
      "The API server refuses the route (kubernetes-sigs/gateway-api apis/v1/httproute_types.go, validation rules).",
    check: (subject) =>
      routes(subject).flatMap((placed) => records(placed.spec.rules).flatMap((rule) => ruleProblems(placed, rule))),
  },
  {
    code: "GB-1412",
    severity: "error",
    title: "A route's backends have a port, and one that the Service has.",
    korean: "라우트의 백엔드에는 포트가 있어야 하고, 그 서비스에 있는 포트여야 합니다.",
    reason:
      "A reference to a Service without a port is refused; with a port that the Service does not have, requests get 500. It is the Service's port, not the container's (kubernetes-sigs/gateway-api apis/v1/object_reference_types.go).",
    check: (subject) => {
      const services = Map.groupBy(
        objectsOf(subject, "", ["Service"]),
        ({ name, namespace }) => `${namespace ?? ""}/${name}`,
      );
      return routes(subject).flatMap((placed) =>
        backends(placed)
          .filter(({ ref }) => (ref.group ?? "") === "")
          .flatMap(({ path, ref }) => {
            if (!isService(ref)) {
              const fix = `Take kind out for a Service${ref.kind === "ServiceImport" ? ", or write group: multicluster.x-k8s.io" : ""}.`;
              return [flaw(placed, [...path, "kind"], `A route cannot send to a ${shown(ref.kind)}.`, fix)];
            }
            if (ref.port === undefined) {
              return [
                flaw(placed, path, `Backend ${text(ref.name)} has no port.`, "Write port, the number in the Service."),
              ];
            }
            const namespace = text(ref.namespace) || (placed.namespace ?? "");
            const found = services.get(`${namespace}/${text(ref.name)}`) ?? [];
            const ports = found.flatMap(({ spec }) => records(spec.ports).map(({ item }) => item.port));
            return ports.length === 0 || ports.includes(ref.port)
              ? []
              : [
                  flaw(
                    placed,
                    [...path, "port"],
                    `Service ${text(ref.name)} has no port ${shown(ref.port)}, only ${ports.map(shown).join(", ")}.`,
                    `Write port: ${shown(ports[0])}.`,
                  ),
                ];
          }),
      );
    },
  },
  {
    code: "GB-1413",
    severity: "warning",
    title: "A rule's weights leave traffic for at least one backend.",
    korean: "규칙의 weight 합은 0이 아니어야 합니다.",
    reason:
      "With a sum of 0 every request of the rule gets an error (kubernetes-sigs/gateway-api apis/v1/shared_types.go, weight).",
    check: (subject) =>
      routes(subject).flatMap((placed) =>
        records(placed.spec.rules)
          .filter(({ item }) => {
            const refs = records(item.backendRefs);
            return refs.length > 0 && refs.every((ref) => ref.item.weight === 0);
          })
          .map(({ at }) =>
            flaw(
              placed,
              ["spec", "rules", at, "backendRefs"],
              "All weights are 0, so every request gets an error.",
              "Write a weight of 1 or more for one of them.",
            ),
          ),
      ),
  },
  {
    code: "GB-1414",
    severity: "error",
    title: "A route is attached to a listener that takes it.",
    korean: "라우트는 그 라우트를 받는 리스너에 붙어야 합니다.",
    reason:
      "A route with a wrong section, port, host name or namespace is accepted and carries nothing (kubernetes-sigs/gateway-api apis/v1/shared_types.go, ParentReference).",
    check: (subject) => routes(subject).flatMap((placed) => unattached(subject, placed)),
  },
  {
    code: "GB-1417",
    severity: "warning",
    title: "A route names its parents.",
    korean: "라우트에는 parentRefs가 있어야 합니다.",
    reason:
      "Without parentRefs it is attached to nothing (kubernetes-sigs/gateway-api apis/v1/shared_types.go, CommonRouteSpec).",
    check: (subject) =>
      routes(subject)
        .filter(
          ({ spec }) => list(spec.parentRefs).length === 0 && "rules" in spec && spec.useDefaultGateways === undefined,
        )
        .map((placed) =>
          flaw(
            placed,
            ["spec"],
            `${placed.kind} ${placed.name} has no parentRefs, so it is attached to nothing.`,
            "Write parentRefs: [{name: ...}] with the name of a Gateway.",
          ),
        ),
  },
  {
    code: "GB-1415",
    severity: "warning",
    title: "Paths have no wildcards outside of regular expressions.",
    korean: "정규식이 아닌 경로에는 와일드카드를 쓰지 않습니다.",
    reason:
      "Exact and PathPrefix compare literally: /api/* matches only paths with an asterisk (kubernetes-sigs/gateway-api apis/v1/httproute_types.go).",
    check: (subject) =>
      objectsOf(subject, gatewayGroup, ["HTTPRoute"]).flatMap((placed) =>
        records(placed.spec.rules).flatMap(({ at, item }) =>
          records(item.matches).flatMap((match) => {
            const { type, value } = record(match.item.path);
            return type !== "RegularExpression" && /[*^$]|\.\+|\\/.test(text(value))
              ? [
                  flaw(
                    placed,
                    ["spec", "rules", at, "matches", match.at, "path", "value"],
                    `${text(value)} is compared literally.`,
                    `Write ${text(value).replace(/\/?[*.^$\\+]+$/, "") || "/"} with type: PathPrefix, or type: RegularExpression.`,
                  ),
                ]
              : [];
          }),
        ),
      ),
  },
  {
    code: "GB-1416",
    severity: "error",
    title: "Every backend of a route exists.",
    korean: "라우트의 백엔드 서비스는 실제로 있어야 합니다.",
    reason:
      "Requests get 500 (Gateway API, ResolvedRefs). A name in another namespace also needs a ReferenceGrant there.",
    check: (subject) => {
      if (!subject.complete) return [];
      const services = objectsOf(subject, "", ["Service"]);
      const grants = objectsOf(subject, gatewayGroup, ["ReferenceGrant"]);
      return routes(subject).flatMap((placed) =>
        backends(placed)
          .filter(({ ref }) => isService(ref))
          .flatMap(({ path, ref }) => {
            const namespace = text(ref.namespace) || placed.namespace;
            const names = services.filter((service) => service.namespace === namespace).map(({ name }) => name);
            if (!names.includes(text(ref.name))) {
              const near = closest(text(ref.name), names, 3);
              return [
                flaw(
                  placed,
                  [...path, "name"],
                  `There is no Service ${text(ref.name)} in ${namespace ?? "the route's namespace"}.`,
                  near === undefined
                    ? `Create it${names.length > 0 ? `, or write ${words(names)}` : ""}.`
                    : `Write ${near}.`,
                ),
              ];
            }
            const granted = grants.some(
              (grant) =>
                grant.namespace === namespace &&
                records(grant.spec.from).some(
                  ({ item }) => item.kind === placed.kind && item.namespace === placed.namespace,
                ) &&
                records(grant.spec.to).some(
                  ({ item }) => item.kind === "Service" && (item.name ?? ref.name) === ref.name,
                ),
            );
            return namespace === placed.namespace || granted
              ? []
              : [
                  flaw(
                    placed,
                    [...path, "namespace"],
                    `No ReferenceGrant in ${namespace ?? ""} lets ${placed.kind}s of ${placed.namespace ?? ""} use Service ${text(ref.name)}.`,
                    `Create one there, from ${placed.kind} of ${placed.namespace ?? ""} to Service.`,
                  ),
                ];
          }),
      );
    },
  },
];

/** What keeps a route from its parents. A host name only has to fit one of them. */
function unattached(subject: ObjectsSubject, placed: Placed): Violation[] {
  const found = records(placed.spec.parentRefs).map(({ at, item }) => attachment(subject, placed, at, item));
  const byName = ({ path }: Violation) => path.at(-1) === "hostnames";
  const fits = found.some((problems) => problems.length === 0);
  const [first] = found.flat().filter(byName);
  return [...found.flat().filter((problem) => !byName(problem)), ...(first === undefined || fits ? [] : [first])];
}
