import { Refusal } from "../stand-in.ts";
import type { Json, JsonObject } from "../world.ts";
import { child, conflicts, flag, isObject, objects, text } from "./fields.ts";
import { accountId, type Definition, digits, type Scene } from "./resource.ts";
import { types } from "./types.ts";

/** What a policy document is for: who may assume a role, what an identity may do, or who may use a key. */
type PolicyUse = "trust" | "identity" | "key";

const codes = {
  trust: "MalformedPolicyDocument",
  identity: "MalformedPolicyDocument",
  key: "MalformedPolicyDocumentException",
};

/**
 * Refuses a document that IAM's grammar does not allow
 * (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html), and returns its statements.
 */
export function checkPolicy(document: Json | undefined, use: PolicyUse): JsonObject[] {
  const refuse = (message: string): Refusal => new Refusal(codes[use], message);
  const policy = typeof document === "string" ? parse(document) : document;
  if (!isObject(policy)) throw refuse("This policy contains invalid Json");
  const version = policy.Version;
  if (version !== undefined && version !== "2012-10-17" && version !== "2008-10-17") {
    throw refuse("The policy failed legacy parsing: Version must be 2012-10-17");
  }
  const written = policy.Statement;
  const statements = Array.isArray(written) ? written.filter(isObject) : [written].filter(isObject);
  if (statements.length === 0) throw refuse("Syntax errors in policy: Statement is missing.");
  for (const statement of statements) {
    const unknown = Object.keys(statement).find((key) => !statementKeys.includes(key));
    if (unknown !== undefined) throw refuse(`Syntax errors in policy: "${unknown}" is not an element of a statement.`);
    if (statement.Effect !== "Allow" && statement.Effect !== "Deny") {
      throw refuse("Syntax errors in policy: Effect must be Allow or Deny.");
    }
    if (!has(statement, "Action")) throw refuse("Policy statement must contain actions.");
    const actions = [statement.Action, statement.NotAction].flat();
    const wrong = actions
      .filter((action) => typeof action === "string")
      .find((action) => !/^(\*|[a-z0-9-]+:[A-Za-z0-9*?]+)$/i.test(action));
    if (wrong !== undefined)
      throw refuse(`Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. ("${wrong}")`);
    if (use === "identity" && has(statement, "Principal"))
      throw refuse("Policy document should not specify a principal.");
    if (use === "identity" && !has(statement, "Resource")) throw refuse("Policy statement must contain resources.");
    if (use !== "identity" && !has(statement, "Principal")) throw refuse("Missing required field Principal");
    if (use === "trust" && has(statement, "Resource")) throw refuse("Has prohibited field Resource");
  }
  return statements;
}

const statementKeys = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
];

