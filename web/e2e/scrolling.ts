// The list of conversations, scrolled as a wheel does.

import type { JSHandle, Page } from "@playwright/test";

/** Scrolls the list to its end; each conversation by its place, which must be the same whenever it is drawn. */
export async function scrollThrough(page: Page): Promise<string[]> {
  const scroller = await scrollerOf(page);
  return scroller.evaluate(async (element) => {
    const places = new Map<string, number>();
    const note = () => {
      for (const row of Array.from(element.querySelectorAll<HTMLElement>("a[data-conversation]"))) {
        const place = new DOMMatrix(getComputedStyle(row.closest("li") ?? row).transform).m42;
        const id = row.dataset.conversation ?? "";
        if (places.has(id) && places.get(id) !== place) throw new Error("a row has moved");
        places.set(id, place);
      }
    };
    for (let still = 0; still < 120; ) {
      note();
      const before = element.scrollTop;
      element.scrollBy(0, 400);
      await new Promise(requestAnimationFrame);
      still = element.scrollTop === before ? still + 1 : 0;
    }
    note();
    return [...places].sort(([, one], [, other]) => one - other).map(([id]) => id);
  });
}

/** Scrolls the list to its end and does nothing besides. */
export async function scrollDown(page: Page): Promise<void> {
  await (await scrollerOf(page)).evaluate(async (element) => {
    for (let still = 0; still < 60; ) {
      const before = element.scrollTop;
      element.scrollBy(0, 400);
      await new Promise(requestAnimationFrame);
      still = element.scrollTop === before ? still + 1 : 0;
    }
  });
}

export async function scrollToTop(page: Page): Promise<void> {
  await (await scrollerOf(page)).evaluate((element) => element.scrollTo(0, 0));
}

function scrollerOf(page: Page): Promise<JSHandle<HTMLElement>> {
  return page.evaluateHandle(() => {
    let scroller = document.querySelector<HTMLElement>("a[data-conversation]");
    while (scroller && !/auto|scroll/.test(getComputedStyle(scroller).overflowY)) scroller = scroller.parentElement;
    if (!scroller) throw new Error("there is no list");
    return scroller;
  });
}
