import { describe, expect, it } from "vitest";
import { parseFilters, toQuery } from "./filters";

describe("the filters of the ledger", () => {
  it("are read from the query parameters", () => {
    const search = { user: " u1 ", conversation: "c1", type: "QuestionAsked", from: "2026-01-31T08:00" };
    expect(parseFilters(search)).toEqual({ ...search, user: "u1" });
  });

  it("leave out blank, malformed and unknown parameters", () => {
    expect(parseFilters({ user: "  ", type: 7, from: "yesterday", to: "2026-01-31", other: "x" })).toEqual({});
  });

  it("are sent to the API with times in UTC", () => {
    const from = "2026-01-31T08:00";
    expect(toQuery({ user: "u1", from })).toEqual({ user: "u1", from: new Date(from).toISOString() });
  });
});
