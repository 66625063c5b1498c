import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Registered } from "./monitor.ts";

/** The newest TypeScript that the SDK's ts-node can drive; 7 has no compiler API. */
const typescript = "typescript@5.9.3";

/**
 * Writes what `pulumi new typescript` would give, with these resources in it: package roots, CommonJS, compiled at start.
 *
 * @returns its folder, or `undefined` where npm cannot fetch TypeScript 5.
 */
export function defaultProject(root: string, resources: readonly Registered[]): string | undefined {
  const folder = join(root, ".gyeongbu/default-project");
  const modules = join(folder, "node_modules");
  if (!existsSync(join(modules, "typescript/lib/tsc.js"))) {
    mkdirSync(folder, { recursive: true });
    rmSync(modules, { recursive: true, force: true });
    // Hard links: a copy with a TypeScript of its own, at the price of its folders.
    execFileSync("cp", ["-al", realpathSync(join(root, "node_modules")), modules]);
    try {
      const archive = execFileSync("npm", ["pack", "--silent", typescript], { cwd: folder, encoding: "utf8" }).trim();
      rmSync(join(modules, "typescript"), { recursive: true, force: true });
      mkdirSync(join(modules, "typescript"));
      execFileSync("tar", ["-xzf", archive, "-C", join(modules, "typescript"), "--strip-components=1"], {
        cwd: folder,
      });
    } catch {
      return undefined;
    }
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "default-project", main: "index.ts" }));
  writeFileSync(join(folder, "Pulumi.yaml"), "name: gyeongbu\nruntime: nodejs\n");
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        target: "es2020",
        module: "commonjs",
        moduleResolution: "node",
        sourceMap: true,
      },
    }),
  );
  const packages = {
    aws: "@pulumi/aws",
    azure: "@pulumi/azure-native",
    command: "@pulumi/command",
    kubernetes: "@pulumi/kubernetes",
  };
  const lines = resources.flatMap((resource) => statement(resource) ?? []);
  const used = Object.entries(packages).filter(([name]) => lines.some((line) => line.startsWith(`new ${name}.`)));
  writeFileSync(
    join(folder, "index.ts"),
    [
      'import * as pulumi from "@pulumi/pulumi";',
      ...used.map(([name, from]) => `import * as ${name} from "${from}";`),
      ...lines,
    ].join("\n"),
  );
  return folder;
}

/** One `new` for one resource; components become bare ones. */
function statement({ type, name, inputs }: Registered): string | undefined {
  const [pkg = "", module = "", className = ""] = type.split(":");
  if (type === "pulumi:pulumi:Stack") return undefined;
  if (pkg === "gyeongbu") return `new pulumi.ComponentResource(${JSON.stringify(type)}, ${JSON.stringify(name)});`;
  if (pkg === "pulumi") return `new ${className}.Provider(${JSON.stringify(name)});`;
  const spaces: Record<string, string> = {
    aws: "aws",
    "azure-native": "azure",
    command: "command",
    kubernetes: "kubernetes",
  };
  const path = module
    .replace("helm.sh/", "helm/")
    .split("/")
    .filter((part) => pkg !== "aws" || part !== module.split("/")[1]);
  const args = JSON.stringify(inputs ?? {});
  // Kinds that the SDK has no class for, such as Cilium's.
  if (pkg === "kubernetes" && module.startsWith("cilium.io/"))
    return `new kubernetes.apiextensions.CustomResource(${JSON.stringify(name)}, ${args} as any);`;
  return `new ${[spaces[pkg], ...path, className].join(".")}(${JSON.stringify(name)}, ${args} as any);`;
}
