import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { runCommand } from "./testServer.ts";
import { User } from "./user.ts";

test("an auditor reads the events of a conversation and replays it at any position", async ({ page, browser }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.ask("Where do marmots sleep?");
  await ada.expectStatus("completed");
  const conversation = new URL(page.url()).pathname.split("/").at(-1) ?? "";

  const otherContext = await browser.newContext();
  const auditor = new User(await otherContext.newPage(), "Grace");
  await auditor.signUp();
  await auditor.page.goto("/audit");
  await expect(auditor.page.getByRole("main")).toContainText("This page requires the auditor role");

  await runCommand("grant", auditor.email, "auditor");
  await auditor.page.reload();
  await auditor.page.getByRole("textbox", { name: "Conversation" }).fill(conversation);
  await auditor.page.getByRole("button", { name: "Show", exact: true }).click();
  const rows = auditor.page.getByRole("row");
  await expect(rows.filter({ hasText: "AnswerCompleted" })).toHaveCount(1);
  await expect(rows.filter({ hasText: "QuestionAsked" })).toHaveCount(1);
  await rows.getByRole("button", { name: "QuestionAsked" }).click();
  await expect(auditor.page.getByText(`"aggregate_id": "${conversation}"`)).toBeVisible();

  await rows.filter({ hasText: "AnswerCompleted" }).getByRole("link").click();
  const messages = auditor.page.getByRole("article");
  await expect(messages).toHaveText([/marmots sleep/, /completed/]);
  const slider = auditor.page.getByRole("slider");
  const latest = Number(await slider.inputValue());
  await slider.press("Home");
  await expect(auditor.page).toHaveURL(/at=\d+/);
  await expect(auditor.page.getByText("The conversation had not started yet").or(messages.first())).toBeVisible();
  await expect(auditor.page.getByText("completed")).toHaveCount(0);
  await slider.press("End");
  await expect(messages.last()).toContainText("completed");
  expect(Number(await slider.inputValue())).toBeGreaterThanOrEqual(latest);
  await otherContext.close();
});
