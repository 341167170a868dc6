import { randomUUID } from "node:crypto";
import { expect, type Page } from "@playwright/test";
import { test } from "./fixtures.ts";
import { runCommand } from "./testServer.ts";

const PASSWORD = "a long enough password";

/** Answers as an account service with another configuration would. */
async function answerWith(page: Page, path: string, json: object, status = 200): Promise<void> {
  await page.route(`**/api/auth/${path}`, (route) => route.fulfill({ status, json }));
}

async function fillForm(page: Page, email: string): Promise<void> {
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
}

test("the link of an invitation fills in its code and gives its role", async ({ page }) => {
  const email = `${randomUUID()}@example.test`;
  const { hash } = new URL(await runCommand("invite", email, "--role", "auditor"));
  await page.goto(`/sign-up${hash}`);
  await expect(page.getByLabel("Invitation code")).toHaveValue(hash.replace("#invitation=", ""));
  await expect(page).toHaveURL(/\/sign-up$/);
  await fillForm(page, email);
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page.getByRole("textbox", { name: "Your question" })).toBeVisible();
  await page.getByRole("button", { name: /^Account/ }).click();
  await expect(page.getByRole("menuitem", { name: "Audit" })).toBeVisible();
});

test("an invitation for another address is refused", async ({ page }) => {
  const { hash } = new URL(await runCommand("invite", `${randomUUID()}@example.test`));
  await page.goto(`/sign-up${hash}`);
  await fillForm(page, `${randomUUID()}@example.test`);
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page.getByRole("alert")).toContainText("The invitation is for another address");
});

test("the page offers no sign-up where it is closed, and a field for a code where people are invited", async ({
  page,
}) => {
  const offers = { verifiesEmail: false, resetsPasswords: false };
  await answerWith(page, "offers", { ...offers, signUp: "closed" });
  const offered = page.waitForResponse(/offers$/);
  await page.goto("/sign-in");
  await offered;
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Create an account" })).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Forgot your password?" })).toHaveCount(0);
  await page.goto("/sign-up");
  await expect(page.getByRole("status")).toContainText("Nobody can sign up here");
  await expect(page.getByLabel("Password")).toHaveCount(0);
  await answerWith(page, "offers", { ...offers, signUp: "invite" });
  await page.goto("/sign-in");
  await page.getByRole("link", { name: "Sign up with an invitation" }).click();
  await expect(page.getByLabel("Invitation code")).toHaveAttribute("required", "");
});

test("a new account waits for the confirmation of its address", async ({ page }) => {
  await answerWith(page, "offers", { signUp: "open", verifiesEmail: true, resetsPasswords: true });
  await answerWith(page, "sign-up/email", { token: null, user: {} });
  await answerWith(page, "send-verification-email", { status: true });
  await page.goto("/sign-up");
  await fillForm(page, "ada@example.test");
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page.getByRole("heading", { name: "Confirm your e-mail" })).toBeVisible();
  await expect(page.getByRole("status")).toContainText("ada@example.test");
  await page.getByRole("button", { name: "Send another link" }).click();
  await expect(page.getByRole("status")).toContainText("another link");

  await answerWith(page, "confirm-email", { code: "INVALID_EMAIL_OR_PASSWORD" }, 401);
  await page.goto("/confirm-email#token=abc");
  await expect(page).toHaveURL(/\/confirm-email$/);
  await page.getByLabel("Password").fill(PASSWORD);
  const sent = page.waitForRequest(/confirm-email$/);
  await page.getByRole("button", { name: "Confirm" }).click();
  expect((await sent).postDataJSON()).toEqual({ token: "abc", password: PASSWORD });
  await expect(page.getByRole("alert")).toContainText("not the password of the account");
});
