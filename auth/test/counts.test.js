import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import { createLimits, limitTables } from "../src/limits.js";
import { dropSchema, freshSettings, inDatabase, testDatabaseUrl } from "./support/process.js";

const RULE = { window: 60, max: 5 };

describe("the counts of limits", () => {
  const settings = freshSettings();
  const schema = settings.AUTH_SCHEMA;
  /** @type {pg.Pool} */
  let pool;

  before(async () => {
    pool = new pg.Pool({ connectionString: testDatabaseUrl(), max: 8 });
    await pool.query(`CREATE SCHEMA ${schema}`);
    for (const statement of limitTables(schema)) await pool.query(statement);
  });
  after(async () => {
    await pool?.end();
    await dropSchema(settings);
  });

  /** @param {object} [bounds] */
  const limits = (bounds) => createLimits(pool, { schema, secret: "s".repeat(32) }, bounds);
  const size = async () => Number((await pool.query(`SELECT count(*) FROM ${schema}.rate_limits`)).rows[0].count);
  const endAll = () => pool.query(`UPDATE ${schema}.rate_limits SET ends_at = now() - interval '1 s'`);

  it("are shared by processes, and the first requests at one moment do not exceed a limit", async () => {
    const processes = [limits(), limits(), limits()];
    const asked = Array.from({ length: 60 }, (_, number) => processes[number % 3]?.consume("a", RULE));
    const decisions = await Promise.all(asked);
    assert.equal(decisions.filter((decision) => decision?.allowed).length, RULE.max);
    for (const decision of decisions.filter((decision) => !decision?.allowed)) {
      assert.ok(Number(decision?.retryAfter) >= 1 && Number(decision?.retryAfter) <= RULE.window);
    }
    assert.equal((await limits().consume("b", RULE)).allowed, true);
  });

  it("begin again when their window is over", async () => {
    const first = limits();
    for (let number = 0; number < RULE.max; number++) await first.consume("again", RULE);
    assert.equal((await limits().consume("again", RULE)).allowed, false);
    await endAll();
    assert.equal((await first.consume("again", RULE)).allowed, true);
  });

  it("are taken back, never below nothing", async () => {
    const one = limits();
    await one.consume("back", { window: 60, max: 1 });
    for (let number = 0; number < 3; number++) await one.refund("back");
    assert.equal((await one.consume("back", { window: 60, max: 1 })).allowed, true);
    assert.equal((await one.consume("back", { window: 60, max: 1 })).allowed, false);
  });

  it("remember a name for a time", async () => {
    const one = limits();
    assert.equal(await one.isRemembered("home"), false);
    await one.remember("home", 60);
    assert.equal(await limits().isRemembered("home"), true);
    await endAll();
    assert.equal(await one.isRemembered("home"), false);
  });

  it("do not grow without end, and hold no address", async () => {
    await endAll();
    const bounded = limits({ maxRows: 20, pruningIntervalMs: 0 });
    await bounded.prune();
    for (let number = 0; number < 60; number++) await bounded.consume(`ada@example.test|${number}`, RULE);
    await bounded.prune();
    assert.ok((await size()) <= 21);
    const rows = await inDatabase(settings, (client) => client.query(`SELECT * FROM ${schema}.rate_limits`));
    for (const { key } of rows.rows) assert.ok(key.length === 16 && !key.toString().includes("ada"));
  });
});
