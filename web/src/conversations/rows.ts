// The list of conversations as far as it was fetched, kept right by events. Pure.

import type { ConversationPage, ConversationRow } from "../api/types";
import type { ListEvent } from "../stream/events";

export type Pages = readonly ConversationPage[];

/**
 * Takes in a change. A row that sorts behind everything fetched is left for the fetch that will bring it; one that does not
 * fit what the list shows leaves it.
 */
export function changed(pages: Pages, event: ListEvent, fits = (row: ConversationRow) => !row.archived): Pages {
  const id = event.type === "row" ? event.row.id : event.id;
  const known = pages.flatMap(({ items }) => items).find((row) => row.id === id);
  if (event.type === "row" && known && known.version > event.row.version) return pages;
  const without = pages.map((page) => ({ ...page, items: page.items.filter((row) => row.id !== id) }));
  return event.type === "gone" || !fits(event.row) ? without : inserted(without, event.row);
}

function inserted(pages: Pages, row: ConversationRow): Pages {
  const at = pages.findIndex(({ items }) => items.some((other) => comesBefore(row, other)));
  const last = pages.length - 1;
  if (at === -1 && (last < 0 || pages[last]?.next_cursor)) return pages;
  return pages.map((page, index) =>
    index === (at === -1 ? last : at)
      ? { ...page, items: [...page.items, row].sort((a, b) => (comesBefore(a, b) ? -1 : 1)) }
      : page,
  );
}

/** Pinned first, then the newest activity. */
function comesBefore(one: ConversationRow, other: ConversationRow): boolean {
  if (one.pinned !== other.pinned) return one.pinned;
  if (one.updated_at !== other.updated_at) return Date.parse(one.updated_at) > Date.parse(other.updated_at);
  return one.id > other.id;
}
