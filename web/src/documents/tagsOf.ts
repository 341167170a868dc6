// The tags of documents.

import type { DocumentRow } from "../api/types";

/** All tags of documents, each once, in alphabetical order. */
export function tagsOf(rows: readonly Pick<DocumentRow, "tags">[]): string[] {
  return [...new Set(rows.flatMap(({ tags }) => tags))].sort((one, other) => one.localeCompare(other));
}
