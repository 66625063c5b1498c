import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";

/**
 * What a site's stack exports as `interconnect`.
 *
 * @param stack  `<organization>/<project>/<stack>`.
 */
export function siteLink<T>(schema: z.ZodType<T>, stack: string): pulumi.Output<T> {
  const reference = new pulumi.StackReference(stack);
  return reference.getOutput("interconnect").apply((raw: unknown) => parseLink(schema, stack, raw));
}

/** @throws pulumi.RunError naming the stack and every wrong field; the engine prints it without a stack trace. */
export function parseLink<T>(schema: z.ZodType<T>, stack: string, raw: unknown): T {
  if (raw === undefined || raw === null) {
    throw new pulumi.RunError(`${stack} has no output \`interconnect\` yet. Run \`pulumi up\` on that stack first.`);
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `  interconnect.${path.join(".")}: ${message}`);
  throw new pulumi.RunError(
    [`${stack} exports an \`interconnect\` of another shape. Run \`pulumi up\` on it.`, ...problems].join("\n"),
  );
}
