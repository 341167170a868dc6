import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { scrollThroughList, scrollToTop } from "./scrollList.ts";
import { fetchToken, seedConversations, startConversation } from "./seedConversations.ts";
import { TestServer } from "./testServer.ts";
import { User } from "./user.ts";

const COUNT = 3_000;

test("a list of three thousand conversations can be scrolled, extended and searched", async ({ page }) => {
  test.setTimeout(600_000);
  const ada = new User(page, "Ada");
  await ada.signUp();
  const server = await TestServer.startWithoutWorker();
  try {
    const ids = await seedConversations(page, server.url, COUNT);

    await page.goto(server.url);
    const rows = ada.list().locator("a[data-conversation]");
    await expect(rows.first()).toBeVisible();
    expect(await scrollThroughList(page, ids.at(-1) ?? "")).toEqual(ids);

    await startConversation(server.url, await fetchToken(page, server.url), "Where do marmots sleep?");
    await scrollToTop(page);
    await expect(rows.first()).toContainText("Where do marmots sleep?");

    await page.keyboard.press("Control+k");
    await page.keyboard.type(`"number 2711"`);
    const hit = ada.list().getByRole("link").filter({ hasText: "2711" }).first();
    await expect(hit).toBeVisible();
    await hit.click();
    await expect(page.getByRole("article", { name: "You" })).toContainText("Question number 2711");
  } finally {
    await server.stop();
  }
});
