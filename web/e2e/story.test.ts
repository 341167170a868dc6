import { expect } from "@playwright/test";
import { Person, watchAnswer } from "./person.ts";
import { test } from "./watched.ts";

const QUESTION = "What is Colloquy?";
/** Fewer steps than this and the answer came at once rather than word by word. */
const LEAST_STEPS = 5;

test("a person asks, watches the cited answer arrive, and finds it again; nobody else sees it", async ({
  page,
  browser,
}) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await expect(ada.history()).toContainText("What you ask will be kept here");

  const lengths = await watchAnswer(page);
  await ada.ask(QUESTION);
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  expect((await lengths()).length).toBeGreaterThan(LEAST_STEPS);

  const mark = ada
    .answer()
    .getByRole("button", { name: /^Source \d/ })
    .first();
  await mark.click();
  await expect(page.getByRole("dialog")).toContainText(/\w{3,}/);
  await page.keyboard.press("Escape");
  const text = (await ada.answer().textContent()) ?? "";
  const address = page.url();

  await page.reload();
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  await expect(ada.answer()).toHaveText(text);
  await page.goto("/");
  await ada.history().getByRole("link").first().click();
  await expect(page).toHaveURL(address);
  await expect(ada.answer()).toContainText(/\w{3,}/);

  await ada.signOut();
  await page.goto(address);
  await ada.signIn();
  await expect(page).toHaveURL(address);
  await expect(page.getByRole("article", { name: "You" })).toContainText(QUESTION);
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");

  const elsewhere = await browser.newContext();
  const grace = new Person(await elsewhere.newPage(), "Grace");
  await grace.signUp();
  await expect(grace.history()).toContainText("What you ask will be kept here");
  await grace.page.goto(address);
  await expect(grace.page.getByText("This conversation does not exist")).toBeVisible();
  await elsewhere.close();
});

test("a wrong password is told in words, and the page asked for waits behind the door", async ({ page }) => {
  const nobody = new Person(page, "Nobody");
  await page.goto("/c/01900000-0000-7000-8000-000000000000");
  await expect(page).toHaveURL(/\/sign-in\?to=/);
  await page.getByLabel("E-mail").fill(nobody.email);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("do not match");
});
