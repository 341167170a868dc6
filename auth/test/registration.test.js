import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import { bodyOf, Person } from "./support/person.js";
import { startPostOffice } from "./support/postOffice.js";
import { dropSchema, freshSettings, inDatabase, startAccounts } from "./support/process.js";

const CODE = "ABCDE-FGHJK-LMNPQ-RSTUV-WXYZ2";

/** @type {ReturnType<typeof freshSettings>[]} */
const used = [];
after(async () => {
  for (const settings of used) await dropSchema(settings);
});

/**
 * Runs a step with an account service of its own.
 * @param {Record<string, string>} more
 * @param {(accounts: import("./support/process.js").RunningAccounts, settings: ReturnType<typeof freshSettings>) => Promise<void>} step
 */
async function withAccounts(more, step) {
  const settings = { ...freshSettings(), ...more };
  used.push(settings);
  const accounts = await startAccounts(settings);
  try {
    await accounts.ready();
    await step(accounts, settings);
  } finally {
    await accounts.stop();
  }
}

/**
 * Invites an address, as the service does.
 * @param {ReturnType<typeof freshSettings>} settings
 * @param {string} email
 * @param {{ role?: string, code?: string, lasts?: string }} [invitation]
 */
function invite(settings, email, { role = "user", code = CODE, lasts = "7 days" } = {}) {
  const hash = createHash("sha256").update(code.replaceAll("-", "")).digest("hex");
  return inDatabase(settings, (client, schema) =>
    client.query(
      `INSERT INTO ${schema}.verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")
       VALUES (gen_random_uuid(), $1, $2, now() + $3::interval, now(), now())`,
      [`invitation:${hash}`, JSON.stringify({ email, role }), lasts],
    ),
  );
}

/** @param {Response} response */
async function refusal(response) {
  return [response.status, (await bodyOf(response)).code];
}

describe("who may sign up", () => {
  it("is nobody where it is closed, and the page can know", () =>
    withAccounts({ SIGN_UP: "closed" }, async (accounts, settings) => {
      const ada = new Person(accounts.base);
      const offers = await bodyOf(await ada.fetch("/offers"));
      assert.deepEqual(offers, { signUp: "closed", verifiesEmail: false, resetsPasswords: true });
      assert.deepEqual(await refusal(await ada.signUp()), [403, "SIGN_UP_CLOSED"]);
      await invite(settings, ada.email);
      assert.deepEqual(await refusal(await ada.signUp({ invitation: CODE })), [403, "SIGN_UP_CLOSED"]);
    }));

  it("is by invitation only whoever has one for the address, once and in time", () =>
    withAccounts({ SIGN_UP: "invite" }, async (accounts, settings) => {
      const [ada, bob, eve] = [new Person(accounts.base), new Person(accounts.base), new Person(accounts.base)];
      assert.deepEqual(await refusal(await eve.signUp()), [403, "INVITATION_REQUIRED"]);
      assert.deepEqual(await refusal(await eve.signUp({ invitation: "made up" })), [400, "INVITATION_INVALID"]);
      await invite(settings, ada.email.toUpperCase(), { role: "auditor" });
      assert.deepEqual(await refusal(await eve.signUp({ invitation: CODE })), [400, "INVITATION_INVALID"]);
      // A sign-up that fails for another reason leaves the invitation as it was.
      assert.equal((await ada.signUp({ invitation: CODE, name: "" })).status, 400);
      assert.equal((await ada.signUp({ invitation: CODE, password: "short" })).status, 400);
      assert.equal((await ada.signUp({ invitation: CODE.toLowerCase().replaceAll("-", " ") })).status, 200);
      assert.equal((await bodyOf(await ada.fetch("/get-session"))).user.role, "auditor");
      ada.email = new Person(accounts.base).email;
      assert.deepEqual(await refusal(await ada.signUp({ invitation: CODE })), [400, "INVITATION_INVALID"]);
      await invite(settings, bob.email, { code: "OLD", lasts: "-1 s" });
      assert.deepEqual(await refusal(await bob.signUp({ invitation: "OLD" })), [400, "INVITATION_INVALID"]);
    }));

  it("is one of several who use an invitation at the same moment", () =>
    withAccounts({ SIGN_UP: "invite" }, async (accounts, settings) => {
      const ada = new Person(accounts.base);
      await invite(settings, ada.email);
      const attempts = Array.from({ length: 6 }, () => {
        const same = new Person(accounts.base);
        same.email = ada.email;
        return same.signUp({ invitation: CODE });
      });
      const statuses = (await Promise.all(attempts)).map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 200).length, 1);
    }));

  it("is an address of the allowed domains, or whoever is invited", () =>
    withAccounts({ ALLOWED_EMAIL_DOMAINS: "Example.org" }, async (accounts, settings) => {
      const ada = new Person(accounts.base);
      for (const email of ["a@example.test", "a@sub.example.org", "a@example.org.evil.test"]) {
        ada.email = email;
        assert.deepEqual(await refusal(await ada.signUp()), [403, "EMAIL_DOMAIN_NOT_ALLOWED"], email);
      }
      ada.email = "Ada@EXAMPLE.org";
      assert.equal((await ada.signUp()).status, 200);
      const guest = new Person(accounts.base);
      await invite(settings, guest.email);
      assert.equal((await guest.signUp({ invitation: CODE })).status, 200);
    }));

  it("gives no hint of accounts where addresses are verified, with or without an invitation", async () => {
    const post = await startPostOffice();
    await withAccounts({ SIGN_UP: "invite", ...post.settings }, async (accounts, settings) => {
      const ada = new Person(accounts.base);
      await invite(settings, ada.email);
      assert.equal((await ada.signUp({ invitation: CODE })).status, 200);
      for (const more of [{}, { invitation: "made up" }]) {
        const [again, nobody] = [new Person(accounts.base), new Person(accounts.base)];
        again.email = ada.email;
        assert.deepEqual(await refusal(await again.signUp(more)), await refusal(await nobody.signUp(more)));
      }
    });
    post.close();
  });
});

