import { closest } from "../../components/cilium/chart-keys.ts";
import { isRecord, list } from "../../components/config/untyped.ts";
import type { Fields } from "./policy-view.ts";
import { asText, record, shown } from "./policy-view.ts";

/** What a reader should know about a field that Cilium does not have. */
export interface Hint {
  readonly message: string;
  readonly fix: string;
}

/** A field that is no field, where it stands. */
export interface Misplaced {
  readonly field: string;
  readonly value: unknown;
  /** What it stands in. */
  readonly parent: Fields;
  /** Path of the parent with `#` for indices: `spec.ingress.#.toPorts.#`. */
  readonly place: string;
  /** The fields that exist there. */
  readonly known: readonly string[];
}

type Say = (found: Misplaced) => Hint;
interface Known {
  readonly place: RegExp;
  readonly field: RegExp;
  readonly say: Say;
}

const dropped = "Kubernetes drops it";
const httpRule = /\.http\.#$/;
const selector = /\.(endpointSelector|nodeSelector|(from|to)(Endpoints|Nodes)\.#|selector|cidrGroupSelector)$/;
const peer = /\.(from|to)(Endpoints|Nodes)\.#$/;
const entry = /(^|\.)(ingress|egress)(Deny)?\.#$/;
const rule = /^(spec|specs\.#)$/;

/** `GET /admin`, as far as an HTTP rule says. */
function request({ method, path }: Fields): string {
  return [method ?? "every method on", path ?? "every path"].map(asText).join(" ");
}

function emptied({ parent, known }: Misplaced): boolean {
  return !Object.keys(parent).some((field) => known.includes(field));
}

/** What is left of a selector without the fields that do not exist. */
function selectorLeft(found: Misplaced): string {
  const whose = /[nN]ode/.test(found.place)
    ? "every node"
    : found.place.endsWith(".cidrGroupSelector")
      ? "everyone, pods and nodes too"
      : "every pod of the policy's own namespace (of a cluster-wide one: every pod)";
  return emptied(found) ? `, and the empty selector that is left means ${whose}` : "";
}

/** What becomes of \`rules\` without the fields that do not exist: the CRD refuses empty ones. */
function rulesLeft(found: Misplaced): string {
  return emptied(found)
    ? `${dropped} and refuses the policy for the empty rules that are left`
    : `${dropped}, so it restricts nothing`;
}

/** What an entry does once the fields that do not exist are gone. */
function entryLeft({ place, parent, known }: Misplaced): string {
  const left = Object.keys(parent).filter((field) => known.includes(field));
  const peers = left.some((field) => /^(from|to)[A-Z]/.test(field) && field !== "toPorts");
  if (peers) return "";
  const [verb, whom] = place.includes("Deny") ? ["refuses", "everyone"] : ["is open to", "everyone"];
  return left.includes("toPorts") || left.includes("icmps")
    ? `, and without peers the entry ${verb} ${whom} on its ports`
    : ", and the empty entry that is left allows nothing";
}

const hints: readonly Known[] = [
  {
    place: httpRule,
    field: /^(action|verdict|deny|allow|effect)$/i,
    say: ({ field, value, parent }) => ({
      message: `\`${field}: ${shown(value)}\` in an HTTP rule is not a field: ${dropped}, and the rule ALLOWS ${request(parent)}.`,
      fix: "Delete this HTTP rule: what no rule lists is refused with 403. To refuse a whole port use ingressDeny, which has no HTTP rules.",
    }),
  },
  {
    place: /\.(http|dns|kafka|l7)\.#$/,
    field: /^(action|verdict|deny|allow|effect)$/i,
    say: ({ field, value }) => ({
      message: `\`${field}: ${shown(value)}\` is not a field of an L7 rule: ${dropped}, and the rule ALLOWS what it lists.`,
      fix: "Delete this rule: what no rule lists is refused.",
    }),
  },
  {
    place: httpRule,
    field: /^(rateLimit|rate|limit|requestsPerSecond)/i,
    say: ({ field }) => ({
      message: `\`${field}\` is not a field: a network policy cannot limit rates, so nothing is limited.`,
      fix: "Delete it; limit rates in a CiliumEnvoyConfig (envoy.filters.http.local_ratelimit) or in the application.",
    }),
  },
  {
    place: /\.rules$/,
    field: /^grpc$/i,
    say: (found) => ({
      message: `\`${found.field}\` is not an L7 protocol of Cilium: ${rulesLeft(found)}.`,
      fix: "Write gRPC as HTTP: rules.http with method: POST and path: /package.Service/Method.",
    }),
  },
  {
    place: /\.rules$/,
    field: /^(kafka|l7|l7proto)$/,
    say: (found) => ({
      message: `\`${found.field}\` left Cilium with 1.20: ${rulesLeft(found)}, and one that is already stored now opens its port to every request.`,
      fix: "Delete the rules and allow the port (L4); restrict topics with Kafka's own ACLs.",
    }),
  },
  {
    place: /\.rules$/,
    field: /./,
    say: (found) => ({
      message: `\`${found.field}\` is not an L7 protocol of Cilium: ${rulesLeft(found)}.`,
      fix:
        closest(found.field, found.known) === undefined
          ? "Cilium reads http and dns here; for anything else delete the rules and allow the port."
          : `Write ${closest(found.field, found.known)}.`,
    }),
  },
  {
    place: /Deny\.#\.toPorts\.#$/,
    field: /^(rules|listener|serverNames|terminatingTLS|originatingTLS)$/,
    say: ({ field }) => ({
      message: `\`${field}\` is not a field of a deny rule: ${dropped}, and the whole port is refused.`,
      fix: "Deny rules end at the port. Allow the requests you want in ingress or egress instead; what no rule lists is refused.",
    }),
  },
  {
    place: /\.toPorts\.#$/,
    field: /^(port|protocol|endPort)$/,
    say: ({ field, value }) => ({
      message: `\`${field}: ${shown(value)}\` stands beside ports, not in it: ${dropped}, and without ports the element allows nothing.`,
      fix: `Write toPorts: [{ports: [{port: "${field === "port" ? shown(value) : "443"}", protocol: TCP}]}].`,
    }),
  },
  {
    place: /\.toPorts\.#$/,
    field: /^(http|dns|kafka|grpc)$/,
    say: ({ field }) => ({
      message: `\`${field}\` stands beside ports: ${dropped}, and the port is open to every request.`,
      fix: `Put it below rules: toPorts: [{ports: [...], rules: {${field === "grpc" ? "http" : field}: [...]}}].`,
    }),
  },
  {
    place: /\.toPorts\.#\.ports\.#$/,
    field: /^(rules|http|dns)$/,
    say: ({ field }) => ({
      message: `\`${field}\` stands inside an element of ports: ${dropped}, and the port is open to every request.`,
      fix: "Move rules up one level, beside ports.",
    }),
  },
  {
    place: peer,
    field: /^(namespaceSelector|namespace|namespaces)$/,
    say: (found) => ({
      message: `\`${found.field}\` is not a field of a Cilium peer: ${dropped}${selectorLeft(found) || ", and the peer means pods of the policy's own namespace"}.`,
      fix: `Write it as a label: matchLabels: {"k8s:io.kubernetes.pod.namespace": ${namespaceOf(found.value)}}.`,
    }),
  },
  {
    place: peer,
    field: /^(podSelector|endpointSelector|selector|labels)$/,
    say: (found) => ({
      message: `\`${found.field}\` is not a field of a Cilium peer: ${dropped}${selectorLeft(found)}.`,
      fix: "Write matchLabels directly in the element: - matchLabels: {app: web}.",
    }),
  },
  {
    place: peer,
    field: /^ipBlock$/,
    say: (found) => ({
      message: `\`ipBlock\` belongs to Kubernetes' NetworkPolicy: ${dropped}${selectorLeft(found)}.`,
      fix: "Write fromCIDRSet or toCIDRSet: [{cidr: 192.0.2.0/24, except: [...]}].",
    }),
  },
  {
    place: selector,
    field: /./,
    say: (found) => {
      const near = closest(found.field, found.known);
      return {
        message: `\`${found.field}\` is not a field of a selector: ${dropped}${selectorLeft(found)}.`,
        fix:
          near === undefined
            ? `Write it as a label: matchLabels: {"${found.field}": "${typeof found.value === "string" ? found.value : "..."}"}.`
            : `Write ${near}.`,
      };
    },
  },
  {
    place: entry,
    field: /^fromServices$/,
    say: (found) => ({
      message: `\`fromServices\` is not a field: ${dropped}${entryLeft(found)}. Cilium knows Services in egress only.`,
      fix: "Write fromEndpoints with the labels of the pods that call, and k8s:io.kubernetes.pod.namespace for another namespace.",
    }),
  },
  {
    place: entry,
    field: /^(from|to)$/,
    say: (found) => ({
      message: `\`${found.field}\` belongs to Kubernetes' NetworkPolicy: ${dropped}${entryLeft(found)}.`,
      fix: `Write ${found.field}Endpoints: [{matchLabels: {...}}] (or ${found.field}CIDR, ${found.field}Entities).`,
    }),
  },
  {
    place: entry,
    field: /^ports?$/,
    say: ({ field, parent, known }) => ({
      message: `\`${field}\` belongs to Kubernetes' NetworkPolicy: ${dropped}, and the entry ${
        Object.keys(parent).some((name) => known.includes(name))
          ? "is open on every port"
          : "that is left allows nothing"
      }.`,
      fix: 'Write toPorts: [{ports: [{port: "443", protocol: TCP}]}]; the port is text.',
    }),
  },
  {
    place: entry,
    field: /^(from|to)[A-Z]/,
    say: (found) => {
      const { field, place, known } = found;
      const other = field.startsWith("from") ? field.replace(/^from/, "to") : field.replace(/^to/, "from");
      const direction = /egress/.test(place) ? "egress" : "ingress";
      if (field === "fromFQDNs" || (field === "toFQDNs" && /egressDeny/.test(place)) || field === "fromFQDN") {
        return {
          message: `\`${field}\` is not a field of ${place.split(".").at(-2)}: ${dropped}${entryLeft(found)}.`,
          fix: "Names can only be allowed in egress (toFQDNs). Write addresses (CIDR) here.",
        };
      }
      const near = known.includes(other) ? other : closest(field, known);
      return {
        message: `\`${field}\` is not a field of ${direction}: ${dropped}${entryLeft(found)}.`,
        fix:
          near === undefined
            ? `Known here: ${known.join(", ")}.`
            : `Write ${near}${near === other ? `, or move the entry to ${direction === "egress" ? "ingress" : "egress"}` : ""}.`,
      };
    },
  },
  {
    place: entry,
    field: /^(action|deny|verdict|policy)$/i,
    say: ({ field, value }) => ({
      message: `\`${field}: ${shown(value)}\` is not a field: ${dropped}, and an entry of ingress or egress ALLOWS.`,
      fix: "Move the entry to ingressDeny or egressDeny; what those list is refused, whatever else allows it.",
    }),
  },
  {
    place: entry,
    field: /./,
    say: (found) => {
      const near = closest(found.field, found.known);
      return {
        message: `\`${found.field}\` is not a field of an entry: ${dropped}${entryLeft(found)}.`,
        fix: near === undefined ? `Known here: ${found.known.join(", ")}.` : `Write ${near}.`,
      };
    },
  },
  {
    place: rule,
    field: /^podSelector$/,
    say: () => ({
      message: "`podSelector` belongs to Kubernetes' NetworkPolicy: Cilium does not read it and refuses the policy.",
      fix: "Write endpointSelector.",
    }),
  },
  {
    place: rule,
    field: /^policyTypes$/,
    say: () => ({
      message: "`policyTypes` belongs to Kubernetes' NetworkPolicy: Kubernetes drops it here, so it denies nothing.",
      fix: "Delete it. A direction is denied by default as soon as it has an entry: ingress: [{}], egress: [{}].",
    }),
  },
  {
    place: rule,
    field: /^(policyEnforcement|policyEnforcementMode|enforcement|policyAuditMode|auditMode)$/,
    say: ({ field, value }) => ({
      message: `\`${field}: ${shown(value)}\` is not a field of a policy: ${dropped}, and the policy is enforced like any other.`,
      fix: "To deny nothing by default write enableDefaultDeny: {ingress: false, egress: false}; auditing is the Helm value policyAuditMode.",
    }),
  },
  {
    place: rule,
    field: /^(priority|order|tier|action)$/,
    say: ({ field, value }) => ({
      message: `\`${field}: ${shown(value)}\` is not a field of a policy: ${dropped}. Policies have no order: deny beats allow, and allows add up.`,
      fix: "Delete it; write what must win as ingressDeny or egressDeny.",
    }),
  },
];

/** What to say about an unknown field of a Cilium policy. */
export function hintFor(found: Misplaced): Hint {
  const hint = hints.find(({ place, field }) => place.test(found.place) && field.test(found.field));
  if (hint !== undefined) return hint.say(found);
  const near = closest(found.field, found.known);
  const where =
    found.place === ""
      ? "a policy"
      : (found.place
          .replace(/(\.#)+$/, "")
          .split(".")
          .at(-1) ?? "a policy");
  return {
    message: `\`${found.field}\` is not a field of ${where}: ${dropped}.`,
    fix:
      near === undefined
        ? `Delete it, or move it where it belongs (check the indentation). Known here: ${found.known.join(", ")}.`
        : `Write ${near}.`,
  };
}

function namespaceOf(value: unknown): string {
  const labels = record(isRecord(value) ? value.matchLabels : undefined) ?? {};
  const name = typeof value === "string" ? value : (list(value)[0] ?? Object.values(labels)[0]);
  return typeof name === "string" ? name : "NAME";
}
