import { expect, type Page, test } from "@playwright/test";
import { AnotherServer } from "./another.ts";
import { Person } from "./person.ts";
import { ask, population } from "./population.ts";

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
    const seen = await seenWhileScrolling(page);
    expect(seen.length).toBe(MANY);
    expect(seen).toEqual(listed);

    await ask(server.url, token, "Where do marmots sleep?");
    await scrollTo(page, 0);
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

/** Scrolls the list to its end as a wheel does; each conversation by its place, which must be the same whenever it is drawn. */
function seenWhileScrolling(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const list = document.querySelector("a[data-conversation]")?.closest("ul");
    let scroller: HTMLElement | null = list ?? null;
    while (scroller && !/auto|scroll/.test(getComputedStyle(scroller).overflowY)) scroller = scroller.parentElement;
    if (!list || !scroller) throw new Error("there is no list");
    const places = new Map<string, number>();
    const note = () => {
      for (const row of Array.from(list.querySelectorAll<HTMLElement>("a[data-conversation]"))) {
        const place = new DOMMatrix(getComputedStyle(row.closest("li") ?? row).transform).m42;
        const id = row.dataset.conversation ?? "";
        if (places.has(id) && places.get(id) !== place) throw new Error("a row has moved");
        places.set(id, place);
      }
    };
    for (let still = 0; still < 120; ) {
      note();
      const before = scroller.scrollTop;
      scroller.scrollBy(0, 400);
      await new Promise(requestAnimationFrame);
      still = scroller.scrollTop === before ? still + 1 : 0;
    }
    note();
    return [...places].sort(([, one], [, other]) => one - other).map(([id]) => id);
  });
}

async function scrollTo(page: Page, top: number): Promise<void> {
  await page.evaluate((to) => {
    let scroller = document.querySelector<HTMLElement>("a[data-conversation]");
    while (scroller && !/auto|scroll/.test(getComputedStyle(scroller).overflowY)) scroller = scroller.parentElement;
    scroller?.scrollTo(0, to);
  }, top);
}
