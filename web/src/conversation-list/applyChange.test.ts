import { describe, expect, it } from "vitest";
import type { ConversationChanged, ConversationRow } from "../api/types";
import { applyChange, type Pages } from "./applyChange";

function row(id: string, minute: number, fields: Partial<ConversationRow> = {}): ConversationRow {
  const at = `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`;
  return {
    id,
    title: "",
    preview: "",
    message_count: 2,
    pinned: false,
    archived: false,
    tags: [],
    answering: false,
    created_at: at,
    updated_at: at,
    version: 1,
    ...fields,
  };
}

const pages: Pages = [
  { items: [row("p", 1, { pinned: true }), row("c", 30)], next_cursor: "x" },
  { items: [row("b", 20), row("a", 10)], next_cursor: null },
];
const ids = (list: Pages) => list.map(({ items }) => items.map(({ id }) => id).join(""));
const apply = (list: Pages, change: ConversationChanged) => applyChange(list, change, ({ archived }) => !archived);

describe("the list of conversations", () => {
  it("shows the latest activity after the pinned conversations and before all others", () => {
    expect(ids(apply(pages, row("n", 40)))).toEqual(["pnc", "ba"]);
    expect(ids(apply(pages, row("a", 40, { version: 2 })))).toEqual(["pac", "b"]);
  });

  it("moves a conversation when it is pinned or unpinned", () => {
    expect(ids(apply(pages, row("a", 10, { pinned: true, version: 2 })))).toEqual(["apc", "b"]);
    expect(ids(apply(pages, row("p", 1, { version: 2 })))).toEqual(["c", "bap"]);
  });

  it("drops a conversation that was deleted or does not match the filters", () => {
    expect(ids(apply(pages, { id: "c", deleted: true }))).toEqual(["p", "ba"]);
    expect(ids(apply(pages, row("b", 50, { archived: true, version: 2 })))).toEqual(["pc", "a"]);
  });

  it("ignores a change that is older than the row", () => {
    const newer = apply(pages, row("c", 50, { version: 5, title: "new" }));
    expect(apply(newer, row("c", 40, { version: 4, title: "old" }))).toBe(newer);
  });

  it("does not insert a conversation that belongs to a page that was not fetched", () => {
    expect(ids(apply(pages.slice(0, 1), row("z", 2)))).toEqual(["pc"]);
    expect(ids(apply([{ items: [], next_cursor: null }], row("z", 2)))).toEqual(["z"]);
  });
});
