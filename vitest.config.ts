import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Every test sets up what it needs, so files may share a process: 5x faster (test/support/deploy.ts resets Pulumi's globals).
    isolate: false,
    env: { PULUMI_ERROR_OUTPUT_STRING: "true" },
    testTimeout: 20_000,
  },
});
