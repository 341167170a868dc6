import { expect } from "@playwright/test";
import { AnotherServer } from "./another.ts";
import { Person } from "./person.ts";
import { ask, population, tokenOf } from "./population.ts";
import { scrollThrough, scrollToTop } from "./scrolling.ts";
import { test } from "./watched.ts";

const MANY = 10_000;

test("ten thousand conversations can be scrolled through, added to and searched", async ({ page }) => {
  test.setTimeout(180_000);
  const ada = new Person(page, "Ada");
  await ada.signUp();
  const server = await AnotherServer.startUnanswered();
  try {
    const listed = await population(page, server.url, MANY);

    await page.goto(server.url);
    await expect(ada.history().getByRole("link").first()).toBeVisible();
    const seen = await scrollThrough(page);
    expect(seen.length).toBe(MANY);
    expect(seen).toEqual(listed);

    await ask(server.url, await tokenOf(page, server.url), "Where do marmots sleep?");
    await scrollToTop(page);
    await expect(ada.history().locator("a[data-conversation]").first()).toContainText("Where do marmots sleep?");

    await page.keyboard.press("Control+k");
    await page.keyboard.type(`"number 4711"`);
    const found = ada.history().getByRole("link").filter({ hasText: "4711" });
    await expect(found.first()).toBeVisible();
    await found.first().click();
    await expect(page.getByRole("article", { name: "You" })).toContainText("Question number 4711");
  } finally {
    await server.stop();
  }
});
