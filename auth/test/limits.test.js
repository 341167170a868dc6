import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Person } from "./support/person.js";
import { dropSchema, freshSettings, startAccounts } from "./support/process.js";

const SIGN_INS_A_MINUTE = 20;

describe("rate limits", () => {
  const settings = freshSettings();
  /** @type {import("./support/process.js").RunningAccounts} */
  let accounts;

  before(async () => {
    accounts = await startAccounts(settings);
    await accounts.ready();
  });
  after(async () => {
    await accounts?.stop();
    await dropSchema(settings);
  });

  it("stop one address that tries passwords, say when to come back, and let others in", async () => {
    const guesser = new Person(accounts.base);
    for (let guess = 0; guess < SIGN_INS_A_MINUTE; guess++) assert.equal((await guesser.signIn()).status, 401);
    const refused = await guesser.signIn();
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers.get("retry-after")) > 0);
    assert.equal((await new Person(accounts.base).signUp()).status, 200);
  });

  it("do not hold for the service's own look-ups", async () => {
    const service = new Person(accounts.base);
    for (let look = 0; look < 150; look++) {
      assert.equal((await service.fetch("/get-session")).status, 200);
      assert.equal((await service.fetch("/jwks")).status, 200);
    }
  });
});
