import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import type { DocumentPage, DocumentRow } from "../api/types";
import { applyChange, applyDocumentEvent } from "./applyDocumentEvent";
import { documentsQuery, NEWEST, tagsQuery } from "./queries";

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

describe("lists that the service arranges, and tags", () => {
  const arranged = documentsQuery({ ...NEWEST, order: "title" }).queryKey;

  /** Whether a change has both fetched again. */
  const isFetchedAfter = (queries: QueryClient, change: Parameters<typeof applyDocumentEvent>[1]) => {
    queries.setQueryData(arranged, { pages: [], pageParams: [] });
    queries.setQueryData(tagsQuery.queryKey, []);
    applyDocumentEvent(queries, change);
    return [arranged, tagsQuery.queryKey].map((key) => queries.getQueryState<unknown>(key)?.isInvalidated);
  };

  it("are fetched again once for each change, whoever reports it first", () => {
    const queries = new QueryClient();
    expect(isFetchedAfter(queries, row("a", 2))).toEqual([true, true]);
    expect(isFetchedAfter(queries, row("a", 2))).toEqual([false, false]);
    expect(isFetchedAfter(queries, row("a", 1))).toEqual([false, false]);
    expect(isFetchedAfter(queries, row("b", 2))).toEqual([true, true]);
    expect(isFetchedAfter(queries, row("a", 3))).toEqual([true, true]);
    expect(isFetchedAfter(queries, { id: "a", deleted: true })).toEqual([true, true]);
    expect(isFetchedAfter(queries, { id: "a", deleted: true })).toEqual([false, false]);
  });
});
