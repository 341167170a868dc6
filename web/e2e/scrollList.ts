// Scrolls the list of conversations in steps, as a mouse wheel does.

import type { JSHandle, Page } from "@playwright/test";

/**
 * Scrolls until the row of the last conversation is rendered. Returns the ids of all rendered rows in the
 * order of their positions. Throws if a row changes its position.
 */
export async function scrollThroughList(page: Page, lastId: string): Promise<string[]> {
  const scroller = await findScroller(page);
  return scroller.evaluate(async (element, last) => {
    const positions = new Map<string, number>();
    while (!positions.has(last)) {
      for (const row of Array.from(element.querySelectorAll<HTMLElement>("a[data-conversation]"))) {
        const position = new DOMMatrix(getComputedStyle(row.closest("li") ?? row).transform).m42;
        const id = row.dataset.conversation ?? "";
        if (positions.has(id) && positions.get(id) !== position) throw new Error("a row has moved");
        positions.set(id, position);
      }
      element.scrollBy(0, 400);
      await new Promise(requestAnimationFrame);
    }
    return [...positions].sort(([, one], [, other]) => one - other).map(([id]) => id);
  }, lastId);
}

/** Scrolls until the row of the last conversation is rendered, with as little other work as possible. */
export async function scrollToRow(page: Page, lastId: string): Promise<void> {
  const scroller = await findScroller(page);
  await scroller.evaluate(async (element, last) => {
    while (!element.querySelector(`a[data-conversation="${last}"]`)) {
      element.scrollBy(0, 400);
      await new Promise(requestAnimationFrame);
    }
  }, lastId);
}

export async function scrollToTop(page: Page): Promise<void> {
  await (await findScroller(page)).evaluate((element) => element.scrollTo(0, 0));
}

function findScroller(page: Page): Promise<JSHandle<HTMLElement>> {
  return page.evaluateHandle(() => {
    let scroller = document.querySelector<HTMLElement>("a[data-conversation]");
    while (scroller && !/auto|scroll/.test(getComputedStyle(scroller).overflowY)) scroller = scroller.parentElement;
    if (!scroller) throw new Error("the page has no list of conversations");
    return scroller;
  });
}
