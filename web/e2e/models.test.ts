import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

const QUESTION = "What is Colloquy?";
const MODELS = ["Large", "Small"].map((name) => ({
  name,
  is_default: name === "Large",
  context: 8192,
  prompt_price: 0,
  completion_price: 0,
}));

test("a user reads why an answer came about", async ({ page }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.ask(QUESTION);
  await ada.expectStatus("completed");
  await ada.answer().getByRole("button", { name: "Why this answer" }).click();
  const dialog = page.getByRole("dialog", { name: "Why this answer" });
  await expect(dialog).toContainText("scripted");
  const passages = dialog.getByRole("table", { name: "Passages that were found" });
  await expect(passages.getByRole("row").filter({ hasText: "Answered from" }).first()).toContainText("no.");
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
});

test("with several language models, a user chooses one for a question and another one for a further answer", async ({
  page,
}) => {
  const chosen: unknown[] = [];
  await page.route("**/v1/models", (route) => route.fulfill({ json: { items: MODELS } }));
  // The service offers one model: the page's choice is read from the command, which is sent on without it.
  await page.route("**/commands", async (route) => {
    const { model, ...command } = route.request().postDataJSON();
    chosen.push(model);
    await route.continue({ postData: command });
  });
  const ada = new User(page, "Ada");
  await ada.signUp();
  const picker = page.getByRole("combobox", { name: "Language model" });
  await expect(picker).toHaveValue("Large");
  await picker.selectOption("Small");
  await ada.ask(QUESTION);
  await ada.expectStatus("completed");
  await ada.answer().getByRole("button", { name: "Regenerate" }).click();
  await page.getByRole("menuitem", { name: "Large" }).click();
  await expect(ada.answer().getByRole("img", { name: "2 of 2" })).toBeVisible();
  await ada.expectStatus("completed");
  expect(chosen).toEqual(["Small", "Large"]);
});
