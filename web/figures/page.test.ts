// Measures the page. The figures are published, not judged.

import { readdir, stat } from "node:fs/promises";
import { expect, type Page, test } from "@playwright/test";
import { scrollToRow } from "../e2e/scrollList.ts";
import { seedConversations } from "../e2e/seedConversations.ts";
import { TestServer } from "../e2e/testServer.ts";
import { User } from "../e2e/user.ts";
import {
  type Measurements,
  quantile,
  readMeasurements,
  resetMeasurements,
  startRecording,
} from "./performanceRecorder.ts";
import { type Figure, publishFigures } from "./publishFigures.ts";

const ASSETS = new URL("../dist/assets/", import.meta.url);
const RELOADS = 9;
/** Recording time of a load. The network never becomes idle, because the page follows a stream. */
const LOAD_MS = 2000;
const CONVERSATIONS = 10_000;
const FRAME_LIMIT_MS = 32;

const formatMs = (value: number) => `${value.toFixed(0)} ms`;
const formatKb = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test("the page", async ({ page, browser }) => {
  await startRecording(page);
  const ada = new User(page, "Ada");
  await ada.signUp();
  const figures = [
    ...(await measureScripts(page)),
    ...(await measureLoads(page)),
    ...(await measureStreaming(ada)),
    ...(await measureScrolling(ada)),
  ];
  await publishFigures(figures, browser.version());
});

async function measureScripts(page: Page): Promise<Figure[]> {
  const sizes: Promise<number>[] = [];
  page.on("requestfinished", (request) => {
    if (request.resourceType() !== "script") return;
    sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
  });
  const session = await page.context().newCDPSession(page);
  await session.send("Network.clearBrowserCache");
  await session.detach();
  await page.goto("/");
  await page.waitForTimeout(LOAD_MS);
  const firstLoad = sum(await Promise.all(sizes));
  page.removeAllListeners("requestfinished");
  const names = (await readdir(ASSETS)).filter((name) => name.endsWith(".js.gz"));
  const files = await Promise.all(names.map((name) => stat(new URL(name, ASSETS))));
  const total = sum(files.map(({ size }) => size));
  return [
    { name: "scripts of the first load of a conversation, gzip", value: formatKb(firstLoad), limit: "200 kB" },
    { name: "all scripts, most of them loaded on demand, gzip", value: formatKb(total), limit: "" },
  ];
}

/** Loads the page several times with an empty browser cache. */
async function measureLoads(page: Page): Promise<Figure[]> {
  const loads: Measurements[] = [];
  const session = await page.context().newCDPSession(page);
  for (let reload = 0; reload < RELOADS; reload++) {
    await session.send("Network.clearBrowserCache");
    await page.reload();
    await page.waitForTimeout(LOAD_MS);
    loads.push(await readMeasurements(page));
  }
  await session.detach();
  const median = (values: number[]) => formatMs(quantile(values, 0.5));
  const layoutShift = Math.max(...loads.map((load) => load.layoutShift));
  return [
    {
      name: "first contentful paint, empty browser cache",
      value: median(loads.map(({ firstPaint }) => firstPaint)),
      limit: "",
    },
    {
      name: "time until a question can be typed",
      value: median(loads.map(({ interactive }) => interactive)),
      limit: "1,000 ms",
    },
    { name: "longest task of a load", value: longestTask(loads.flatMap(({ longTasks }) => longTasks)), limit: "" },
    { name: "layout shift of a load (CLS)", value: layoutShift.toFixed(3), limit: "" },
  ];
}

/** Streams an answer of 100 kB with 100 deltas a second. */
async function measureStreaming(ada: User): Promise<Figure[]> {
  await ada.ask("What is Colloquy, at length?");
  await expect(ada.answer()).toContainText("Part 1");
  await resetMeasurements(ada.page);
  // A search by role, as in the tests, would itself cause long tasks.
  const isCompleted = () => document.querySelector('article[data-status="completed"]') !== null;
  await ada.page.waitForFunction(isCompleted, undefined, { polling: 500 });
  const { frames, longTasks, layoutShift } = await readMeasurements(ada.page);
  const missed = frames.filter((frame) => frame > FRAME_LIMIT_MS).length;
  return [
    {
      name: "frame interval while an answer of 100 kB streams with 100 deltas a second, p95",
      value: formatMs(quantile(frames, 0.95)),
      limit: "32 ms",
    },
    {
      name: `… longest of ${frames.length}, and the number above 32 ms`,
      value: `${formatMs(Math.max(...frames))}, ${missed}`,
      limit: "32 ms",
    },
    { name: "… longest task", value: longestTask(longTasks), limit: "" },
    { name: "… layout shift", value: layoutShift.toFixed(3), limit: "" },
  ];
}

async function measureScrolling({ page }: User): Promise<Figure[]> {
  const server = await TestServer.startWithoutWorker();
  try {
    const ids = await seedConversations(page, server.url, CONVERSATIONS);
    await page.goto(server.url);
    await expect(page.locator("a[data-conversation]").first()).toBeVisible();
    await resetMeasurements(page);
    await scrollToRow(page, ids.at(-1) ?? "");
    const { frames, longTasks } = await readMeasurements(page);
    return [
      {
        name: `longest task while ${CONVERSATIONS.toLocaleString("en")} conversations are scrolled and fetched`,
        value: longestTask(longTasks),
        limit: "50 ms",
      },
      { name: "… frame interval, p95", value: formatMs(quantile(frames, 0.95)), limit: "" },
    ];
  } finally {
    await server.stop();
  }
}

function longestTask(durations: readonly number[]): string {
  if (durations.length === 0) return "none over 50 ms";
  return `${formatMs(Math.max(...durations))} (${durations.length} over 50 ms)`;
}
