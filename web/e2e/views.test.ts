import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { Person } from "./person.ts";
import { test } from "./watched.ts";

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 120))])).toEqual([]);
}

for (const scheme of ["light", "dark"] as const) {
  test(`every page can be used by everybody, ${scheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const path of ["/sign-in", "/forgot-password", "/reset-password?token=x", "/sign-up"]) {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expectAccessible(page);
    }
    const ada = new Person(page, "Ada");
    await ada.signUp();
    await expectAccessible(page);
    await ada.ask("What is Colloquy?");
    await expect(ada.answer()).toHaveAttribute("data-status", "completed");
    await expectAccessible(page);
    for (const path of ["/settings", "/usage", "/documents", "/audit"]) {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expectAccessible(page);
    }
  });
}

test("the page speaks German to whoever does, and keeps the theme that was chosen", async ({ browser }) => {
  const context = await browser.newContext({ locale: "de-DE" });
  const page = await context.newPage();
  await page.goto("/sign-in");
  await expect(page.getByRole("heading", { name: "Willkommen zurück" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await context.close();
});

test("a theme that was chosen is there from the first frame on", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await page.goto("/settings");
  const painted = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await painted();
  await page.getByRole("radio", { name: "Dark" }).check();
  await expect.poll(painted).not.toBe(light);
  const dark = await painted();
  await page.addInitScript(() => {
    const colours = new Set<string>();
    Object.assign(window, { colours });
    const note = () => {
      if (document.body) colours.add(getComputedStyle(document.documentElement).backgroundColor);
      requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
  await page.reload();
  await expect(page.getByRole("radio", { name: "Dark" })).toBeChecked();
  expect(await page.evaluate(() => [...(window as unknown as { colours: Set<string> }).colours])).toEqual([dark]);
});
