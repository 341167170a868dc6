import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { updateQueryData } from "./queryData";

const queryKey = ["words"];
const add = (word: string) => (words: string[]) => (words.includes(word) ? words : [...words, word]);

/** Starts a fetch. The returned function completes it with a result. */
function startFetch(queries: QueryClient) {
  let complete: (words: string[]) => void = () => {};
  const result = new Promise<string[]>((resolve) => {
    complete = resolve;
  });
  const fetched = queries.fetchQuery({ queryKey, queryFn: () => result });
  return async (words: string[]) => {
    complete(words);
    await fetched;
    await Promise.resolve();
  };
}

describe("a change reported by a stream", () => {
  it("is applied to the cache and to the result of a pending fetch", async () => {
    const queries = new QueryClient();
    queries.setQueryData(queryKey, ["old"]);
    const completeFetch = startFetch(queries);
    updateQueryData(queries, queryKey, add("new"));
    expect(queries.getQueryData(queryKey)).toEqual(["old", "new"]);
    await completeFetch(["old"]);
    expect(queries.getQueryData(queryKey)).toEqual(["old", "new"]);
  });

  it("is applied to the result of the first fetch", async () => {
    const queries = new QueryClient();
    const completeFetch = startFetch(queries);
    updateQueryData(queries, queryKey, add("new"));
    await completeFetch([]);
    expect(queries.getQueryData(queryKey)).toEqual(["new"]);
  });

  it("is applied in the order of the stream", async () => {
    const queries = new QueryClient();
    const completeFetch = startFetch(queries);
    updateQueryData(queries, queryKey, add("one"));
    updateQueryData(queries, queryKey, (words: string[]) => words.filter((word) => word !== "one"));
    updateQueryData(queries, queryKey, add("two"));
    await completeFetch(["zero"]);
    expect(queries.getQueryData(queryKey)).toEqual(["zero", "two"]);
  });

  it("does not create a cache entry", () => {
    const queries = new QueryClient();
    updateQueryData(queries, queryKey, add("new"));
    expect(queries.getQueryData(queryKey)).toBeUndefined();
  });
});
