import { describe, expect, it } from "vitest";
import type { ConversationRow } from "../api/types";
import { changed, type Pages } from "./rows";

function row(id: string, minute: number, more: Partial<ConversationRow> = {}): ConversationRow {
  const at = `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`;
  const rest = {
    title: "",
    preview: "",
    message_count: 2,
    pinned: false,
    archived: false,
    tags: [],
    answering: false,
  };
  return { id, ...rest, created_at: at, updated_at: at, version: 1, ...more };
}

const pages: Pages = [
  { items: [row("p", 1, { pinned: true }), row("c", 30)], next_cursor: "x" },
  { items: [row("b", 20), row("a", 10)], next_cursor: null },
];
const ids = (list: Pages) => list.map(({ items }) => items.map(({ id }) => id).join(""));

describe("the list of conversations", () => {
  it("puts new activity behind the pinned ones and before all others", () => {
    expect(ids(changed(pages, { type: "row", row: row("n", 40) }))).toEqual(["pnc", "ba"]);
    expect(ids(changed(pages, { type: "row", row: row("a", 40, { version: 2 }) }))).toEqual(["pac", "b"]);
  });

  it("moves a conversation that is pinned or no longer pinned", () => {
    expect(ids(changed(pages, { type: "row", row: row("a", 10, { pinned: true, version: 2 }) }))).toEqual(["apc", "b"]);
    expect(ids(changed(pages, { type: "row", row: row("p", 1, { version: 2 }) }))).toEqual(["c", "bap"]);
  });

  it("drops what was deleted or archived", () => {
    expect(ids(changed(pages, { type: "gone", id: "c" }))).toEqual(["p", "ba"]);
    expect(ids(changed(pages, { type: "row", row: row("b", 50, { archived: true, version: 2 }) }))).toEqual([
      "pc",
      "a",
    ]);
  });

  it("ignores what is older than what it shows", () => {
    const newer = changed(pages, { type: "row", row: row("c", 50, { version: 5, title: "new" }) });
    expect(changed(newer, { type: "row", row: row("c", 40, { version: 4, title: "old" }) })).toBe(newer);
  });

  it("leaves old conversations to the page that was not fetched yet", () => {
    const first = pages.slice(0, 1);
    expect(ids(changed(first, { type: "row", row: row("z", 2) }))).toEqual(["pc"]);
    expect(ids(changed([{ items: [], next_cursor: null }], { type: "row", row: row("z", 2) }))).toEqual(["z"]);
  });
});
