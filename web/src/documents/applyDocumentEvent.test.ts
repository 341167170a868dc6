import { describe, expect, it } from "vitest";
import type { DocumentPage, DocumentRow } from "../api/types";
import { applyChange } from "./applyDocumentEvent";

const row = (id: string, version = 1, title = id): DocumentRow => ({
  id,
  title,
  media_type: "text/markdown",
  size: 1,
  scope: "user",
  status: "added",
  passages: 0,
  pages: null,
  language: null,
  tags: [],
  reason: null,
  warning: null,
  omissions: [],
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  version,
});

const pages: DocumentPage[] = [
  { items: [row("a"), row("b", 2)], next_cursor: "x" },
  { items: [row("c")], next_cursor: null },
];
const titles = (list: readonly DocumentPage[]) => list.map(({ items }) => items.map(({ title }) => title));

describe("the list of documents", () => {
  it("shows a new document first", () => {
    expect(titles(applyChange(pages, row("new")))).toEqual([["new", "a", "b"], ["c"]]);
  });

  it("replaces a changed document in its place", () => {
    expect(titles(applyChange(pages, row("c", 2, "changed")))).toEqual([["a", "b"], ["changed"]]);
  });

  it("ignores an older version", () => {
    expect(titles(applyChange(pages, row("b", 1, "older")))).toEqual([["a", "b"], ["c"]]);
  });

  it("drops a removed document", () => {
    expect(titles(applyChange(pages, { id: "b", deleted: true }))).toEqual([["a"], ["c"]]);
  });
});
