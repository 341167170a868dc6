import { expect, type Page } from "@playwright/test";
import { test } from "./fixtures.ts";
import { User } from "./user.ts";

/** Records each state of the list of documents from now on. An entry in progress is marked. */
async function recordEntries(page: Page): Promise<() => Promise<string[]>> {
  const recorder = await page.evaluateHandle(() => {
    const states = new Set<string>();
    new MutationObserver(() => {
      for (const entry of Array.from(document.querySelectorAll("main li"))) {
        const progress = entry.querySelector("progress")?.getAttribute("aria-label");
        states.add(`${entry.textContent}${progress ? `, progress of ${progress}` : ""}`);
      }
    }).observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true });
    return states;
  });
  return () => recorder.evaluate((states) => [...states]);
}

test("a document is uploaded, cited by an answer and removed", async ({ page }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await page.goto("/documents");
  const text = "# Marmots\n\nThe marmots of Grindel sleep below the old observatory from October to April.\n";
  const files = await page.evaluateHandle((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], "marmots.md", { type: "text/markdown" }));
    return transfer;
  }, text);
  await page.getByLabel("Tags for new documents").fill("grindel, wildlife");
  await page.getByText("Drop files here").dispatchEvent("drop", { dataTransfer: files });
  // The upload may still be listed beside the document.
  const document = page.getByRole("listitem").filter({ hasText: "1 passage" });
  await expect(document).toContainText(/marmots/i);

  const search = page.getByRole("searchbox", { name: "Search titles" });
  await search.fill("otters");
  await expect(page.getByText("No results.")).toBeVisible();
  await search.fill("MARMOT");
  await expect(document).toBeVisible();

  await page.goto("/");
  const tags = "Answer from documents with these tags";
  await page.getByRole("combobox", { name: tags }).selectOption("grindel");
  await expect(page.getByRole("list", { name: tags })).toContainText("grindel");
  const chosen: unknown[] = [];
  await page.route("**/commands", async (route) => {
    chosen.push(route.request().postDataJSON().document_tags);
    await route.continue();
  });
  await ada.ask("Where do the marmots of Grindel sleep?");
  await ada.expectStatus("completed");
  expect(chosen).toEqual([["grindel"]]);
  await page.unroute("**/commands");
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

test("the progress of a long document is shown", async ({ page }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await page.goto("/documents");
  const recordedEntries = await recordEntries(page);
  const chapter = (number: number) =>
    `## Chapter ${number}\n\n${`In chapter ${number} the river rises again. `.repeat(30)}\n\n`;
  const text = `# Rivers\n\n${Array.from({ length: 30 }, (_, index) => chapter(index + 1)).join("")}`;
  const rivers = { name: "rivers.md", mimeType: "text/markdown", buffer: Buffer.from(text) };
  await page.locator("input[type=file]").setInputFiles(rivers);
  await expect(page.getByRole("listitem").filter({ hasText: /\d+ passages/ })).toContainText(/rivers/i);
  expect(await recordedEntries()).toContainEqual(expect.stringMatching(/Processing passages.*progress of rivers/i));
});

test("a file that cannot be read is rejected with a message", async ({ page }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  await page.goto("/documents");
  const broken = { name: "broken.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7\nnothing follows") };
  await page.locator("input[type=file]").setInputFiles(broken);
  // The upload may still be listed beside the document.
  await expect(page.getByRole("listitem").filter({ hasText: "Could not be processed" })).toContainText("broken");
});

test("a file is attached to a question, which is sent as soon as the file has been read", async ({ page }) => {
  const ada = new User(page, "Ada");
  await ada.signUp();
  const chapter = (number: number) =>
    `## Chapter ${number}\n\n${`The otter of Reuss eats crayfish ${number}. `.repeat(20)}\n\n`;
  const text = `# Otters\n\n${Array.from({ length: 8 }, (_, index) => chapter(index + 1)).join("")}`;
  const otters = { name: "otters.md", mimeType: "text/markdown", buffer: Buffer.from(text) };
  await page.locator("form input[type=file]").setInputFiles(otters);
  await expect(page.getByRole("list", { name: "Attached files" })).toContainText("otters.md");
  const chosen: unknown[] = [];
  await page.route("**/commands", async (route) => {
    chosen.push(...route.request().postDataJSON().documents);
    await route.continue();
  });
  await ada.ask("What does the otter of Reuss eat?");
  await ada.expectStatus("completed");
  await ada
    .answer()
    .getByText(/sources?$/)
    .click();
  await expect(ada.answer()).toContainText(/otters/i);
  expect(chosen).toHaveLength(1);
  await expect(page.getByRole("list", { name: "Attached files" })).toHaveCount(0);

  // A version of the question is answered from the same file.
  await page.reload();
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Edit your question").fill("What do otters eat at Reuss?");
  await page.getByLabel("Edit your question").press("Enter");
  await expect.poll(() => chosen).toEqual([chosen[0], chosen[0]]);
});
