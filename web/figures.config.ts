import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

/** Measures the page as the service serves it. Prints the figures and writes them into `docs/page.md`. */
export default defineConfig({ ...tests, testDir: "figures", timeout: 600_000, trace: "off" } as typeof tests);
