import type { Schema } from "./schema-walker.ts";

const text: Schema = { type: "string" };
const matchExpression: Schema = {
  type: "object",
  required: ["key", "operator"],
  properties: {
    key: text,
    operator: { type: "string", enum: ["In", "NotIn", "Exists", "DoesNotExist"] },
    values: { type: "array", items: text },
  },
};
/** Kubernetes' own LabelSelector. */
export const labelSelector: Schema = {
  type: "object",
  properties: {
    matchExpressions: { type: "array", items: matchExpression },
    matchLabels: { type: "object", additionalProperties: text },
  },
};
const labelSelectors: Schema = { type: "array", items: labelSelector };

/** Enum values that a policy may have from this minor of Cilium on; the CRDs of 1.18.11, 1.19.5 and 1.20.2 were compared. */
const newValues: Readonly<Record<string, number>> = {
  VRRP: 19,
  IGMP: 19,
  GRE: 20,
  IPIP: 20,
  IPV6: 20,
  ESP: 20,
  AH: 20,
  "cluster-mesh": 20,
};

/** What 1.20 took out of a port's `rules`. */
const oldRules: Readonly<Record<string, Schema>> = {
  kafka: {
    type: "array",
    items: {
      type: "object",
      properties: {
        apiKey: text,
        apiVersion: text,
        clientID: text,
        role: { type: "string", enum: ["produce", "consume"] },
        topic: { type: "string", maxLength: 255 },
      },
    },
  },
  l7: { type: "array", items: { type: "object", additionalProperties: text } },
  l7proto: text,
};

/** A part of the policy schemas of 1.20.2 as an older minor has it. References stay: what they point at is amended the same way. */
export function amendPolicySchema(schema: Schema, minor: number): Schema {
  const { properties, items, additionalProperties, rules, enum: allowed } = schema;
  const amend = (child: Schema) => amendPolicySchema(child, minor);
  const amended: Schema = {
    ...schema,
    ...(items === undefined ? {} : { items: amend(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: amend(additionalProperties) }),
    ...(properties === undefined ? {} : { properties: amendFields(properties, minor) }),
    ...(allowed === undefined ? {} : { enum: allowed.filter((value) => (newValues[String(value)] ?? 0) <= minor) }),
    ...(rules === undefined ? {} : { rules: rules.filter(({ message }) => !message.startsWith("spec or specs")) }),
  };
  if (properties?.http !== undefined && properties.dns !== undefined) {
    const branches = ["http", "dns", "kafka", "l7proto"].map((name): Schema => ({ required: [name] }));
    return { ...amended, properties: { ...amended.properties, ...oldRules }, oneOf: branches };
  }
  return properties?.endPort !== undefined && minor < 19 ? { ...amended, required: ["port"] } : amended;
}

function amendFields(fields: Readonly<Record<string, Schema>>, minor: number): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, child]): [string, Schema] => {
      if (minor < 19 && (name === "fromRequires" || name === "toRequires")) return [name, labelSelectors];
      if (name === "serverNames") {
        const pattern = "^(\\*?\\*\\.)?([-a-zA-Z0-9_]+\\.?)+$";
        return [name, { type: "array", minItems: 1, items: { type: "string", maxLength: 255, pattern } }];
      }
      return [name, amendPolicySchema(child, minor)];
    }),
  );
}
