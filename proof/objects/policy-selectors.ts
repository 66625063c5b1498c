import { closest } from "../../components/cilium/chart-keys.ts";
import { isRecord, list } from "../../components/config/untyped.ts";
import type { ObjectsSubject, Rule, Violation } from "../rule.ts";
import {
  asText,
  entriesOf,
  type Fields,
  isNetworkPolicy,
  keysOf,
  matching,
  type Path,
  partsOf,
  record,
  records,
  violation,
} from "./policy-view.ts";

/** A label selector in a policy, and what it is for. */
interface Selector {
  readonly path: Path;
  readonly body: Fields;
  /** The field it stands in: `endpointSelector`, `fromEndpoints`, `podSelector`... */
  readonly role: string;
}

function ciliumSelectors(subject: ObjectsSubject): Selector[] {
  const own = partsOf(subject).flatMap((part) =>
    ["endpointSelector", "nodeSelector"].flatMap((role): Selector[] => {
      const body = record(part.body[role]);
      return body === undefined ? [] : [{ path: [...part.path, role], body, role }];
    }),
  );
  const peers = entriesOf(subject).flatMap(({ path, body }) =>
    ["fromEndpoints", "toEndpoints", "fromNodes", "toNodes"].flatMap((role) =>
      records(body[role], [...path, role]).map((selector): Selector => ({ ...selector, role })),
    ),
  );
  return [...own, ...peers];
}

function kubernetesSelectors(subject: ObjectsSubject): Selector[] {
  return matching(subject, isNetworkPolicy).flatMap(({ index, object }) => {
    const spec = record(object.spec) ?? {};
    const peers = [
      ...records(spec.ingress, [index, "spec", "ingress"]).flatMap(({ path, body }) =>
        records(body.from, [...path, "from"]),
      ),
      ...records(spec.egress, [index, "spec", "egress"]).flatMap(({ path, body }) => records(body.to, [...path, "to"])),
    ];
    return [{ path: [index, "spec"], body: spec }, ...peers].flatMap(({ path, body }) =>
      ["podSelector", "namespaceSelector"].flatMap((role): Selector[] => {
        const selector = record(body[role]);
        return selector === undefined ? [] : [{ path: [...path, role], body: selector, role }];
      }),
    );
  });
}

const value = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const keyName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const keyPrefix = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Whether Kubernetes takes it for a label's key, after Cilium's source before the colon. */
function validKey(key: string, cilium: boolean): boolean {
  const bare = cilium ? key.replace(/^[a-z0-9]+:/, "").replace(/^\$/, "") : key;
  const parts = bare.split("/");
  const [prefix, name] = parts.length === 1 ? [undefined, parts[0]] : parts;
  if (parts.length > 2 || name === undefined || name.length > 63 || !keyName.test(name)) return false;
  return prefix === undefined || (prefix.length <= 253 && keyPrefix.test(prefix));
}

function malformed({ path, body, role }: Selector): Violation[] {
  const cilium = !/^(pod|namespace)Selector$/.test(role);
  const keys = Object.keys(record(body.matchLabels) ?? {})
    .filter((key) => !validKey(key, cilium))
    .map((key) =>
      violation(
        [...path, "matchLabels", key],
        `"${key}" is not a label's key, so the whole policy is refused.`,
        "Write letters, digits, -, _ and . (at most 63), optionally after a domain and a slash: app.kubernetes.io/name.",
      ),
    );
  const expressions = records(body.matchExpressions, [...path, "matchExpressions"]).flatMap((expression) => {
    const { key, operator, values } = expression.body;
    const found: Violation[] = [];
    if (typeof key === "string" && !validKey(key, cilium)) {
      found.push(
        violation(
          [...expression.path, "key"],
          `"${key}" is not a label's key, so the whole policy is refused.`,
          "Write a label's key, e.g. app.kubernetes.io/name.",
        ),
      );
    }
    const count = list(values).length;
    if ((operator === "In" || operator === "NotIn") && count === 0) {
      found.push(
        violation(
          expression.path,
          `${operator} of ${asText(key)} has no values, so the whole policy is refused.`,
          `List values, or write operator: ${operator === "In" ? "Exists" : "DoesNotExist"}.`,
        ),
      );
    }
    if ((operator === "Exists" || operator === "DoesNotExist") && count > 0) {
      found.push(
        violation(
          [...expression.path, "values"],
          `${operator} of ${asText(key)} takes no values, so the whole policy is refused.`,
          `Delete values, or write operator: ${operator === "Exists" ? "In" : "NotIn"}.`,
        ),
      );
    }
    for (const [index, item] of list(values).entries()) {
      if (typeof item !== "string" || (item.length <= 63 && value.test(item))) continue;
      found.push(
        violation(
          [...expression.path, "values", index],
          `"${item}" cannot be a label's value, so the whole policy is refused.`,
          "Write the whole value: at most 63 letters, digits, -, _ and ., no wildcard.",
        ),
      );
    }
    return found;
  });
  return [...keys, ...expressions];
}

const derived = ["io.kubernetes.pod.namespace", "io.cilium.k8s.policy.cluster", "io.cilium.k8s.policy.serviceaccount"];
const namespaceLabel = "io.cilium.k8s.namespace.labels.";
const reserved =
  "host, world, world-ipv4, world-ipv6, unmanaged, health, init, remote-node, kube-apiserver, ingress, none, encrypted-overlay, overlay-to-world".split(
    ", ",
  );

