import { type BrowserContext, expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

const QUESTION = "Tell me slowly how many tabs there are";
/** More than the connections that a browser opens to a host over HTTP/1.1. */
const TABS = 8;

/** Opens a tab that shows the answer in progress. */
async function openTab(context: BrowserContext, address: string): Promise<User> {
  const tab = new User(await context.newPage(), "Ada");
  await tab.page.goto(address);
  await expect(tab.answer()).toContainText("word10");
  return tab;
}

test("all tabs follow an answer, also after the first was closed and the second frozen", async ({
  page,
  context,
  model,
}) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await model.hold(QUESTION, 12);
  await ada.ask(QUESTION);
  await expect(ada.answer()).toContainText("word10");
  const tabs = [];
  for (let opened = 1; opened < TABS; opened++) tabs.push(await openTab(context, page.url()));
  await model.allow(QUESTION, 42);
  for (const tab of [ada, ...tabs]) await expect(tab.answer()).toContainText("word40");

  const [second, ...others] = tabs;
  await page.close();
  if (second) {
    const session = await context.newCDPSession(second.page);
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
  }
  await model.allow(QUESTION, 82);
  for (const tab of others) await expect(tab.answer()).toContainText("word80");
  const last = await openTab(context, others[0]?.page.url() ?? "");
  await model.release(QUESTION);
  for (const tab of [last, ...others]) await tab.expectStatus("completed");
});

test("a tab without shared workers follows an answer by itself", async ({ page, context, model }) => {
  await context.addInitScript(() => Reflect.deleteProperty(globalThis, "SharedWorker"));
  const ada = new User(page, "Ada");
  await ada.signUp();
  await model.hold(QUESTION, 12);
  await ada.ask(QUESTION);
  await expect(ada.answer()).toContainText("word10");
  await page.reload();
  await expect(ada.answer()).toContainText("word10");
  await model.release(QUESTION);
  await ada.expectStatus("completed");
});