describe("the configured address of the administrator", () => {
  const ADMIN = { ADMIN_EMAIL: "Root@example.test" };

  it("cannot be taken by somebody else where no address is verified", () =>
    withAccounts(ADMIN, async (accounts) => {
      const thief = new Person(accounts.base);
      thief.email = "root@example.test";
      assert.deepEqual(await refusal(await thief.signUp()), [403, "INVITATION_REQUIRED"]);
    }));

  it("becomes the first administrator with an invitation, and a second one gets the role it was invited for", () =>
    withAccounts(ADMIN, async (accounts, settings) => {
      const root = new Person(accounts.base);
      root.email = "root@example.test";
      await invite(settings, root.email);
      assert.equal((await root.signUp({ invitation: CODE })).status, 200);
      assert.equal((await bodyOf(await root.fetch("/get-session"))).user.role, "admin");
      const facts = await inDatabase(settings, (client, schema) =>
        client.query(`SELECT kind, role FROM ${schema}.account_facts ORDER BY number`),
      );
      assert.deepEqual(facts.rows[0], { kind: "role_changed", role: "admin" });
      await inDatabase(settings, (client, schema) =>
        client.query(`UPDATE ${schema}."user" SET email = 'other@example.test'`),
      );
      const second = new Person(accounts.base);
      second.email = root.email;
      await invite(settings, second.email);
      assert.equal((await second.signUp({ invitation: CODE })).status, 200);
      assert.equal((await bodyOf(await second.fetch("/get-session"))).user.role, "user");
    }));

  it("is promoted at the start only if it is verified", async () => {
    const settings = freshSettings();
    used.push(settings);
    const roles = async () =>
      (await inDatabase(settings, (client, schema) => client.query(`SELECT role FROM ${schema}."user"`))).rows[0].role;
    const restart = async (/** @type {Record<string, string>} */ more) => {
      const accounts = await startAccounts({ ...settings, ...more });
      await accounts.ready();
      return accounts;
    };
    const first = await restart({});
    const root = new Person(first.base);
    root.email = "root@example.test";
    await root.signUp();
    await first.stop();
    await (await restart(ADMIN)).stop();
    assert.equal(await roles(), "user");
    await inDatabase(settings, (client, schema) => client.query(`UPDATE ${schema}."user" SET "emailVerified" = true`));
    await (await restart(ADMIN)).stop();
    assert.equal(await roles(), "admin");
  });
});
