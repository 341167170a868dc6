import { expect, it } from "vitest";
import { parseDestination } from "./destination";

it("accepts an address of this page", () => {
  expect(parseDestination({ to: "/c/1?x=2" })).toEqual({ to: "/c/1?x=2" });
});

it.each(["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", 7, undefined])(
  "drops an address of another site: %s",
  (to) => {
    expect(parseDestination({ to })).toEqual({});
  },
);
