// Searches and sorts the list of documents. Pure.

import type { DocumentRow } from "../api/types";

export const ORDERS = ["newest", "title", "size"] as const;
export type Order = (typeof ORDERS)[number];

/** The rows whose titles and tags contain all words, in the order. `language` decides how titles are sorted. */
export function arrangeRows(rows: readonly DocumentRow[], words: string, order: Order, language: string) {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  const found = rows.filter(({ title, tags }) => {
    const text = plain([title, ...tags].join("\n"));
    return wanted.every((word) => text.includes(word));
  });
  if (order === "newest") return found;
  const { compare } = new Intl.Collator(language, { numeric: true });
  return found.sort((one, other) =>
    order === "size" ? other.size - one.size : compare(one.title, other.title) || compare(one.id, other.id),
  );
}

/** Without the differences that a search ignores: case, accents, and the form of a letter. */
function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
