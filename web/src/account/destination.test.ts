import { expect, it } from "vitest";
import { destinationOf } from "./destination";

it("leads to a page of ours", () => {
  expect(destinationOf({ to: "/c/1?x=2" })).toEqual({ to: "/c/1?x=2" });
});

it.each(["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", 7, undefined])(
  "leads nowhere else: %s",
  (to) => {
    expect(destinationOf({ to })).toEqual({});
  },
);
