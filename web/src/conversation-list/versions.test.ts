import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { applyVersions, knownVersion, recordVersions, TRANSCRIPT } from "./versions";

describe("the versions of conversations", () => {
  it("never decrease", () => {
    const queries = new QueryClient();
    const rows = [
      { id: "a", version: 3 },
      { id: "b", version: 1 },
    ];
    expect(recordVersions(queries, rows)).toEqual(new Set(["a", "b"]));
    expect(recordVersions(queries, [{ id: "a", version: 2 }])).toEqual(new Set());
    expect(recordVersions(queries, [...rows, { id: "b", version: 2 }])).toEqual(new Set(["b"]));
    expect(["a", "b", "c"].map((id) => knownVersion(queries, id))).toEqual([3, 2, undefined]);
  });

  it("mark the transcripts of changed conversations as stale", () => {
    const queries = new QueryClient();
    for (const id of ["a", "b"]) queries.setQueryData([TRANSCRIPT, id, ""], []);
    applyVersions(queries, [{ id: "a", version: 2 }]);
    const isStale = (id: string) => queries.getQueryState([TRANSCRIPT, id, ""])?.isInvalidated;
    expect([isStale("a"), isStale("b")]).toEqual([true, false]);
  });
});
