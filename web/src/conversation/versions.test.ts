import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { keepNewer, versionOf } from "./versions";

describe("how far conversations are known to be", () => {
  it("never goes back", () => {
    const queries = new QueryClient();
    const told = [
      { id: "a", version: 3 },
      { id: "b", version: 1 },
    ];
    expect(keepNewer(queries, told)).toEqual(new Set(["a", "b"]));
    expect(keepNewer(queries, [{ id: "a", version: 2 }])).toEqual(new Set());
    expect(keepNewer(queries, [...told, { id: "b", version: 2 }])).toEqual(new Set(["b"]));
    expect([versionOf(queries, "a"), versionOf(queries, "b"), versionOf(queries, "c")]).toEqual([3, 2, undefined]);
  });
});
