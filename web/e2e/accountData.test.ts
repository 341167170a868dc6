import { readFile } from "node:fs/promises";
import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

test("a user exports all data and then erases the account", async ({ page }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.ask("Where do marmots sleep?");
  await ada.expectStatus("completed");
  await page.goto("/settings");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export my data" }).click();
  const archive = await readFile(await (await download).path());
  expect(archive.subarray(0, 2).toString()).toBe("PK");
  expect(archive.includes("manifest.json")).toBe(true);

  await page.getByRole("button", { name: "Erase my account" }).click();
  await page.getByRole("dialog").getByLabel("E-mail").fill(ada.email);
  await page.getByRole("dialog").getByRole("button", { name: "Erase permanently" }).click();
  await expect(page.getByRole("heading", { name: "Account erasure" })).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "keys" })).toBeVisible();
  await expect(page.getByText("In progress")).toHaveCount(0);
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
});
