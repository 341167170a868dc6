import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { bodyOf, Person } from "./support/person.js";
import { dropSchema, freshSettings, startAccounts } from "./support/process.js";

const APP = "https://app.example";

describe("pages of other origins", () => {
  const settings = { ...freshSettings(), CORS_ORIGINS: APP };
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

  it("sign in and read their token where they are configured", async () => {
    const ada = new Person(accounts.base, APP);
    const answer = await ada.signUp();
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("access-control-allow-origin"), APP);
    assert.ok(answer.headers.get("access-control-expose-headers")?.includes("set-auth-token"));
    assert.equal(answer.headers.get("access-control-allow-credentials"), null);
    assert.equal((await ada.sessionWithBearer(ada.bearer)).user.email, ada.email);
  });

  it("may ask before they send", async () => {
    const ask = (/** @type {string} */ origin) =>
      fetch(`${accounts.base}/sign-in/email`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
      });
    const allowed = await ask(APP);
    assert.equal(allowed.status, 204);
    assert.equal(allowed.headers.get("access-control-allow-origin"), APP);
    assert.ok(allowed.headers.get("access-control-allow-headers")?.includes("authorization"));
    assert.equal((await ask("https://elsewhere.example")).headers.get("access-control-allow-origin"), null);
  });

  it("are refused where they are not", async () => {
    const stranger = new Person(accounts.base, "https://elsewhere.example");
    const answer = await stranger.signUp();
    assert.equal(answer.status, 403);
    assert.equal(answer.headers.get("access-control-allow-origin"), null);
    assert.equal(answer.headers.get("vary"), "origin");
  });
});

describe("a page below a path", () => {
  const settings = { ...freshSettings(), PUBLIC_URL: "http://localhost:8080/colloquy" };

  it("keeps its cookie to that path, and its links lead there", async () => {
    const accounts = await startAccounts(settings);
    try {
      await accounts.ready();
      const ada = new Person(accounts.base);
      const answer = await ada.signUp();
      assert.match(String(answer.headers.get("set-cookie")), /; Path=\/colloquy;/);
      await ada.post("/request-password-reset", { email: ada.email });
      const link = /http:\/\/localhost:8080\/colloquy\/reset-password#token=/;
      assert.ok(accounts.lines.some((line) => link.test(line)));
      // A proxy may pass the path on.
      const below = new Person(accounts.base.replace("/api/auth", "/colloquy/api/auth"));
      Object.assign(below, { email: ada.email });
      assert.equal((await below.signIn()).status, 200);
      assert.equal((await bodyOf(await below.fetch("/get-session"))).user.email, ada.email);
    } finally {
      await accounts.stop();
      await dropSchema(settings);
    }
  });
});
