import { readFile } from "node:fs/promises";
import { expect } from "@playwright/test";
import { Person } from "./person.ts";
import { test } from "./watched.ts";

test("a document is dropped, read, cited by an answer and removed", async ({ page }) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await page.goto("/documents");
  const text = "# Marmots\n\nThe marmots of Grindel sleep below the old observatory from October to April.\n";
  const files = await page.evaluateHandle((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], "marmots.md", { type: "text/markdown" }));
    return transfer;
  }, text);
  await page.getByText("Drop files here").dispatchEvent("drop", { dataTransfer: files });
  // The file on its way may still be shown beside the document it has become.
  const document = page.getByRole("listitem").filter({ hasText: "1 passage" });
  await expect(document).toContainText(/marmots/i);

  await page.goto("/");
  await ada.ask("Where do the marmots of Grindel sleep?");
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  const mark = ada.answer().getByRole("button", { name: /^Source \d/ });
  await mark.first().click();
  await expect(page.getByRole("dialog")).toContainText("old observatory");

  await page.goto("/documents");
  await document.getByRole("button", { name: /^Remove/ }).click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Remove/ })
    .click();
  await expect(page.getByText("Document removed")).toBeVisible();
  await expect(document).toHaveCount(0);
});

test("how far a long document is can be watched", async ({ page }) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await page.goto("/documents");
  const chapter = (number: number) =>
    `## Chapter ${number}\n\n${`In chapter ${number} the river rises again. `.repeat(30)}\n\n`;
  const text = `# Rivers\n\n${Array.from({ length: 60 }, (_, index) => chapter(index + 1)).join("")}`;
  const rivers = { name: "rivers.md", mimeType: "text/markdown", buffer: Buffer.from(text) };
  await page.locator("input[type=file]").setInputFiles(rivers);
  const document = page.getByRole("listitem").filter({ hasText: "Understanding" });
  await expect(document.getByRole("progressbar", { name: "Rivers" })).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: /\d+ passages/ })).toContainText(/rivers/i);
});

test("a file that cannot be read is refused in words", async ({ page }) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await page.goto("/documents");
  const broken = { name: "broken.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7\nnothing follows") };
  await page.locator("input[type=file]").setInputFiles(broken);
  // The file on its way may still be shown beside the document it has become.
  await expect(page.getByRole("listitem").filter({ hasText: "Could not be used" })).toContainText("broken");
});

test("a person takes everything along and then has all of it erased", async ({ page }) => {
  const ada = new Person(page, "Ada");
  await ada.signUp();
  await ada.ask("Where do marmots sleep?");
  await expect(ada.answer()).toHaveAttribute("data-status", "completed");
  await page.goto("/settings");
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export everything" }).click();
  const archive = await readFile(await (await downloading).path());
  expect(archive.subarray(0, 2).toString()).toBe("PK");
  expect(archive.includes("manifest.json")).toBe(true);

  await page.getByRole("button", { name: "Erase my account" }).click();
  await page.getByRole("dialog").getByLabel("E-mail").fill(ada.email);
  await page.getByRole("dialog").getByRole("button", { name: "Erase for good" }).click();
  await expect(page.getByText("Your erasure is under way")).toBeVisible();
  await expect(page.getByText("under way", { exact: true })).toHaveCount(0);
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
});
