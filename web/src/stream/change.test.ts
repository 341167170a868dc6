import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { changeData } from "./change";

const queryKey = ["words"];
const add = (word: string) => (words: string[]) => (words.includes(word) ? words : [...words, word]);

/** A fetch that answers when it is told to. */
function slowFetch(queries: QueryClient) {
  let answer: (words: string[]) => void = () => {};
  const answered = new Promise<string[]>((resolve) => {
    answer = resolve;
  });
  const fetched = queries.fetchQuery({ queryKey, queryFn: () => answered });
  return async (words: string[]) => {
    answer(words);
    await fetched;
    await Promise.resolve();
  };
}

describe("a change that a stream tells", () => {
  it("is not lost under a fetch that began before it", async () => {
    const queries = new QueryClient();
    queries.setQueryData(queryKey, ["old"]);
    const bring = slowFetch(queries);
    changeData(queries, queryKey, add("new"));
    expect(queries.getQueryData(queryKey)).toEqual(["old", "new"]);
    await bring(["old"]);
    expect(queries.getQueryData(queryKey)).toEqual(["old", "new"]);
  });

  it("comes into what is fetched for the first time", async () => {
    const queries = new QueryClient();
    const bring = slowFetch(queries);
    changeData(queries, queryKey, add("new"));
    await bring([]);
    expect(queries.getQueryData(queryKey)).toEqual(["new"]);
  });

  it("keeps the order in which it was told", async () => {
    const queries = new QueryClient();
    const bring = slowFetch(queries);
    changeData(queries, queryKey, add("one"));
    changeData(queries, queryKey, (words: string[]) => words.filter((word) => word !== "one"));
    changeData(queries, queryKey, add("two"));
    await bring(["zero"]);
    expect(queries.getQueryData(queryKey)).toEqual(["zero", "two"]);
  });

  it("leaves alone what nobody has fetched", () => {
    const queries = new QueryClient();
    changeData(queries, queryKey, add("new"));
    expect(queries.getQueryData(queryKey)).toBeUndefined();
  });
});
