import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { stackFolder } from "./config/load.ts";

const root = join(import.meta.dirname, "..");

/**
 * Before `pulumi up` changes anything: `npm run plan` for this stack and those it names. A preview leaves it out, as it changes nothing and
 * findings stop it anyway; so does the entry, which must switch users whatever state a site's files are in.
 *
 * @throws pulumi.RunError with the whole plan when a proof does not hold.
 */
export async function proveFirst(): Promise<void> {
  const [stack, folder] = [pulumi.getStack(), stackFolder()];
  if (pulumi.runtime.isDryRun() || new pulumi.Config().get("entry") !== undefined) return;
  if (!existsSync(join(folder, `Pulumi.${stack}.yaml`))) {
    await pulumi.log.warn(`Nothing was proven: there is no ${join(folder, `Pulumi.${stack}.yaml`)} to plan.`);
    return;
  }
  const { code, text } = await plan(folder, stack);
  if (code !== 0) {
    const again = `To see it by itself: npm run plan -- ${folder} ${stack}`;
    throw new pulumi.RunError(`The plan does not hold, so nothing was changed\n\n${text}\n${again}\n`);
  }
}

/** In a process of its own: the recording monitor would take this one's place. */
function plan(folder: string, stack: string): Promise<{ code: number | null; text: string }> {
  // Not the engine's settings, some of which are secret; where its state lies is a fact that rules ask for.
  const env = Object.entries(process.env).filter(([key]) => key === "PULUMI_BACKEND_URL" || !key.startsWith("PULUMI_"));
  const preload = join(root, "components/fast-start/before-sdk.mjs");
  const child = spawn(process.execPath, ["--import", preload, join(root, "cli/plan.ts"), folder, stack], {
    env: Object.fromEntries(env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, text }));
  });
}
