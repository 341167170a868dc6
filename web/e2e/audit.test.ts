import { expect } from "@playwright/test";
import { operate } from "./another.ts";
import { Person } from "./person.ts";
import { test } from "./watched.ts";

test("an auditor sees what happened, and a conversation as it stood at any moment", async ({ page, browser }) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await ada.ask("Where do marmots sleep?");
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  const conversation = new URL(page.url()).pathname.split("/").at(-1) ?? "";

  const elsewhere = await browser.newContext();
  const auditor = new Person(await elsewhere.newPage(), "Grace");
  await auditor.signUp();
  await auditor.page.goto("/audit");
  await expect(auditor.page.getByRole("main")).toContainText("This needs the role auditor");

  await operate("grant", auditor.email, "auditor");
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
  await expect(auditor.page.getByText("It had not begun").or(messages.first())).toBeVisible();
  await expect(auditor.page.getByText("completed")).toHaveCount(0);
  await slider.press("End");
  await expect(messages.last()).toContainText("completed");
  expect(Number(await slider.inputValue())).toBeGreaterThanOrEqual(latest);
  await elsewhere.close();
});
