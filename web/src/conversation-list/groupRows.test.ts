import { expect, it } from "vitest";
import type { ConversationRow } from "../api/types";
import { en } from "../text/en";
import { groupRows } from "./groupRows";

const row = (id: string, updated_at: string, pinned = false): ConversationRow => ({
  id,
  title: "",
  preview: "",
  message_count: 2,
  pinned,
  archived: false,
  tags: [],
  answering: false,
  created_at: updated_at,
  updated_at,
  version: 1,
});

it("puts rows under headings for pinned conversations, days and months", () => {
  const rows = [
    row("p", "2025-06-01T08:00:00", true),
    row("a", "2026-01-31T08:00:00"),
    row("b", "2026-01-31T07:00:00"),
    row("c", "2026-01-30T23:59:00"),
    row("d", "2026-01-25T08:00:00"),
    row("e", "2026-01-10T08:00:00"),
    row("f", "2025-11-10T08:00:00"),
  ];
  const items = groupRows(rows, new Date("2026-01-31T12:00:00"), en.conversations, "en");
  expect(items.map((item) => (item.type === "heading" ? item.label : item.key))).toEqual([
    "Pinned",
    "p",
    "Today",
    "a",
    "b",
    "Yesterday",
    "c",
    "Previous 7 days",
    "d",
    "Previous 30 days",
    "e",
    "November 2025",
    "f",
  ]);
});
