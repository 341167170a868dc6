import { describe, expect, it } from "vitest";
import type { ConversationRow } from "../api/types";
import { applyCommand } from "./rowCommands";

const row: ConversationRow = {
  id: "c",
  title: "Old",
  preview: "",
  message_count: 2,
  pinned: false,
  archived: false,
  tags: [],
  answering: false,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  version: 7,
};

describe("a command on a row", () => {
  it("changes what it is about and keeps the version", () => {
    expect(applyCommand(row, { type: "pin" })).toEqual({ ...row, pinned: true });
    expect(applyCommand({ ...row, pinned: true }, { type: "unpin" })).toEqual(row);
    expect(applyCommand(row, { type: "archive" })).toEqual({ ...row, archived: true });
    expect(applyCommand({ ...row, archived: true }, { type: "unarchive" })).toEqual(row);
    expect(applyCommand(row, { type: "rename", title: "New" })).toEqual({ ...row, title: "New" });
    expect(applyCommand(row, { type: "tag", tags: ["alps"] })).toEqual({ ...row, tags: ["alps"] });
  });

  it("deletes or restores the row", () => {
    expect(applyCommand(row, { type: "delete" })).toEqual({ id: "c", deleted: true });
    expect(applyCommand(row, { type: "restore" })).toEqual(row);
  });
});
