import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { bodyOf, Person } from "./support/person.js";
import { dropSchema, freshSettings, inDatabase, startAccounts } from "./support/process.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe("accounts", () => {
  const settings = { ...freshSettings(), AUTH_ISSUER: "the-issuer", AUTH_AUDIENCE: "the-audience" };
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

  /** @param {string} token */
  function verify(token) {
    const keys = createRemoteJWKSet(new URL(`${accounts.base}/jwks`));
    return jwtVerify(token, keys, { issuer: "the-issuer", audience: "the-audience", algorithms: ["EdDSA"] });
  }

  it("gives a person who signs up a token that says no more than it must", async () => {
    const ada = new Person(accounts.base);
    const { user } = await bodyOf(await ada.signUp());
    const { payload, protectedHeader } = await verify(await ada.token());
    assert.match(user.id, UUID);
    assert.equal(payload.sub, user.id);
    assert.equal(payload.role, "user");
    assert.equal(payload.email_verified, false);
    assert.match(String(payload.sid), UUID);
    assert.equal(Number(payload.exp) - Number(payload.iat), 900);
    assert.equal(protectedHeader.alg, "EdDSA");
    assert.deepEqual(Object.keys(payload).sort(), ["aud", "email_verified", "exp", "iat", "iss", "role", "sid", "sub"]);
  });

  it("signs in again after signing out, and not with a wrong password", async () => {
    const ada = new Person(accounts.base);
    await ada.signUp();
    assert.equal((await ada.post("/sign-out", {})).status, 200);
    assert.equal((await ada.fetch("/token")).status, 401);
    assert.equal((await ada.signIn("not the password")).status, 401);
    assert.equal((await ada.signIn()).status, 200);
    assert.ok(await ada.token());
  });

  it("takes the signed session token as bearer, and neither the raw one nor a revoked one", async () => {
    const ada = new Person(accounts.base);
    const { token: raw, user } = await bodyOf(await ada.signUp());
    const signed = ada.bearer;
    assert.equal((await ada.sessionWithBearer(signed)).user.id, user.id);
    assert.equal(await ada.sessionWithBearer(raw), null);
    assert.equal(await ada.sessionWithBearer("garbage"), null);
    await ada.post("/sign-out", {});
    assert.equal(await ada.sessionWithBearer(signed), null);
  });

  it("carries a role that an operator grants", async () => {
    const ada = new Person(accounts.base);
    await ada.signUp();
    await grant(ada, "auditor");
    assert.equal((await verify(await ada.token())).payload.role, "auditor");
    assert.equal((await ada.sessionWithBearer(ada.bearer)).user.role, "auditor");
    assert.equal((await ada.fetch("/admin/list-users")).status, 403);
  });

  it("lets an admin read, and change nothing of anybody", async () => {
    const root = new Person(accounts.base);
    const ada = new Person(accounts.base);
    await root.signUp();
    const { user } = await bodyOf(await ada.signUp());
    await grant(root, "admin");
    assert.equal((await root.fetch("/admin/list-users")).status, 200);
    const userId = user.id;
    for (const [path, body] of Object.entries({
      "set-role": { userId, role: "auditor" },
      "create-user": { email: "new@example.test", password: "a long enough password", name: "New" },
      "update-user": { userId, data: { email: root.email } },
      "set-user-password": { userId, newPassword: "the admin's password" },
      "ban-user": { userId },
      "unban-user": { userId },
      "list-user-sessions": { userId },
      "revoke-user-session": { sessionToken: "x" },
      "revoke-user-sessions": { userId },
      "impersonate-user": { userId },
      "stop-impersonating": {},
      "remove-user": { userId },
    })) {
      for (const way of [path, `${path}/`, `/${path}`, path.replace("-", "%2D")]) {
        assert.equal((await root.post(`/admin/${way}`, body)).status, 404, way);
      }
    }
    assert.equal((await ada.signIn()).status, 200);
    assert.equal((await verify(await ada.token())).payload.role, "user");
  });

  it("keeps names and images within bounds, however they come", async () => {
    const ada = new Person(accounts.base);
    assert.equal((await ada.signUp({ name: "" })).status, 400);
    assert.equal((await ada.signUp({ name: "x".repeat(60_000) })).status, 400);
    assert.equal((await ada.signUp({ name: "a\u0007b" })).status, 400);
    assert.equal((await ada.signUp({ image: "javascript:alert(1)" })).status, 400);
    assert.equal((await ada.signUp({ name: "Ada", image: "https://example.test/a.png" })).status, 200);
    for (const change of [
      { name: "" },
      { name: "   " },
      { name: "x".repeat(101) },
      { image: "javascript:alert(1)" },
      { image: "data:text/html,x" },
      { image: "//example.test/a.png" },
      { image: `https://example.test/${"x".repeat(2_048)}` },
    ]) {
      assert.equal((await ada.post("/update-user", change)).status, 400, JSON.stringify(change));
    }
    assert.equal((await ada.post("/update-user", { name: "Ä".repeat(100), image: null })).status, 200);
  });

  it("refuses a role at sign-up, a second account for an address, and a page of another origin", async () => {
    const ada = new Person(accounts.base);
    assert.equal((await ada.signUp({ role: "admin" })).status, 400);
    assert.equal((await ada.signUp()).status, 200);
    const again = new Person(accounts.base);
    again.email = ada.email.toUpperCase();
    assert.equal((await again.signUp()).status, 422);
    const foreign = await ada.post("/sign-out", {}, { origin: "https://elsewhere.example" });
    assert.equal(foreign.status, 403);
    assert.equal((await ada.post("/sign-out", {}, { origin: "http://127.0.0.1:8080" })).status, 200);
  });

  it("answers bad input without falling over", async () => {
    const ada = new Person(accounts.base);
    const json = { "content-type": "application/json" };
    assert.equal((await ada.fetch("/sign-in/email", { method: "POST", body: "{", headers: json })).status, 400);
    assert.equal((await ada.post("/sign-in/email", { email: "x".repeat(70_000) })).status, 413);
    assert.equal((await ada.signUp({ name: "nul \u0000 byte" })).ok, false);
    assert.equal((await ada.fetch("/no-such-thing")).status, 404);
    assert.equal((await ada.signUp()).status, 200);
  });

  it("writes no address and no token to its log", async () => {
    const ada = new Person(accounts.base);
    await ada.signUp();
    await ada.signUp();
    await ada.signIn("not the password");
    await ada.signUp({ name: "nul \u0000 byte", email: "nul@example.test" });
    const log = accounts.lines.join("\n");
    assert.ok(!log.includes(ada.email) && !log.includes("nul@example.test") && !log.includes(ada.bearer));
    for (const line of accounts.lines) assert.equal(JSON.parse(line).target, "auth");
  });

  /**
   * @param {Person} person
   * @param {string} role
   */
  function grant(person, role) {
    return inDatabase(settings, (client, schema) =>
      client.query(`UPDATE ${schema}."user" SET role = $1 WHERE email = $2`, [role, person.email]),
    );
  }
});
