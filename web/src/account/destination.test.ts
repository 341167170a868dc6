import { expect, it } from "vitest";
import { parseDestination } from "./destination";

it("accepts an address of this page", () => {
  expect(parseDestination({ to: "/c/1?x=2" })).toEqual({ to: "/c/1?x=2" });
});

it.each([
  "//evil.example",
  "/\\evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "/\r\\evil.example",
  "\t//evil.example",
  "/.//evil.example",
  "/%2e//evil.example",
  "/c/..//evil.example",
  "https://evil.example",
  "https://page.invalid/c/1",
  "javascript:alert(1)",
  "/\\[",
  "",
  7,
  undefined,
])("drops an address of another site: %j", (to) => {
  expect(parseDestination({ to })).toEqual({});
});
