// The commands of the list's menu and their effect on a row. Pure.

import type { Command, ConversationChanged, ConversationRow } from "../api/types";

export type RowCommand = Exclude<Command, { type: "ask" | "regenerate" | "stop" | "rate" | "instruct" }>;

const MAX_TAGS = 20;
const MAX_TAG_LENGTH = 50;

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

/** The tags in a comma-separated line, without duplicates and within the limits of the service. */
export function parseTags(line: string): string[] {
  const tags = line.split(",").map((tag) => tag.trim().slice(0, MAX_TAG_LENGTH));
  return [...new Set(tags)].filter(Boolean).slice(0, MAX_TAGS);
}
