// Measures the page; nothing here can fail but what keeps it from measuring.

import { readdir, stat } from "node:fs/promises";
import { expect, type Page, test } from "@playwright/test";
import { AnotherServer } from "../e2e/another.ts";
import { Person } from "../e2e/person.ts";
import { population } from "../e2e/population.ts";
import { scrollDown } from "../e2e/scrolling.ts";
import { forget, type Observed, observe, observed, quantile } from "./observed.ts";
import { type Figure, publish } from "./table.ts";

const ASSETS = new URL("../dist/assets/", import.meta.url);
const RELOADS = 9;
/** After this long a page that was loaded has done what it does; the stream it follows keeps the network busy for ever. */
const SETTLED_MS = 2000;
const MANY = 10_000;

const ms = (value: number) => `${value.toFixed(0)} ms`;
const kB = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;

test("the page", async ({ page, browser }) => {
  await observe(page);
  const ada = new Person(page, "Ada");
  await ada.signUp();
  const figures = [
    ...(await scripts(page)),
    ...(await loading(page)),
    ...(await streaming(ada)),
    ...(await scrolling(ada)),
  ];
  await publish(figures, browser.version());
});

async function scripts(page: Page): Promise<Figure[]> {
  const sizes: Promise<number>[] = [];
  page.on("requestfinished", (request) => {
    if (request.resourceType() === "script")
      sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
  });
  const session = await page.context().newCDPSession(page);
  await session.send("Network.clearBrowserCache");
  await session.detach();
  await page.goto("/");
  await page.waitForTimeout(SETTLED_MS);
  const first = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  page.removeAllListeners("requestfinished");
  const packed = (await readdir(ASSETS)).filter((name) => name.endsWith(".js.gz"));
  const all = (await Promise.all(packed.map((name) => stat(new URL(name, ASSETS))))).reduce(
    (sum, { size }) => sum + size,
    0,
  );
  return [
    { what: "script of the first load of the chat route, gzip", ours: kB(first), limit: "200 kB" },
    { what: "all script there is, most of it fetched when it is needed, gzip", ours: kB(all), limit: "" },
  ];
}

/** The first load, with an empty cache each time. */
async function loading(page: Page): Promise<Figure[]> {
  const loads: Observed[] = [];
  const session = await page.context().newCDPSession(page);
  for (let reload = 0; reload < RELOADS; reload++) {
    await session.send("Network.clearBrowserCache");
    await page.reload();
    await page.waitForTimeout(SETTLED_MS);
    loads.push(await observed(page));
  }
  await session.detach();
  const median = (of: (load: Observed) => number) => quantile(loads.map(of), 0.5);
  const shift = Math.max(...loads.map((load) => load.shift));
  return [
    {
      what: "first paint of content, nothing in the browser's cache",
      ours: ms(median((load) => load.painted)),
      limit: "",
    },
    { what: "a question can be typed (interactive)", ours: ms(median((load) => load.usable)), limit: "1,000 ms" },
    { what: "longest task while loading", ours: longest(loads.flatMap((load) => load.longTasks)), limit: "" },
    { what: "layout shift while loading (CLS)", ours: shift.toFixed(3), limit: "" },
  ];
}

/** An answer of 100 kB, 100 pieces a second. */
async function streaming(ada: Person): Promise<Figure[]> {
  await ada.ask("What is Colloquy, at length?");
  await expect(ada.answer()).toContainText("Part 1");
  await forget(ada.page);
  // To look for an answer by its role, as stories do, would take long tasks of its own.
  const completed = () => document.querySelector('article[data-status="completed"]') !== null;
  await ada.page.waitForFunction(completed, undefined, { polling: 500 });
  const { frames, longTasks, shift } = await observed(ada.page);
  const missed = frames.filter((frame) => frame > 32).length;
  return [
    {
      what: "frames while an answer of 100 kB streams at 100 pieces a second, p95",
      ours: ms(quantile(frames, 0.95)),
      limit: "32 ms",
    },
    {
      what: `… the longest of ${frames.length}, and how many took more than 32 ms`,
      ours: `${ms(Math.max(...frames))}, ${missed}`,
      limit: "32 ms",
    },
    { what: "… longest task", ours: longest(longTasks), limit: "" },
    { what: "… layout shift", ours: shift.toFixed(3), limit: "" },
  ];
}

async function scrolling({ page }: Person): Promise<Figure[]> {
  const server = await AnotherServer.startUnanswered();
  try {
    const listed = await population(page, server.url, MANY);
    await page.goto(server.url);
    await expect(page.locator("a[data-conversation]").first()).toBeVisible();
    await forget(page);
    await scrollDown(page);
    const { frames, longTasks } = await observed(page);
    return [
      {
        what: `longest task while ${listed.length.toLocaleString("en")} conversations are scrolled through and fetched`,
        ours: longest(longTasks),
        limit: "50 ms",
      },
      { what: "… frames, p95", ours: ms(quantile(frames, 0.95)), limit: "" },
    ];
  } finally {
    await server.stop();
  }
}

function longest(tasks: readonly number[]): string {
  return tasks.length === 0 ? "none over 50 ms" : `${ms(Math.max(...tasks))} (${tasks.length} over 50 ms)`;
}
