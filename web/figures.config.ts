import { defineConfig } from "@playwright/test";
import stories from "./playwright.config.ts";

/** Measures the page as the service serves it. It judges nothing: the figures go to the terminal and into `docs/page.md`. */
export default defineConfig({ ...stories, testDir: "figures", timeout: 300_000, trace: "off" } as typeof stories);
