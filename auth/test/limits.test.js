import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import { ATTEMPTS, nameOfAttempts } from "../src/attempts.js";
import { createLimits } from "../src/limits.js";
import { Person } from "./support/person.js";
import { dropSchema, freshSettings, startAccounts, testDatabaseUrl } from "./support/process.js";

const SIGN_INS = { window: 60, max: 20 };

describe("rate limits", () => {
  const settings = freshSettings();
  /** @type {import("./support/process.js").RunningAccounts} */
  let accounts;
  /** @type {import("./support/process.js").RunningAccounts} */
  let second;

  before(async () => {
    [accounts, second] = await Promise.all([startAccounts(settings), startAccounts(settings)]);
    await Promise.all([accounts.ready(), second.ready()]);
  });
  after(async () => {
    await Promise.all([accounts?.stop(), second?.stop(), pool.end()]);
    await dropSchema(settings);
  });

  const pool = new pg.Pool({ connectionString: testDatabaseUrl(), max: 2 });
  const limits = createLimits(pool, { schema: settings.AUTH_SCHEMA, secret: settings.BETTER_AUTH_SECRET });

  /**
   * Uses a limit up but for some, as requests do, without the cost of their passwords.
   * @param {string} name @param {{ window: number, max: number }} rule @param {number} left
   */
  async function spend(name, rule, left) {
    for (let number = 0; number < rule.max - left; number++) await limits.consume(name, rule);
    // However slow the machine is, the window does not end before the test.
    await pool.query(`UPDATE ${settings.AUTH_SCHEMA}.rate_limits SET ends_at = now() + interval '1 hour'`);
  }

  /** How many were let in. @param {number[]} statuses */
  const refusedAsWrong = (statuses) => statuses.filter((status) => status === 401).length;

  /**
   * The statuses of sign-ins to an account that come at the same moment, each from an address.
   * @param {string} email @param {string[]} addresses
   */
  function signInsFrom(email, addresses) {
    return Promise.all(
      addresses.map(async (address, number) => {
        const guesser = new Person((number % 2 === 0 ? accounts : second).base);
        Object.assign(guesser, { email, address });
        return (await guesser.signIn("not the password")).status;
      }),
    );
  }

  it("stop one address that tries passwords, in all processes, say when to come back, and let others in", async () => {
    const guesser = new Person(accounts.base);
    await spend(`address|${guesser.address}|sign-in`, SIGN_INS, 3);
    const statuses = await signInsFrom(guesser.email, Array(8).fill(guesser.address));
    assert.equal(refusedAsWrong(statuses), 3);
    const refused = await guesser.signIn();
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers.get("retry-after")) > 0);
    assert.equal((await new Person(accounts.base).signUp()).status, 200);
  });

  it("take an IPv6 network of 64 bits for one address", async () => {
    await spend("address|2001:0db8:0001:0002:0000:0000:0000:0000|sign-in", SIGN_INS, 2);
    const network = Array.from({ length: 6 }, (_, host) => `2001:db8:1:2:${host + 1}::1`);
    assert.equal(refusedAsWrong(await signInsFrom(new Person(accounts.base).email, network)), 2);
    assert.deepEqual(await signInsFrom(new Person(accounts.base).email, ["2001:db8:1:3::1"]), [401]);
  });

  it("stop guesses at one account from many addresses, and do not lock its owner out at home", async () => {
    const ada = new Person(accounts.base);
    await ada.signUp();
    await spend(nameOfAttempts(ada.email), ATTEMPTS, 3);
    const many = Array.from({ length: 8 }, (_, host) => `198.51.100.${host + 1}`);
    assert.equal(refusedAsWrong(await signInsFrom(ada.email, many)), 3);
    const elsewhere = new Person(second.base);
    elsewhere.email = ada.email.toUpperCase();
    const refused = await elsewhere.signIn();
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers.get("retry-after")) > 0);
    assert.equal((await ada.signIn()).status, 200);
  });

  it("say the same of an address that nobody has", async () => {
    const nobody = new Person(accounts.base);
    await spend(nameOfAttempts(nobody.email), ATTEMPTS, 3);
    const many = Array.from({ length: 8 }, (_, host) => `203.0.113.${host + 1}`);
    assert.equal(refusedAsWrong(await signInsFrom(nobody.email, many)), 3);
  });

  it("do not count sign-ins that succeed against their account", async () => {
    const ada = new Person(accounts.base);
    await ada.signUp();
    await spend(nameOfAttempts(ada.email), ATTEMPTS, 1);
    for (let time = 0; time < 3; time++) {
      const traveller = new Person(accounts.base);
      traveller.email = ada.email;
      assert.equal((await traveller.signIn()).status, 200);
    }
  });

  it("do not hold for the service's own look-ups", async () => {
    const service = new Person(accounts.base);
    for (let look = 0; look < 350; look += 25) {
      const looks = Array.from({ length: 25 }, async () => {
        assert.equal((await service.fetch("/get-session")).status, 200);
        assert.equal((await service.fetch("/jwks")).status, 200);
      });
      await Promise.all(looks);
    }
  });
});
