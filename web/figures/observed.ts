// What a browser tells of its own work.

import type { Page } from "@playwright/test";

/** What happened on a page since it was loaded, or since it was last forgotten. Times in milliseconds. */
export interface Observed {
  /** Tasks that took more than 50 ms. */
  longTasks: number[];
  /** The sum of layout shifts without an input before them. */
  shift: number;
  /** From one frame to the next. */
  frames: number[];
  /** From the navigation's start to the first paint of content, and until a question can be typed. */
  painted: number;
  usable: number;
}

/** Has every page loaded from now on observe itself. */
export async function observe(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const observed: Observed = { longTasks: [], shift: 0, frames: [], painted: 0, usable: 0 };
    Object.assign(window, { observed });
    const on = (type: string, take: (entry: PerformanceEntry) => void) =>
      new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
    on("longtask", ({ duration }) => observed.longTasks.push(duration));
    on("paint", ({ name, startTime }) => {
      if (name === "first-contentful-paint") observed.painted = startTime;
    });
    on("layout-shift", (entry) => {
      const { value, hadRecentInput } = entry as PerformanceEntry & { value: number; hadRecentInput: boolean };
      if (!hadRecentInput) observed.shift += value;
    });
    let last: number | undefined;
    const frame = (now: number) => {
      if (last !== undefined) observed.frames.push(now - last);
      last = now;
      if (observed.usable === 0 && document.querySelector("textarea:not([disabled])")) observed.usable = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

/** What was observed. */
export function observed(page: Page): Promise<Observed> {
  return page.evaluate(() => (window as unknown as { observed: Observed }).observed);
}

/** Forgets what was observed so far, before something that is measured alone. */
export function forget(page: Page): Promise<void> {
  return page.evaluate(() => {
    const { observed } = window as unknown as { observed: Observed };
    Object.assign(observed, { longTasks: [], shift: 0, frames: [] });
  });
}

/** The value that this share of them, from 0 to 1, does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
