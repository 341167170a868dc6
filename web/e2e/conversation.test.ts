import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

const QUESTION = "What is Colloquy?";

test("a user asks, reads the cited answer while it is written, and finds it again; no other user sees it", async ({
  page,
  browser,
  model,
}) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await expect(ada.list()).toContainText("Your conversations will appear here");

  await model.hold(QUESTION, 12);
  await ada.ask(QUESTION);
  await expect(ada.answer()).toContainText("word10");
  await ada.expectStatus("streaming");
  await expect(ada.answer()).not.toContainText("word20");
  await model.allow(QUESTION, 42);
  await expect(ada.answer()).toContainText("word40");
  await ada.expectStatus("streaming");
  await expect(ada.answer()).not.toContainText("word50");
  await model.release(QUESTION);
  await ada.expectStatus("completed");

  const mark = ada.answer().getByRole("button", { name: /^Source \d/ });
  await mark.first().click();
  await expect(page.getByRole("dialog")).toContainText(/\w{3,}/);
  await page.keyboard.press("Escape");
  const text = (await ada.answer().textContent()) ?? "";
  const address = page.url();

  await page.reload();
  await ada.expectStatus("completed");
  await expect(ada.answer()).toHaveText(text);
  await page.goto("/");
  await ada.list().getByRole("link").first().click();
  await expect(page).toHaveURL(address);
  await expect(ada.answer()).toContainText(/\w{3,}/);

  await ada.signOut();
  await page.goto(address);
  await ada.signIn();
  await expect(page).toHaveURL(address);
  await expect(page.getByRole("article", { name: "You" })).toContainText(QUESTION);
  await ada.expectStatus("completed");

  const otherContext = await browser.newContext();
  const grace = new User(await otherContext.newPage(), "Grace");
  await grace.signUp();
  await expect(grace.list()).toContainText("Your conversations will appear here");
  await grace.page.goto(address);
  await expect(grace.page.getByText("Conversation not found")).toBeVisible();
  await otherContext.close();
});

test("questions and answers have versions, and the user can switch between them", async ({ page }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.ask("What is Colloquy?");
  await ada.expectStatus("completed");
  await ada.answer().getByRole("button", { name: "Regenerate" }).click();
  await expect(ada.answer().getByRole("img", { name: "2 of 2" })).toBeVisible();
  await ada.expectStatus("completed");
  await ada.ask("And then?");
  await ada.expectStatus("completed");
  await page.getByRole("button", { name: "Edit" }).last().click();
  await page.getByLabel("Edit your question").fill("And before?");
  await page.getByLabel("Edit your question").press("Enter");
  const question = page.getByRole("article", { name: "You" }).last();
  await expect(question).toContainText("And before?");
  await ada.expectStatus("completed");
  await question.getByRole("button", { name: "Previous version" }).click();
  await expect(question).toContainText("And then?");
});

test("a rating and its comment are kept", async ({ page }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.ask("What is Colloquy?");
  await ada.expectStatus("completed");
  const good = ada.answer().getByRole("button", { name: "Good answer" });
  await ada.expectCommand(() => good.click());
  await page.getByLabel(/good or bad/).fill("It was short");
  await ada.expectCommand(() => ada.answer().getByRole("button", { name: "Send", exact: true }).click());
  await expect(page.getByLabel(/good or bad/)).toHaveCount(0);
  await page.reload();
  await expect(good).toHaveAttribute("aria-pressed", "true");
});
