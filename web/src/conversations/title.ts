// What a conversation is called.

import type { ConversationRow } from "../api/types";

/** Its title, or else its beginning; undefined while neither is known. */
export function titleOf(row: Pick<ConversationRow, "title" | "preview"> | undefined): string | undefined {
  return row?.title?.trim() || row?.preview?.trim() || undefined;
}
