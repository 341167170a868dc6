import { defineConfig } from "@playwright/test";

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Tests a running service with the browser of the system. */
export default defineConfig({
  testDir: "e2e",
  // Limits, not expectations: a slow or busy machine must not fail a test.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  reporter: "list",
  // The language model of the tests. The service under test must be configured with its MODEL_URL.
  webServer: {
    command: "node e2e/model.js",
    url: `http://127.0.0.1:${process.env.E2E_MODEL_PORT ?? 18_099}/`,
    reuseExistingServer: true,
  },
  outputDir: "test-results",
  use: {
    baseURL: process.env.E2E_BASE_URL || "http://localhost:8080",
    launchOptions: { executablePath: process.env.E2E_CHROMIUM || "/usr/bin/chromium", args },
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
  },
});
