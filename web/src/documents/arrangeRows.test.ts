import { expect, it } from "vitest";
import type { DocumentRow } from "../api/types";
import { arrangeRows } from "./arrangeRows";

const row = (title: string, size: number): DocumentRow => ({
  id: title,
  title,
  media_type: "text/plain",
  size,
  scope: "user",
  status: "indexed",
  passages: 1,
  pages: null,
  language: null,
  tags: [],
  reason: null,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  version: 2,
});

const ROWS = [row("Report 10", 5), row("Öfen, cafe\u0301", 9), row("Report 2", 7), row("서울 안내", 1)];
const titles = (words: string, order: "newest" | "title" | "size") =>
  arrangeRows(ROWS, words, order, "de").map(({ title }) => title);

it("documents are found by all words of their titles, however these are typed", () => {
  expect(titles("CAF\u00c9 ofen", "newest")).toEqual(["Öfen, cafe\u0301"]);
  expect(titles("서울", "newest")).toEqual(["서울 안내"]);
  expect(titles("report 3", "newest")).toEqual([]);
  expect(titles(" ", "newest").length).toBe(4);
  const tagged = { ...row("Plan", 3), tags: ["Fähren"] };
  expect(arrangeRows([...ROWS, tagged], "plan fahren", "newest", "de")).toEqual([tagged]);
});

it("documents are sorted as people sort them", () => {
  expect(titles("report", "title")).toEqual(["Report 2", "Report 10"]);
  expect(titles("", "size").at(0)).toBe("Öfen, cafe\u0301");
});
