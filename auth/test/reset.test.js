import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Person } from "./support/person.js";
import { dropSchema, freshSettings, startAccounts, until } from "./support/process.js";

const NEW = "another long password";

describe("a forgotten password", () => {
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

  it("is chosen anew once with the link in the development log, which ends all sessions", async () => {
    const ada = new Person(accounts.base);
    await ada.signUp();
    assert.equal((await ada.post("/request-password-reset", { email: ada.email })).status, 200);
    const token = await tokenIn(() => accounts.lines.join("\n"));
    // The token would be in the logs of proxies.
    assert.equal((await ada.fetch(`/reset-password/${token}?callbackURL=%2F`, { redirect: "manual" })).status, 404);
    assert.equal((await ada.post("/reset-password", { token, newPassword: NEW })).status, 200);
    assert.equal((await ada.post("/reset-password", { token, newPassword: NEW })).status, 400);
    assert.equal((await ada.fetch("/token")).status, 401);
    assert.equal((await ada.signIn()).status, 401);
    assert.equal((await ada.signIn(NEW)).status, 200);
  });

  it("says the same for an address nobody has", async () => {
    const nobody = new Person(accounts.base);
    assert.equal((await nobody.post("/request-password-reset", { email: nobody.email })).status, 200);
  });
});

describe("where neither mail nor loopback is", () => {
  it("there is no way to choose a password anew", async () => {
    const settings = { ...freshSettings(), PUBLIC_URL: "https://chat.example" };
    const accounts = await startAccounts(settings);
    try {
      await accounts.ready();
      const ada = new Person(accounts.base);
      const headers = { origin: "https://chat.example" };
      const answer = await ada.post("/request-password-reset", { email: ada.email }, headers);
      assert.equal(answer.status, 400);
    } finally {
      await accounts.stop();
      await dropSchema(settings);
    }
  });
});

/** @param {() => string} text */
async function tokenIn(text) {
  const found = () => /reset-password#token=([\w-]+)/.exec(text());
  await until(async () => found() !== null);
  return String(found()?.[1]);
}
