import { expect } from "@playwright/test";
import { AnotherServer } from "./another.ts";
import { Person } from "./person.ts";
import { ask, population } from "./population.ts";
import { scrollThrough, scrollToTop } from "./scrolling.ts";
import { test } from "./watched.ts";

const MANY = 10_000;

test("ten thousand conversations can be scrolled through, added to and searched", async ({ page }) => {
  test.setTimeout(180_000);
  const ada = new Person(page, "Ada");
  await ada.signUp();
  const server = await AnotherServer.startUnanswered();
  try {
    await population(page, server.url, MANY);
    const { token } = await (await page.request.get(`${server.url}/api/auth/token`)).json();
    const listed = await whenListed(server.url, token, MANY);

    await page.goto(server.url);
    await expect(ada.history().getByRole("link").first()).toBeVisible();
    const seen = await scrollThrough(page);
    expect(seen.length).toBe(MANY);
    expect(seen).toEqual(listed);

    await ask(server.url, token, "Where do marmots sleep?");
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

/** The ids the API lists, once it lists as many. */
async function whenListed(url: string, token: string, number: number): Promise<string[]> {
  let ids: string[] = [];
  await expect(async () => {
    ids = await allIds(url, token);
    expect(ids.length).toBe(number);
  }).toPass({ timeout: 60_000, intervals: [1000] });
  return ids;
}

async function allIds(url: string, token: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const address: string = `${url}/v1/conversations?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
    const page = (await response.json()) as { items: { id: string }[]; next_cursor?: string | null };
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor ?? undefined;
  }
  return ids;
}
