import { expect, type Page } from "@playwright/test";
import { AnotherServer } from "./another.ts";
import { Person } from "./person.ts";
import { test } from "./watched.ts";

const SLOW = "Tell me slowly about Colloquy";
/** The last word of a slow answer. */
const LAST = "word120";

async function midAnswer(page: Page): Promise<Person> {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await ada.ask(SLOW);
  await expect(ada.answer()).toContainText("word10");
  return ada;
}

async function whole(ada: Person): Promise<string> {
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  const text = (await ada.answer().textContent()) ?? "";
  for (const word of ["word1 ", "word60 ", LAST]) expect(text.split(word).length).toBe(2);
  return text;
}

test("an answer goes on exactly where it was after a reload", async ({ page }) => {
  const ada = await midAnswer(page);
  await page.reload();
  await expect(ada.answer()).toContainText("word20");
  await expect(ada.answer()).toHaveAttribute("data-status", "streaming");
  await whole(ada);
});

test("an answer goes on when the server is killed under it and comes back", async ({ page }) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  const server = await AnotherServer.start();
  try {
    await page.goto(server.url);
    await ada.ask(SLOW);
    await expect(ada.answer()).toContainText("word10");
    await server.restart();
    await whole(ada);
  } finally {
    await server.stop();
  }
});

test("a question asked without a network is sent when it is back", async ({ page, context }) => {
  const ada = await midAnswer(page);
  await whole(ada);
  await context.setOffline(true);
  await ada.ask("Tell me more");
  await expect(ada.answer()).toContainText("Waiting for the network");
  await context.setOffline(false);
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  await expect(ada.answer()).toContainText("word12");
});

test("two tabs show the same answer while it is written, and one stops it for both", async ({ page, context }) => {
  const ada = await midAnswer(page);
  const other = new Person(await context.newPage(), "Ada");
  await other.page.goto(page.url());
  await expect(other.answer()).toContainText("word30");
  await expect(ada.answer()).toContainText("word30");
  await other.page.keyboard.press("Escape");
  for (const one of [ada, other]) await expect(one.answer()).toHaveAttribute("data-status", "stopped");
});

test("signing out in one tab leads to the door in the other", async ({ page, context }) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  const other = new Person(await context.newPage(), "Ada");
  await other.page.goto("/");
  await expect(other.composer()).toBeVisible();
  await ada.signOut();
  await expect(other.page.getByRole("button", { name: "Sign in" })).toBeVisible();
});

test("a session that ended under somebody's hands loses no word", async ({ page, context }) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await ada.ask("What is Colloquy?");
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  await page.route("**/v1/**", (route) => route.fulfill({ status: 401, body: "{}" }));
  await context.clearCookies();
  await ada.composer().fill("A thought that must not be lost");
  await ada.composer().press("Enter");
  await expect(page.getByText("Your session has ended")).toBeVisible();
  await page.unroute("**/v1/**");
  await ada.signIn();
  await expect(ada.composer()).toHaveValue("A thought that must not be lost");
});
