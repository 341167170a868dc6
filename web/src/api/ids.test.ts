import { expect, it } from "vitest";
import { newId } from "./ids";

it("creates an id of version 7 that begins with the time", () => {
  expect(newId(0x0123456789ab, new Uint8Array(10).fill(0xff))).toBe("01234567-89ab-7fff-bfff-ffffffffffff");
});

it("creates unique ids that sort by time", () => {
  const ids = [1, 2, 3].map((time) => newId(time));
  expect(new Set(ids).size).toBe(3);
  expect(ids.toSorted()).toEqual(ids);
});
