import { describe, expect, it } from "vitest";
import { parseTags, tagsOf } from "./tagsOf";

describe("the tags of documents", () => {
  it("are listed once, in alphabetical order", () => {
    const rows = [{ tags: ["work", "Äpfel"] }, { tags: [] }, { tags: ["bees", "work"] }];
    expect(tagsOf(rows)).toEqual(["Äpfel", "bees", "work"]);
  });

  it("are separated by commas, without empty ones", () => {
    expect(parseTags(" work, ,tax 2026,work")).toEqual(["work", "tax 2026"]);
    expect(parseTags("")).toEqual([]);
  });
});