/** What a key says that no pod has: a namespace's own label, a misspelt one of Cilium's. */
function impossible(key: string): { message: string; fix: string } | undefined {
  const bare = key.replace(/^(k8s|any):/, "");
  if (bare === "kubernetes.io/metadata.name") {
    return {
      message: `${key} is a label of namespaces; no pod has it, so the selector matches nothing.`,
      fix: 'Write "k8s:io.kubernetes.pod.namespace": NAMESPACE.',
    };
  }
  if (key.startsWith("reserved:")) {
    const name = key.slice("reserved:".length);
    if (reserved.includes(name)) return undefined;
    return {
      message: `There is no reserved label "${name}", so the selector matches nothing.`,
      fix: `Known: ${reserved.join(", ")}.`,
    };
  }
  if (derived.includes(bare) || bare.startsWith(namespaceLabel)) return undefined;
  const near =
    closest(bare, derived, 4) ??
    (derived.some((known) => bare.endsWith(known) || bare.replaceAll("/", ".").endsWith("kubernetes.pod.namespace"))
      ? closest(bare, derived, 20)
      : undefined);
  if (near !== undefined)
    return {
      message: `Cilium gives no pod a label "${key}", so the selector matches nothing.`,
      fix: `Write "k8s:${near}".`,
    };
  return closest(bare.slice(0, namespaceLabel.length), [namespaceLabel], 4) === undefined
    ? undefined
    : {
        message: `Cilium gives no pod a label "${key}", so the selector matches nothing.`,
        fix: `Write "k8s:${namespaceLabel}" and the label's key.`,
      };
}

export const policySelectorRules: readonly Rule<ObjectsSubject>[] = [
  {
    code: "GB-1210",
    severity: "error",
    title: "Label selectors of policies are well-formed.",
    korean: "정책의 레이블 셀렉터는 형식이 올바라야 합니다.",
    reason:
      "Cilium validates selectors when it reads the policy, not when Kubernetes stores it: the object exists, its condition Valid is False and nothing is enforced (pkg/policy/api/selector.go).",
    check: (subject) => [...ciliumSelectors(subject), ...kubernetesSelectors(subject)].flatMap(malformed),
  },
  {
    code: "GB-1211",
    severity: "error",
    title: "Selectors ask for labels that Cilium gives to pods.",
    korean: "셀렉터는 Cilium이 파드에 실제로 붙이는 레이블만 사용합니다.",
    reason:
      "A namespace's name is the label k8s:io.kubernetes.pod.namespace, its labels come with the prefix k8s:io.cilium.k8s.namespace.labels. (Documentation/security/policy/kubernetes.rst).",
    check: (subject) =>
      ciliumSelectors(subject)
        .filter(({ role }) => !/^(nodeSelector|fromNodes|toNodes)$/.test(role))
        .flatMap(({ path, body }) =>
          keysOf(body).flatMap((key) => {
            const wrong = impossible(key);
            const inLabels = isRecord(body.matchLabels) && Object.hasOwn(body.matchLabels, key);
            const place = inLabels ? [...path, "matchLabels", key] : [...path, "matchExpressions"];
            return wrong === undefined ? [] : [violation(place, wrong.message, wrong.fix)];
          }),
        ),
  },
  {
    code: "GB-1212",
    severity: "error",
    title: "A CiliumNetworkPolicy selects pods of its own namespace.",
    korean: "CiliumNetworkPolicy의 endpointSelector는 자기 네임스페이스의 파드만 고릅니다.",
    reason:
      "Cilium replaces a k8s: namespace in endpointSelector by the policy's own and only logs it; one without k8s: then contradicts it and matches nothing (pkg/k8s/apis/cilium.io/utils/utils.go).",
    check: (subject) =>
      partsOf(subject).flatMap(({ clusterwide, namespace, path, body }) =>
        clusterwide || namespace === undefined
          ? []
          : Object.entries(record(record(body.endpointSelector)?.matchLabels) ?? {})
              .filter(([key, name]) => /^(k8s:|any:)?io\.kubernetes\.pod\.namespace$/.test(key) && name !== namespace)
              .map(([key, name]) =>
                violation(
                  [...path, "endpointSelector", "matchLabels", key],
                  `The policy lives in ${namespace}, so it never selects pods of ${asText(name)}.`,
                  `Write metadata.namespace: ${asText(name)}, or a CiliumClusterwideNetworkPolicy.`,
                ),
              ),
      ),
  },
  {
    code: "GB-1213",
    severity: "error",
    title: "Only a CiliumClusterwideNetworkPolicy selects nodes.",
    korean: "nodeSelector는 CiliumClusterwideNetworkPolicy에서만 쓸 수 있습니다.",
    reason:
      "Cilium refuses nodeSelector in a namespaced policy (CiliumNetworkPolicy.Parse, pkg/k8s/apis/cilium.io/v2/cnp_types.go).",
    check: (subject) =>
      partsOf(subject)
        .filter(({ clusterwide, body }) => !clusterwide && body.nodeSelector !== undefined)
        .map(({ path }) =>
          violation(
            [...path, "nodeSelector"],
            "nodeSelector in a CiliumNetworkPolicy makes Cilium refuse the whole policy: nothing is enforced.",
            "Write kind: CiliumClusterwideNetworkPolicy and no metadata.namespace.",
          ),
        ),
  },
];
