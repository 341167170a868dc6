import { expect } from "@playwright/test";
import { Person } from "./person.ts";
import { test } from "./watched.ts";

test("questions and answers have versions, and one can go between them", async ({ page }) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await ada.ask("What is Colloquy?");
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  await ada.answer().getByRole("button", { name: "Answer anew" }).click();
  await expect(ada.answer().getByRole("img", { name: "2 of 2" })).toBeVisible();
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  await ada.ask("And then?");
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  await page.getByRole("button", { name: "Edit" }).last().click();
  await page.getByLabel("Edit your question").fill("And before?");
  await page.getByLabel("Edit your question").press("Enter");
  const question = page.getByRole("article", { name: "You" }).last();
  await expect(question).toContainText("And before?");
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  await question.getByRole("button", { name: "Previous version" }).click();
  await expect(question).toContainText("And then?");
  await ada.answer().getByRole("button", { name: "Good answer" }).click();
  await page.getByLabel(/good or bad/).fill("It was short");
  await page.getByRole("button", { name: "Send", exact: true }).first().click();
  await page.reload();
  await expect(question).toContainText("And then?");
  await expect(ada.answer().getByRole("button", { name: "Good answer" })).toHaveAttribute("aria-pressed", "true");
});

test("the history is tidied, searched and filtered, and a deletion can be taken back", async ({ page }) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await ada.ask("Where do marmots sleep?");
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  const act = async (name: string) => {
    await ada.history().getByRole("link").first().hover();
    await ada
      .history()
      .getByRole("button", { name: /^Actions/ })
      .first()
      .click();
    await page.getByRole("menuitem", { name }).click();
  };
  await act("Rename");
  await page.getByRole("textbox", { name: "Title" }).fill("On marmots");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(ada.history()).toContainText("On marmots");
  await act("Tags");
  await page.getByRole("textbox", { name: /^Tags/ }).fill("alps, sleep");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(ada.history()).toContainText("alps");
  await act("Pin");
  await expect(ada.history()).toContainText("Pinned");
  await page.goto("/?tag=alps&pinned=true");
  await expect(ada.history()).toContainText("On marmots");
  await page.goto("/?tag=sea");
  await expect(ada.history()).toContainText("Nothing here fits");
  await page.getByRole("button", { name: "1 filter" }).click();
  await page.getByRole("button", { name: "Reset" }).click();
  await expect(ada.history()).toContainText("On marmots");
  await page.goto("/");
  await expect(ada.history()).toContainText("On marmots");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("marmots");
  await expect(ada.history().locator("mark").first()).toHaveText(/marmots?/i);
  await ada.history().getByRole("link").filter({ hasText: "You:" }).click();
  await expect(page).toHaveURL(/m=/);
  await page.getByRole("button", { name: "Clear search" }).click();
  await act("Delete");
  await expect(ada.history()).toContainText("What you ask will be kept here");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(ada.history()).toContainText("On marmots");
});
