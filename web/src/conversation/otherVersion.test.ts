import { expect, test } from "vitest";
import { otherVersion } from "./otherVersion";

test("an answer is compared with the version before it, and the first one with the one after it", () => {
  expect(otherVersion({ id: "b", siblings: ["a", "b", "c"] })).toBe("a");
  expect(otherVersion({ id: "a", siblings: ["a", "b", "c"] })).toBe("b");
  expect(otherVersion({ id: "a", siblings: ["a"] })).toBeUndefined();
});

test("a chosen version is kept until it is the shown one or gone", () => {
  expect(otherVersion({ id: "b", siblings: ["a", "b", "c"] }, "c")).toBe("c");
  expect(otherVersion({ id: "c", siblings: ["a", "b", "c"] }, "c")).toBe("b");
  expect(otherVersion({ id: "b", siblings: ["a", "b"] }, "gone")).toBe("a");
});