function has(statement: JsonObject, key: string): boolean {
  return statement[key] !== undefined || statement[`Not${key}`] !== undefined;
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function mustRole(scene: Scene, name: string | undefined): void {
  if (scene.users(name ?? "", [[types.role, "name"]]).length === 0) {
    throw new Refusal("NoSuchEntity", `The role with name ${name} cannot be found.`);
  }
}

/** IAM has no regions in its names. */
function iamArn(kind: string, path: string, name: string): string {
  return `arn:aws:iam::${accountId}:${kind}${path}${name}`;
}

/** Seconds: IAM answers at once; the provider then waits until it has spread (role 1-2, profile 7-12 in its logs). */
const role: Definition = {
  type: types.role,
  prefix: "AROA",
  global: true,
  seconds: { create: 2, update: 1, delete: 1 },
  check: (inputs) => conflicts(inputs, "name", ["namePrefix"]),
  make(inputs, scene, self) {
    const name = scene.autoName(inputs, self, "name", 64);
    if (self.old === undefined && scene.users(name, [[types.role, "name"]]).length > 0) {
      throw new Refusal("EntityAlreadyExists", `Role with name ${name} already exists.`);
    }
    const trust = inputs.assumeRolePolicy;
    checkPolicy(trust, "trust");
    for (const policy of objects(inputs, "inlinePolicies")) {
      if (policy.policy !== undefined) checkPolicy(policy.policy, "identity");
    }
    return {
      id: name,
      outputs: {
        arn: iamArn("role", text(inputs, "path") ?? "/", name),
        name,
        namePrefix: "",
        path: "/",
        maxSessionDuration: 3600,
        forceDetachPolicies: false,
        createDate: dateOf(self.old),
        uniqueId: `AROA${digits(name, 17).toUpperCase()}`,
      },
    };
  },
  remove({ properties }, scene) {
    const name = text(properties, "name") ?? "";
    if (scene.users(name, [[types.instanceProfile, "role"]]).length > 0) {
      throw new Refusal("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.");
    }
    const policies = scene.users(name, [
      [types.rolePolicy, "role"],
      [types.rolePolicyAttachment, "role"],
    ]);
    if (policies.length > 0 && !flag(properties, "forceDetachPolicies", false)) {
      throw new Refusal("DeleteConflict", "Cannot delete entity, must detach all policies first.");
    }
  },
};

function dateOf(old: JsonObject | undefined): string {
  return (old === undefined ? undefined : text(old, "createDate")) ?? new Date().toISOString();
}

const rolePolicy: Definition = {
  type: types.rolePolicy,
  prefix: "policy",
  global: true,
  seconds: { create: 1, update: 1, delete: 1 },
  check: (inputs) => conflicts(inputs, "name", ["namePrefix"]),
  make(inputs, scene, self) {
    const roleName = text(inputs, "role");
    mustRole(scene, roleName);
    checkPolicy(inputs.policy, "identity");
    const name = scene.autoName(inputs, self, "name", 128);
    return { id: `${roleName}:${name}`, outputs: { name, namePrefix: "" } };
  },
};

const rolePolicyAttachment: Definition = {
  type: types.rolePolicyAttachment,
  prefix: "attachment",
  global: true,
  seconds: { create: 1, delete: 1 },
  make(inputs, scene) {
    const [roleName, policyArn] = [text(inputs, "role"), text(inputs, "policyArn")];
    mustRole(scene, roleName);
    // Managed policies of AWS exist; the account's own are resources that the rehearsal does not have.
    if (!policyArn?.startsWith("arn:aws:iam::aws:policy/")) {
      throw new Refusal("NoSuchEntity", `Policy ${policyArn} does not exist or is not attachable.`);
    }
    return { id: `${roleName}/${policyArn}` };
  },
};

const instanceProfile: Definition = {
  type: types.instanceProfile,
  prefix: "AIPA",
  global: true,
  seconds: { create: 8, update: 5, delete: 1 },
  check: (inputs) => conflicts(inputs, "name", ["namePrefix"]),
  make(inputs, scene, self) {
    const name = scene.autoName(inputs, self, "name", 128);
    if (self.old === undefined && scene.users(name, [[types.instanceProfile, "name"]]).length > 0) {
      throw new Refusal("EntityAlreadyExists", `Instance Profile ${name} already exists.`);
    }
    const roleName = text(inputs, "role");
    if (roleName !== undefined) mustRole(scene, roleName);
    return {
      id: `instance-profile/${name}`,
      outputs: {
        arn: iamArn("instance-profile", text(inputs, "path") ?? "/", name),
        name,
        namePrefix: "",
        path: "/",
        createDate: dateOf(self.old),
        uniqueId: `AIPA${digits(name, 17).toUpperCase()}`,
      },
    };
  },
};

/** Seconds: CreateKey answers at once, the provider waits until policy and rotation have spread (8-20 in its logs). */
const key: Definition = {
  type: types.key,
  prefix: "key",
  seconds: { create: 12, update: 5, delete: 2 },
  make(inputs, scene, self) {
    const hex = digits(self.id, 32);
    const keyId =
      self.old === undefined
        ? [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join("-")
        : self.id;
    const policy = inputs.policy;
    if (policy !== undefined && policy !== "")
      checkKeyPolicy(policy, flag(inputs, "bypassPolicyLockoutSafetyCheck", false));
    return {
      id: keyId,
      outputs: {
        arn: scene.arn("kms", `key/${keyId}`),
        keyId,
        customerMasterKeySpec: "SYMMETRIC_DEFAULT",
        keyUsage: "ENCRYPT_DECRYPT",
        isEnabled: true,
        enableKeyRotation: false,
        multiRegion: false,
        description: "",
        policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: "kms:*", Resource: "*" },
          ],
        }),
      },
    };
  },
};

function checkKeyPolicy(policy: Json, bypass: boolean): void {
  const keeper = checkPolicy(policy, "key").some((statement) => {
    const principals = [child(statement, "Principal")?.AWS ?? statement.Principal].flat().map(String);
    const actions = [statement.Action].flat().map(String);
    const mayEdit = actions.some((action) => ["kms:*", "kms:Put*", "kms:PutKeyPolicy", "*"].includes(action));
    const isOurs = principals.some(
      (principal) => principal === "*" || principal === accountId || principal.includes(`::${accountId}:`),
    );
    return statement.Effect === "Allow" && mayEdit && isOurs;
  });
  if (!keeper && !bypass) {
    throw new Refusal(
      "MalformedPolicyDocumentException",
      "The new key policy will not allow you to update the key policy in the future.",
    );
  }
}

const alias: Definition = {
  type: types.alias,
  prefix: "alias",
  seconds: { create: 1, update: 1, delete: 1 },
  check: (inputs) => conflicts(inputs, "name", ["namePrefix"]),
  make(inputs, scene, self) {
    const name = text(inputs, "name") ?? `alias/${scene.autoName(inputs, self).replace(/^alias\//, "")}`;
    if (self.old === undefined && scene.users(name, [[types.alias, "name"]]).length > 0) {
      throw new Refusal("AlreadyExistsException", `An alias with the name ${scene.arn("kms", name)} already exists`);
    }
    const target = text(inputs, "targetKeyId");
    const found = scene
      .find(types.key)
      .find(({ id, properties }) => id === target || text(properties, "arn") === target);
    if (found === undefined) throw new Refusal("NotFoundException", `Key '${target}' does not exist`);
    return {
      id: `${scene.region}/${name}`,
      outputs: { arn: scene.arn("kms", name), name, namePrefix: "", targetKeyArn: text(found.properties, "arn") },
    };
  },
};

/** Roles, instance profiles and keys. */
export const identityDefinitions: readonly Definition[] = [
  role,
  rolePolicy,
  rolePolicyAttachment,
  instanceProfile,
  key,
  alias,
];
