import { describe, expect, it } from "vitest";
import { parseTags } from "./tags";

describe("a line of tags", () => {
  it("is split at commas, without duplicates and blanks", () => {
    expect(parseTags(" alps, sleep ,, alps")).toEqual(["alps", "sleep"]);
    expect(parseTags("")).toEqual([]);
  });

  it("is cut to the limits of the service", () => {
    expect(parseTags(Array.from({ length: 30 }, (_, index) => `tag${index}`).join()).length).toBe(20);
    expect(parseTags("x".repeat(80))).toEqual(["x".repeat(50)]);
  });
});
