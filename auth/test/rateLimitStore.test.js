import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRateLimitStore } from "../src/rateLimitStore.js";

const RULE = { window: 10, max: 2 };

describe("the store of rate limits", () => {
  it("refuses what exceeds the limit until the window is over", async () => {
    let time = 0;
    const store = createRateLimitStore({ now: () => time });
    assert.equal((await store.consume("a|/x", RULE)).allowed, true);
    assert.equal((await store.consume("a|/x", RULE)).allowed, true);
    assert.deepEqual(await store.consume("a|/x", RULE), { allowed: false, retryAfter: 10 });
    assert.equal((await store.consume("b|/x", RULE)).allowed, true);
    time = 10_000;
    assert.equal((await store.consume("a|/x", RULE)).allowed, true);
  });

  it("keeps a bounded number of counts", async () => {
    const store = createRateLimitStore({ maxEntries: 100 });
    for (let path = 0; path < 1_000; path++) await store.consume(`a|/${path}`, RULE);
    assert.equal(store.size(), 100);
  });

  it("counts all reset links of an address together", async () => {
    const store = createRateLimitStore();
    for (const token of ["one", "two"]) await store.consume(`a|/reset-password/${token}`, RULE);
    assert.equal((await store.consume("a|/reset-password/three", RULE)).allowed, false);
  });
});
