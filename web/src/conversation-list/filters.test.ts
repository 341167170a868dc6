import { describe, expect, it } from "vitest";
import type { ConversationRow } from "../api/types";
import { countFilters, matchesFilters, parseFilters, toQuery } from "./filters";

const row = (fields: Partial<ConversationRow> = {}): ConversationRow => ({
  id: "c",
  title: "",
  preview: "",
  message_count: 2,
  pinned: false,
  archived: false,
  tags: ["alps"],
  answering: false,
  created_at: "2026-01-31T12:00:00",
  updated_at: "2026-01-31T12:00:00",
  version: 1,
  ...fields,
});

describe("the filters of the list", () => {
  it("are read from the query parameters", () => {
    const search = { q: 4711, tag: "alps", pinned: true, archived: "true", from: "2026-01-31", to: "2026-02-01" };
    expect(parseFilters(search)).toEqual({ ...search, q: "4711", archived: true });
  });

  it("leave out blank, malformed and unknown parameters", () => {
    expect(parseFilters({ q: " ", tag: "", pinned: "no", archived: false, from: "today", other: "x" })).toEqual({});
  });

  it("are counted without the search words", () => {
    expect(countFilters({ q: "marmots", tag: "alps", pinned: true })).toBe(2);
  });

  it("hide archived conversations from the list but not from a search", () => {
    expect(toQuery({})).toEqual({ archived: false });
    expect(toQuery({ q: "marmots" })).toEqual({});
    expect(toQuery({ archived: true })).toEqual({ archived: true });
  });

  it("match a conversation by its tags, flags and day", () => {
    expect(matchesFilters(row(), { tag: "alps", from: "2026-01-31", to: "2026-01-31" })).toBe(true);
    expect(matchesFilters(row(), { tag: "sea" })).toBe(false);
    expect(matchesFilters(row(), { pinned: true })).toBe(false);
    expect(matchesFilters(row(), { from: "2026-02-01" })).toBe(false);
    expect(matchesFilters(row(), { to: "2026-01-30" })).toBe(false);
    expect(matchesFilters(row({ archived: true }), {})).toBe(false);
    expect(matchesFilters(row({ archived: true }), { archived: true })).toBe(true);
  });
});
