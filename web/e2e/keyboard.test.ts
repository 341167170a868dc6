import { expect, type Locator, type Page } from "@playwright/test";
import { Person } from "./person.ts";
import { test } from "./watched.ts";

/** More than there are places on any view. */
const MOST_TABS = 60;

test("everything can be done by keyboard alone", async ({ page }) => {
  const ada = new Person(page, "Ada");
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
  await page.keyboard.type("What is Colloquy, slowly?");
  await page.keyboard.press("Enter");
  await expect(ada.answer()).toContainText("word2");
  await page.keyboard.press("Escape");
  await expect(ada.answer()).toHaveAttribute("data-status", "stopped");

  const row = ada.history().getByRole("button", { name: /^Actions/ });
  await tabTo(page, row, "Shift+Tab");
  await page.keyboard.press("Enter");
  await chosen(page, "Rename");
  await expect(page.getByRole("textbox", { name: "Title" })).toBeFocused();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("On patience");
  await page.keyboard.press("Enter");
  await expect(ada.history()).toContainText("On patience");
  await expect(row).toBeFocused();

  await page.keyboard.press("Control+Shift+o");
  await expect(page).toHaveURL(/\/$/);
  await expect(ada.composer()).toBeFocused();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("slowly");
  await tabTo(page, ada.history().getByRole("link").filter({ hasText: "You:" }));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/m=/);
  await expect(page.getByRole("article", { name: "You" })).toContainText("slowly");

  await tabTo(page, page.getByRole("button", { name: /^Account/ }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await chosen(page, "Keyboard shortcuts");
  await expect(page.getByRole("dialog")).toContainText("Stop the answer");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: /^Account/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await chosen(page, "Sign out");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
});

/** Goes on from place to place until it is reached; where one is must be seen on the way. */
async function tabTo(page: Page, place: Locator, key = "Tab"): Promise<void> {
  await expect(place).toBeAttached();
  for (let tabs = 0; tabs < MOST_TABS; tabs++) {
    if (await place.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
    expect(await shownAsFocused(page)).toBe("");
  }
  throw new Error("it is not reached by keyboard");
}

/** Empty, or what has the focus without showing it by itself or by what is around it. */
function shownAsFocused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const focused = document.activeElement;
    if (!focused || focused === document.body) return "";
    const shows = (element: Element | null) => {
      if (!element) return false;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    };
    for (let element: Element | null = focused, up = 0; element && up < 4; element = element.parentElement, up++) {
      if (shows(element)) return "";
    }
    return focused.outerHTML.slice(0, 200);
  });
}

/** Chooses from the open menu. */
async function chosen(page: Page, name: string): Promise<void> {
  const item = page.getByRole("menuitem", { name });
  await expect(item).toBeVisible();
  for (let downs = 0; downs < 12; downs++) {
    if (await item.evaluate((element) => element === document.activeElement)) break;
    await page.keyboard.press("ArrowDown");
  }
  await expect(item).toBeFocused();
  await page.keyboard.press("Enter");
}
