import { expect, type Locator, type Page } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

/** More than any page has focusable elements. */
const MAX_TABS = 60;
const MAX_MENU_ITEMS = 12;

const QUESTION = "What is Colloquy, slowly?";

test("the page can be used by keyboard alone", async ({ page, model }) => {
  const ada = new User(page, "Ada");
  await page.goto("/");
  await tabTo(page, page.getByRole("link", { name: "Create an account" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByLabel("Name"));
  await page.keyboard.type("Ada");
  await tabTo(page, page.getByLabel("E-mail"));
  await page.keyboard.type(ada.email);
  await tabTo(page, page.getByLabel("Password"));
  await page.keyboard.type("a long enough password");
  await page.keyboard.press("Enter");

  await expect(ada.composer()).toBeFocused();
  await model.hold(QUESTION, 12);
  await page.keyboard.type(QUESTION);
  await page.keyboard.press("Enter");
  await expect(ada.answer()).toContainText("word10");
  await page.keyboard.press("Escape");
  await ada.expectStatus("stopped");

  const row = ada.list().getByRole("button", { name: /^Actions/ });
  await tabTo(page, row, "Shift+Tab");
  await page.keyboard.press("Enter");
  await chooseMenuItem(page, "Rename");
  await expect(page.getByRole("textbox", { name: "Title" })).toBeFocused();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("On patience");
  await page.keyboard.press("Enter");
  await expect(ada.list()).toContainText("On patience");
  await expect(row).toBeFocused();

  await page.keyboard.press("Control+Shift+o");
  await expect(page).toHaveURL(/\/$/);
  await expect(ada.composer()).toBeFocused();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("slowly");
  await tabTo(page, ada.list().getByRole("link").filter({ hasText: "You:" }));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/m=/);
  await expect(page.getByRole("article", { name: "You" })).toContainText("slowly");

  await tabTo(page, page.getByRole("button", { name: /^Account/ }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await chooseMenuItem(page, "Keyboard shortcuts");
  await expect(page.getByRole("dialog")).toContainText("Stop the answer");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: /^Account/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await chooseMenuItem(page, "Sign out");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
});

/**
 * Presses a key until the target has the focus. Each focused element on the way must have a
 * visible focus style.
 */
async function tabTo(page: Page, target: Locator, key = "Tab"): Promise<void> {
  await expect(target).toBeAttached();
  for (let tabs = 0; tabs < MAX_TABS; tabs++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
    expect(await elementWithoutFocusStyle(page)).toBe("");
  }
  throw new Error("the element cannot be reached by keyboard");
}

/** The focused element if neither it nor its surroundings show the focus, else an empty string. */
function elementWithoutFocusStyle(page: Page): Promise<string> {
  return page.evaluate(() => {
    const focused = document.activeElement;
    if (!focused || focused === document.body) return "";
    const showsFocus = (element: Element) => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    };
    for (let element: Element | null = focused, level = 0; element && level < 4; level++) {
      if (showsFocus(element)) return "";
      element = element.parentElement;
    }
    return focused.outerHTML.slice(0, 200);
  });
}

async function chooseMenuItem(page: Page, name: string): Promise<void> {
  const item = page.getByRole("menuitem", { name });
  await expect(item).toBeVisible();
  for (let presses = 0; presses < MAX_MENU_ITEMS; presses++) {
    if (await item.evaluate((element) => element === document.activeElement)) break;
    await page.keyboard.press("ArrowDown");
  }
  await expect(item).toBeFocused();
  await page.keyboard.press("Enter");
}
