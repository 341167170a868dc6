import { describe, expect, it } from "vitest";
import { tagsOf } from "./tagsOf";

describe("the tags of documents", () => {
  it("are listed once, in alphabetical order", () => {
    const rows = [{ tags: ["work", "Äpfel"] }, { tags: [] }, { tags: ["bees", "work"] }];
    expect(tagsOf(rows)).toEqual(["Äpfel", "bees", "work"]);
  });
});
