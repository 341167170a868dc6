// Writes the figures as a table into `docs/page.md`.

import { readFile, writeFile } from "node:fs/promises";

const DOCUMENT = new URL("../../docs/page.md", import.meta.url);
const HEADING = "## Figures\n";

export interface Figure {
  name: string;
  value: string;
  /** Empty if there is no limit. */
  limit: string;
}

/** Prints the figures, and replaces those in the document. */
export async function publishFigures(figures: readonly Figure[], browserVersion: string): Promise<void> {
  const rows = figures.map(({ name, value, limit }) => `| ${name} | ${value} | ${limit} |`);
  const table = ["| figure | measured | limit |", "|---|---|---|", ...rows].join("\n");
  console.log(table);
  const document = await readFile(DOCUMENT, "utf8");
  const [text] = document.split(HEADING);
  const method = `Measured by \`npm run figures\` in \`web/\` with headless Chromium ${browserVersion} on 2 cores, which also run the service.`;
  await writeFile(DOCUMENT, `${text?.trimEnd()}\n\n${HEADING}${method}\n\n${table}\n`);
}
