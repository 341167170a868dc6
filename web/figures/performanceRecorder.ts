// Records performance measurements of the browser.

import type { Page } from "@playwright/test";

/** Measurements of a page since it was loaded or last reset, in milliseconds. */
export interface Measurements {
  /** Durations of tasks longer than 50 ms. */
  longTasks: number[];
  /** Cumulative layout shift (CLS), without shifts after user input. */
  layoutShift: number;
  /** Intervals between frames. */
  frames: number[];
  /** From the start of the navigation to the first contentful paint. */
  firstPaint: number;
  /** From the start of the navigation to the first frame in which a question can be typed. */
  interactive: number;
}

/** Starts recording on every page that is loaded from now on. */
export async function startRecording(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const measurements: Measurements = { longTasks: [], layoutShift: 0, frames: [], firstPaint: 0, interactive: 0 };
    window.measurements = measurements;
    const observe = (type: string, record: (entry: PerformanceEntry) => void) =>
      new PerformanceObserver((list) => list.getEntries().forEach(record)).observe({ type, buffered: true });
    observe("longtask", ({ duration }) => measurements.longTasks.push(duration));
    observe("paint", ({ name, startTime }) => {
      if (name === "first-contentful-paint") measurements.firstPaint = startTime;
    });
    observe("layout-shift", (entry) => {
      const { value = 0, hadRecentInput = false }: LayoutShift = entry;
      if (!hadRecentInput) measurements.layoutShift += value;
    });
    let previous: number | undefined;
    const onFrame = (now: number) => {
      if (previous !== undefined) measurements.frames.push(now - previous);
      previous = now;
      if (measurements.interactive === 0 && document.querySelector("textarea:not([disabled])")) {
        measurements.interactive = now;
      }
      requestAnimationFrame(onFrame);
    };
    requestAnimationFrame(onFrame);
  });
}

export function readMeasurements(page: Page): Promise<Measurements> {
  return page.evaluate(() => window.measurements);
}

/** Discards the measurements so far, except those of the load. */
export function resetMeasurements(page: Page): Promise<void> {
  return page.evaluate(() => {
    Object.assign(window.measurements, { longTasks: [], layoutShift: 0, frames: [] });
  });
}

/** The value that a share of the values, from 0 to 1, does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** The fields of a `layout-shift` entry, which the DOM types lack. */
interface LayoutShift extends PerformanceEntry {
  value?: number;
  hadRecentInput?: boolean;
}

declare global {
  interface Window {
    measurements: Measurements;
  }
}
