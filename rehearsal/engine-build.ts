import { spawn } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Progress } from "./engine.ts";

/** Seconds that a build may take: it needs about 4 minutes on two cores with a cold cache. */
const limitSeconds = 1500;

/** Builds the CLI from its Go module into `draft/bin/pulumi`. Go's checksum database vouches for the sources. Throws without Go. */
export async function buildEngine(version: string, draft: string, progress: Progress): Promise<void> {
  const command = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
  const folder = path.join(draft, "build");
  await mkdir(folder);
  await writeFile(
    path.join(folder, "go.mod"),
    `module gyeongbu/engine\n\ngo 1.25\n\ntool ${command}\n\nrequire github.com/pulumi/pulumi/pkg/v3 v${version}\n`,
  );
  progress(`building Pulumi ${version} with go build (about 4 minutes on two cores, once)`);
  const versionFlag = `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`;
  const flags = ["-v", "-mod=mod", "-trimpath", "-tags", "osusergo,grpcnotrace", "-ldflags", `-s -w ${versionFlag}`];
  const args = ["build", ...flags, "-o", path.join(draft, "bin", "pulumi"), command];
  await runGo(args, folder, progress);
  await rm(folder, { recursive: true });
}

async function runGo(args: string[], folder: string, progress: Progress): Promise<void> {
  const started = Date.now();
  const child = spawn("go", args, {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off" },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: limitSeconds * 1000,
  });
  let downloaded = 0;
  let built = 0;
  let last: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (line.startsWith("go: downloading ")) downloaded += 1;
    else if (/^[\w.-]+(\/[^\s:]+)*$/.test(line)) built += 1;
    else last = [...last.slice(-3), line];
  });
  const ticker = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    progress(`go build: ${seconds} s, ${downloaded} modules downloaded, ${built} packages built`);
  }, 10_000);
  try {
    await new Promise<void>((resolve, reject) => {
      child.on("error", () => reject(new Error("go build: no Go on PATH")));
      child.on("close", (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`go build ended with ${code ?? signal ?? "nothing"}: ${last.join(" | ")}`));
      });
    });
  } finally {
    clearInterval(ticker);
  }
}
