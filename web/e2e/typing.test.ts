import { expect, type Page } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

const QUESTION = "Tell me slowly about typing";

/** Presses a key as an input method does while it composes text. */
async function pressWhileComposing(page: Page, key: string, fields: object): Promise<void> {
  await page.evaluate(
    ([pressed, rest]) => {
      const event = new KeyboardEvent("keydown", { key: pressed, bubbles: true, cancelable: true, ...rest });
      document.activeElement?.dispatchEvent(event);
    },
    [key, fields] as const,
  );
}

test("the keys of an input method neither send a question nor stop its answer", async ({ page, model }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await model.hold(QUESTION, 12);
  await ada.composer().fill(QUESTION);
  // Safari ends the composition before it reports the key.
  await pressWhileComposing(page, "Enter", { keyCode: 229 });
  await pressWhileComposing(page, "Enter", { isComposing: true });
  await expect(ada.composer()).toHaveValue(QUESTION);
  await ada.composer().press("Enter");
  await expect(ada.answer()).toContainText("word10");

  const address = page.url();
  await ada.composer().fill("次の質問");
  await pressWhileComposing(page, "Escape", { isComposing: true });
  await pressWhileComposing(page, "ArrowDown", { altKey: true, keyCode: 229 });
  await expect(page).toHaveURL(address);
  await model.release(QUESTION);
  await ada.expectStatus("completed");

  await page.getByRole("button", { name: "Edit" }).click();
  const editor = page.getByRole("textbox", { name: "Edit your question" });
  await editor.fill("Käse");
  await pressWhileComposing(page, "Escape", { keyCode: 229 });
  await expect(editor).toHaveValue("Käse");
  await editor.press("Escape");
  await expect(editor).toHaveCount(0);
});

test("Enter starts a new line on a phone, and the button sends", async ({ browser, baseURL }) => {
  const context = await browser.newContext({
    ...(baseURL && { baseURL }),
    hasTouch: true,
    isMobile: true,
    viewport: { width: 400, height: 800 },
  });
  const page = await context.newPage();
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.composer().fill("First line");
  await ada.composer().press("Enter");
  await ada.composer().pressSequentially("second line");
  await expect(ada.composer()).toHaveValue("First line\nsecond line");
  await page.getByRole("button", { name: "Send" }).tap();
  await expect(page.getByRole("article", { name: "You" })).toContainText("second line");
  await context.close();
});

test("an answer is copied without a secure context, and a failure is reported", async ({ page, context }) => {
  await context.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.ask("What is copied?");
  await ada.expectStatus("completed");
  await ada.answer().getByRole("button", { name: "Copy" }).click();
  await expect(ada.answer().getByRole("button", { name: "Copied" })).toBeVisible();
  await ada.composer().press("Control+v");
  await expect(ada.composer()).toHaveValue(/word1 word2/);

  await page.evaluate(() => Object.defineProperty(document, "execCommand", { value: () => false }));
  await page.getByRole("article", { name: "You" }).getByRole("button", { name: "Copy" }).click();
  await expect(page.getByText("could not be copied")).toBeVisible();
});
