import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 120))])).toEqual([]);
}

for (const scheme of ["light", "dark"] as const) {
  test(`all pages are accessible in the ${scheme} theme`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const path of [
      "/sign-in",
      "/forgot-password",
      "/reset-password#token=x",
      "/confirm-email#token=x",
      "/sign-up",
    ]) {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expectAccessible(page);
    }
    const ada = new User(page, "Ada");
    await ada.signUp();
    await expectAccessible(page);
    await ada.ask("What is Colloquy?");
    await ada.expectStatus("completed");
    await expectAccessible(page);
    for (const path of ["/settings", "/usage", "/documents", "/audit"]) {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expectAccessible(page);
    }
  });
}
