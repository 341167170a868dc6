import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

test("the page is in German if the browser prefers German", async ({ browser }) => {
  const context = await browser.newContext({ locale: "de-DE" });
  const page = await context.newPage();
  await page.goto("/sign-in");
  await expect(page.getByRole("heading", { name: "Willkommen zurück" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await context.close();
});

test("the chosen theme applies from the first frame", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  const ada = new User(page, "Ada");
  await ada.signUp();
  await page.goto("/settings");
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByRole("radio", { name: "Dark" }).check();
  await expect.poll(background).not.toBe(light);
  const dark = await background();
  // Records the background of every frame from the beginning of the next load.
  await page.addInitScript(() => {
    const record = () => {
      const color = document.body ? getComputedStyle(document.documentElement).backgroundColor : undefined;
      const recorded = (sessionStorage.getItem("backgrounds") ?? "").split("|").filter(Boolean);
      if (color && !recorded.includes(color)) sessionStorage.setItem("backgrounds", [...recorded, color].join("|"));
      requestAnimationFrame(record);
    };
    requestAnimationFrame(record);
  });
  await page.reload();
  await expect(page.getByRole("radio", { name: "Dark" })).toBeChecked();
  await expect.poll(() => page.evaluate(() => sessionStorage.getItem("backgrounds"))).toBe(dark);
});
