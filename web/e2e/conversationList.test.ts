import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

test("conversations are renamed, tagged, pinned, filtered, searched and deleted, and a deletion is undone", async ({
  page,
}) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await ada.ask("Where do marmots sleep?");
  await ada.expectStatus("completed");
  const list = ada.list();
  const choose = async (action: string) => {
    await list.getByRole("link").first().hover();
    await list
      .getByRole("button", { name: /^Actions/ })
      .first()
      .click();
    await page.getByRole("menuitem", { name: action }).click();
  };

  const save = () => page.getByRole("button", { name: "Save" }).click();

  await choose("Rename");
  await page.getByRole("textbox", { name: "Title" }).fill("On marmots");
  await ada.expectCommand(save);
  await expect(list).toContainText("On marmots");
  await choose("Tags");
  await page.getByRole("textbox", { name: /^Tags/ }).fill("alps, sleep");
  await ada.expectCommand(save);
  await expect(list).toContainText("alps");
  await ada.expectCommand(() => choose("Pin"));
  await expect(list).toContainText("Pinned");

  await page.goto("/?tag=alps&pinned=true");
  await expect(list).toContainText("On marmots");
  await page.goto("/?tag=sea");
  await expect(list).toContainText("No matching conversations");
  await page.getByRole("button", { name: "1 filter" }).click();
  await page.getByRole("button", { name: "Reset" }).click();
  await expect(list).toContainText("On marmots");

  await page.goto("/");
  await expect(list).toContainText("On marmots");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("marmots");
  await expect(list.locator("mark").first()).toHaveText(/marmots?/i);
  await list.getByRole("link").filter({ hasText: "You:" }).click();
  await expect(page).toHaveURL(/m=/);

  await page.getByRole("button", { name: "Clear search" }).click();
  await ada.expectCommand(() => choose("Delete"));
  await expect(list).toContainText("Your conversations will appear here");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(list).toContainText("On marmots");
});
