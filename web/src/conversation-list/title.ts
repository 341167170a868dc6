// The title of a conversation.

import type { ConversationRow } from "../api/types";

/** The title, or the preview if there is none. Undefined if the row is not known or both are blank. */
export function titleOf(row: Pick<ConversationRow, "title" | "preview"> | undefined): string | undefined {
  return row?.title.trim() || row?.preview.trim() || undefined;
}
