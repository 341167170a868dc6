// Applies a change of one conversation to the fetched pages of a list. Pure.

import type { ConversationChanged, ConversationPage, ConversationRow } from "../api/types";

export type Pages = readonly ConversationPage[];

/**
 * Moves the row to its place in the list. Drops a row that was deleted or no longer matches the list's
 * filters. A row that sorts behind all fetched ones is not inserted: the fetch of its page returns it. A
 * change older than the known row has no effect.
 */
export function applyChange(
  pages: Pages,
  change: ConversationChanged,
  matches: (row: ConversationRow) => boolean,
): Pages {
  const known = pages.flatMap(({ items }) => items).find(({ id }) => id === change.id);
  if ("deleted" in change) return without(pages, change.id);
  if (known && known.version > change.version) return pages;
  return matches(change) ? insert(without(pages, change.id), change) : without(pages, change.id);
}

function without(pages: Pages, id: string): Pages {
  return pages.map((page) => ({ ...page, items: page.items.filter((row) => row.id !== id) }));
}

function insert(pages: Pages, row: ConversationRow): Pages {
  const next = pages.findIndex(({ items }) => items.some((other) => compare(row, other) < 0));
  const last = pages.length - 1;
  if (next === -1 && (last < 0 || pages[last]?.next_cursor)) return pages;
  const target = next === -1 ? last : next;
  return pages.map((page, index) => (index === target ? { ...page, items: [...page.items, row].sort(compare) } : page));
}

/** The order of the API: pinned conversations first, then the latest activity. */
function compare(one: ConversationRow, other: ConversationRow): number {
  if (one.pinned !== other.pinned) return one.pinned ? -1 : 1;
  const latestFirst = Date.parse(other.updated_at) - Date.parse(one.updated_at);
  return latestFirst || (one.id > other.id ? -1 : 1);
}
