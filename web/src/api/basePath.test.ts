import { expect, it } from "vitest";
import { addressOf, parseBasePath } from "./basePath";

it("is the root until the service says otherwise", () => {
  expect(parseBasePath(undefined)).toBe("/");
  expect(parseBasePath("./")).toBe("/");
  expect(parseBasePath("/")).toBe("/");
  expect(parseBasePath("/apps/colloquy/")).toBe("/apps/colloquy/");
});

it("is in front of all addresses", () => {
  expect(addressOf("/v1/me", "/")).toBe("/v1/me");
  expect(addressOf("/v1/me?x=/y", "/apps/colloquy/")).toBe("/apps/colloquy/v1/me?x=/y");
  expect(addressOf("/", "/colloquy/")).toBe("/colloquy/");
});
