// The commands of the list's menu and their effect on a row. Pure.

import type { Command, ConversationChanged, ConversationRow } from "../api/types";

export type RowCommand = Exclude<Command, { type: "ask" | "regenerate" | "stop" | "rate" | "instruct" }>;

/** The row after a command. Its version stays the same, so that the event of the service replaces it. */
export function applyCommand(row: ConversationRow, command: RowCommand): ConversationChanged {
  switch (command.type) {
    case "pin":
    case "unpin":
      return { ...row, pinned: command.type === "pin" };
    case "archive":
    case "unarchive":
      return { ...row, archived: command.type === "archive" };
    case "rename":
      return { ...row, title: command.title };
    case "tag":
      return { ...row, tags: command.tags };
    case "delete":
      return { id: row.id, deleted: true };
    case "restore":
      return row;
  }
}
