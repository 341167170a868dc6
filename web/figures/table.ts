// The figures as a table, in the page's documentation.

import { readFile, writeFile } from "node:fs/promises";

const DOCUMENT = new URL("../../docs/page.md", import.meta.url);
const HEADING = "## Figures\n";

export interface Figure {
  what: string;
  ours: string;
  limit: string;
}

/** Prints them, and puts them in place of those that the document has. */
export async function publish(figures: readonly Figure[], browser: string): Promise<void> {
  const rows = figures.map(({ what, ours, limit }) => `| ${what} | ${ours} | ${limit} |`);
  const table = ["| what | measured | limit |", "|---|---|---|", ...rows].join("\n");
  console.log(table);
  const document = await readFile(DOCUMENT, "utf8");
  const [before] = document.split(HEADING);
  const how = `By \`npm run figures\` in \`web/\`, in headless Chromium ${browser} on 2 cores that it shares with the whole service.`;
  await writeFile(DOCUMENT, `${before?.trimEnd()}\n\n${HEADING}${how}\n\n${table}\n`);
}
