import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

test("a wrong password is reported, and signing in leads to the requested page", async ({ page }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.signOut();
  await page.goto("/settings");
  await expect(page).toHaveURL(/\/sign-in\?to=/);
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("Incorrect e-mail or password");
  await page.getByLabel("Password").fill("a long enough password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
});

test("signing out in one tab signs out the other", async ({ page, context }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  const other = new User(await context.newPage(), "Ada");
  await other.page.goto("/");
  await expect(other.composer()).toBeVisible();
  await ada.signOut();
  await expect(other.page.getByRole("button", { name: "Sign in" })).toBeVisible();
});

test("a question that is sent with an expired session becomes a draft", async ({ page, context }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.ask("What is Colloquy?");
  await ada.expectStatus("completed");
  await page.route("**/v1/**", (route) => route.fulfill({ status: 401, body: "{}" }));
  await context.clearCookies();
  await ada.composer().fill("A thought that must not be lost");
  await ada.composer().press("Enter");
  await expect(page.getByText("Your session has expired")).toBeVisible();
  await page.unroute("**/v1/**");
  await ada.signIn();
  await expect(ada.composer()).toHaveValue("A thought that must not be lost");
});
