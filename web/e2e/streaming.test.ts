import { expect, type Page } from "@playwright/test";
import { test } from "./fixtures.ts";
import { type ScriptedModel, TOTAL_WORDS } from "./scriptedModel.ts";
import { TestServer } from "./testServer.ts";
import { User } from "./user.ts";

const QUESTION = "Tell me slowly about Colloquy";

/** Signs up, asks, and waits until the answer is held after its first words. */
async function startAnswer(page: Page, model: ScriptedModel): Promise<User> {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await model.hold(QUESTION, 12);
  await ada.ask(QUESTION);
  await expect(ada.answer()).toContainText("word10");
  return ada;
}

/** Waits for the end of the answer, which must contain each word once. */
async function expectWholeAnswer(ada: User): Promise<void> {
  await ada.expectStatus("completed");
  const paragraph = ada.answer().getByRole("paragraph").filter({ hasText: "word1" });
  const words = ((await paragraph.textContent()) ?? "").match(/\bword\d+\b/g);
  const expected = Array.from({ length: TOTAL_WORDS }, (_, index) => `word${index + 1}`);
  expect(words).toEqual(expected.filter((word) => word !== "word5"));
}

test("an answer in progress continues after a reload", async ({ page, model }) => {
  const ada = await startAnswer(page, model);
  await page.reload();
  await expect(ada.answer()).toContainText("word10");
  await ada.expectStatus("streaming");
  await model.release(QUESTION);
  await expectWholeAnswer(ada);
});

test("an answer in progress continues after the server was killed and restarted", async ({ page, model }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  const server = await TestServer.start();
  try {
    await page.goto(server.url);
    await model.hold(QUESTION, 12);
    await ada.ask(QUESTION);
    await expect(ada.answer()).toContainText("word10");
    await server.stop();
    await expect(ada.answer()).toContainText("Connection lost");
    await model.allow(QUESTION, 62);
    await server.restart();
    await expect(ada.answer()).toContainText("word60");
    await ada.expectStatus("streaming");
    await model.release(QUESTION);
    await expectWholeAnswer(ada);
  } finally {
    await server.stop();
  }
});

test("a question asked without a network is sent when the network is back", async ({ page, context }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.ask("What is Colloquy?");
  await ada.expectStatus("completed");
  await context.setOffline(true);
  await ada.ask("Tell me more");
  await expect(ada.answer()).toContainText("Waiting for the network");
  await context.setOffline(false);
  await ada.expectStatus("completed");
  await expect(ada.answer()).toContainText("word12");
});

test("two tabs show the same answer in progress, and stopping it in one stops it in both", async ({
  page,
  context,
  model,
}) => {
  const ada = await startAnswer(page, model);
  const other = new User(await context.newPage(), "Ada");
  await other.page.goto(page.url());
  await expect(other.answer()).toContainText("word10");
  await model.allow(QUESTION, 42);
  for (const tab of [ada, other]) await expect(tab.answer()).toContainText("word40");
  await other.page.keyboard.press("Escape");
  for (const tab of [ada, other]) await tab.expectStatus("stopped");
});
