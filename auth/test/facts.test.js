import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { bodyOf, Person } from "./support/person.js";
import { dropSchema, freshSettings, inDatabase, startAccounts, until } from "./support/process.js";

const NEW = "another long password";

describe("what the service learns about accounts", () => {
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

  /**
   * @param {string} user
   * @returns {Promise<{ kind: string, session_id: string | null, role: string | null, count: number }[]>}
   */
  async function factsOf(user) {
    const found = await inDatabase(settings, (client, schema) =>
      client.query(`SELECT * FROM ${schema}.account_facts WHERE user_id = $1 ORDER BY number`, [user]),
    );
    return found.rows;
  }

  /** @param {string} user */
  async function revocationsOf(user) {
    const found = await inDatabase(settings, (client, schema) =>
      client.query(`SELECT * FROM ${schema}.revocations WHERE user_id = $1 ORDER BY id`, [user]),
    );
    /** @type {{ kind: string, session_id: string | null, role: string | null }[]} */
    const rows = found.rows;
    return rows.map(({ kind, session_id, role }) => session_id ?? role ?? kind);
  }

  /** @param {Person} person */
  async function signedUp(person) {
    const { user } = await bodyOf(await person.signUp());
    return user.id;
  }

  it("names the session of each sign-in, sign-out and revocation", async () => {
    const ada = new Person(accounts.base);
    const user = await signedUp(ada);
    await ada.post("/sign-out", {});
    await ada.signIn();
    const other = new Person(accounts.base);
    other.email = ada.email;
    await other.signIn();
    await other.post("/revoke-other-sessions", {});
    const facts = await factsOf(user);
    assert.deepEqual(
      facts.map(({ kind }) => kind),
      ["signed_in", "signed_out", "signed_in", "signed_in", "session_revoked"],
    );
    const [first, out, second, , revoked] = facts.map(({ session_id }) => session_id);
    assert.ok(first === out && second === revoked && first !== second);
    assert.deepEqual(await revocationsOf(user), [first, second]);
  });

  it("counts the refused sign-ins of an account, a row a minute, and keeps nothing of unknown addresses", async () => {
    const ada = new Person(accounts.base);
    const user = await signedUp(ada);
    for (let attempt = 0; attempt < 4; attempt++) {
      const again = new Person(accounts.base);
      again.email = ada.email.toUpperCase();
      assert.equal((await again.signIn("not the password")).status, 401);
    }
    assert.equal((await new Person(accounts.base).signIn()).status, 401);
    const refused = async () => (await factsOf(user)).filter(({ kind }) => kind === "sign_in_refused");
    await until(async () => (await refused()).reduce((sum, { count }) => sum + count, 0) === 4);
    // Two where a minute ended in between.
    assert.ok((await refused()).length <= 2);
    const all = await inDatabase(settings, (client, schema) =>
      client.query(
        `SELECT * FROM ${schema}.account_facts WHERE user_id::text NOT IN (SELECT id::text FROM ${schema}."user")`,
      ),
    );
    assert.equal(all.rowCount, 0);
  });

  it("names what an operator changes by hand, and not again what the service has recorded", async () => {
    const ada = new Person(accounts.base);
    const user = await signedUp(ada);
    const change = (/** @type {string} */ columns, recorded = "off") =>
      inDatabase(settings, async (client, schema) => {
        await client.query("BEGIN");
        await client.query("SELECT set_config('colloquy.recorded', $1, true)", [recorded]);
        await client.query(`UPDATE ${schema}."user" SET ${columns} WHERE id = $1`, [user]);
        await client.query("COMMIT");
      });
    await change("role = 'auditor'");
    await change("role = 'auditor'");
    await change("role = 'admin'", "on");
    await change("banned = true");
    await change("banned = false", "on");
    assert.deepEqual(
      (await factsOf(user)).map(({ kind, role }) => role ?? kind),
      ["signed_in", "auditor", "banned"],
    );
    assert.deepEqual(await revocationsOf(user), ["auditor", "admin", "banned", "ban_lifted"]);
  });

  it("says nothing of a session that has expired", async () => {
    const ada = new Person(accounts.base);
    const user = await signedUp(ada);
    await inDatabase(settings, (client, schema) =>
      client.query(`UPDATE ${schema}.session SET "expiresAt" = now() - interval '1 s' WHERE "userId" = $1`, [user]),
    );
    assert.equal((await ada.fetch("/token")).status, 401);
    await ada.signIn();
    assert.deepEqual(
      (await factsOf(user)).map(({ kind }) => kind),
      ["signed_in", "signed_in"],
    );
  });

  it("does not hold up a sign-in when it cannot be written", async () => {
    const ada = new Person(accounts.base);
    await signedUp(ada);
    const rename = (/** @type {string} */ from, /** @type {string} */ to) =>
      inDatabase(settings, (client, schema) =>
        client.query(`ALTER TABLE ${schema}.session RENAME COLUMN "${from}" TO "${to}"`),
      );
    await inDatabase(settings, (client, schema) => client.query(`DROP TRIGGER session_ended ON ${schema}.session`));
    await rename("endedBy", "gone");
    assert.equal((await ada.post("/sign-out", {})).status, 200);
    assert.equal((await ada.fetch("/token")).status, 401);
    assert.ok(accounts.lines.join("\n").includes("a fact about an account was not recorded"));
    await rename("gone", "endedBy");
  });
});

describe("after a change of password", () => {
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

  const links = () =>
    [...accounts.lines.join("\n").matchAll(/reset-password#token=([\w-]+)/g)].map(([, token]) => String(token));

  /** @param {Person} person */
  async function askForLink(person) {
    const before = links().length;
    assert.equal((await person.post("/request-password-reset", { email: person.email })).status, 200);
    await until(async () => links().length > before);
    return String(links().at(-1));
  }

  it("no older link works, whether it came by a link or by the old password", async () => {
    const ada = new Person(accounts.base);
    await ada.signUp();
    const [old, newer] = [await askForLink(ada), await askForLink(ada)];
    assert.equal((await ada.post("/reset-password", { token: newer, newPassword: NEW })).status, 200);
    assert.equal((await ada.post("/reset-password", { token: old, newPassword: "the thief's password" })).status, 400);
    assert.equal((await ada.signIn(NEW)).status, 200);

    const third = await askForLink(ada);
    const changed = { currentPassword: NEW, newPassword: "a third long password" };
    assert.equal((await ada.post("/change-password", changed)).status, 200);
    assert.equal(
      (await ada.post("/reset-password", { token: third, newPassword: "the thief's password" })).status,
      400,
    );
  });

  it("the links of other people still work", async () => {
    const [ada, bob] = [new Person(accounts.base), new Person(accounts.base)];
    await ada.signUp();
    await bob.signUp();
    const [hers, his] = [await askForLink(ada), await askForLink(bob)];
    assert.equal((await ada.post("/reset-password", { token: hers, newPassword: NEW })).status, 200);
    assert.equal((await bob.post("/reset-password", { token: his, newPassword: NEW })).status, 200);
  });
});
