import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Person } from "./support/person.js";
import { dropSchema, freshSettings, inDatabase, startAccounts, until } from "./support/process.js";
import { startWire } from "./support/wire.js";

describe("the process", () => {
  /** @type {Awaited<ReturnType<typeof startWire>>} */
  let wire;
  /** @type {ReturnType<typeof freshSettings>} */
  let settings;

  beforeEach(async () => {
    wire = await startWire();
    settings = { ...freshSettings(), DATABASE_URL: wire.url };
  });
  afterEach(async () => {
    wire.close();
    await dropSchema(settings);
  });

  it("answers 503 while Postgres is away, signs nobody out, and goes on when it is back", async () => {
    const accounts = await startAccounts(settings);
    await accounts.ready();
    const ada = new Person(accounts.base);
    await ada.signUp();

    wire.cut();
    for (const path of ["/token", "/get-session", "/ok"]) {
      const response = await ada.fetch(path);
      assert.equal(response.status, 503, path);
      assert.ok(response.headers.get("retry-after"));
    }
    assert.equal((await ada.signIn()).status, 503);
    assert.ok(accounts.running());

    wire.mend();
    await accounts.ready();
    assert.ok(await ada.token());
    assert.equal(await accounts.stop(), 0);
  });

  it("waits for a Postgres that comes later", async () => {
    wire.cut();
    const accounts = await startAccounts(settings);
    assert.equal((await fetch(`${accounts.base}/ok`)).status, 503);
    await until(async () => accounts.lines.some((line) => line.includes("retry_ms")));
    wire.mend();
    await accounts.ready();
    assert.equal(await accounts.stop(), 0);
  });

  it("stops while it still waits for Postgres", async () => {
    wire.cut();
    const accounts = await startAccounts(settings);
    assert.equal(await accounts.stop(), 0);
  });

  it("makes one signing key when several start at once, and keeps it over a restart", async () => {
    const several = await Promise.all([1, 2, 3].map(() => startAccounts(settings)));
    await Promise.all(several.map((accounts) => accounts.ready()));
    await Promise.all(several.map((accounts) => accounts.stop()));
    const again = await startAccounts(settings);
    await again.ready();
    const keys = await inDatabase(settings, (client, schema) => client.query(`SELECT id FROM ${schema}.jwks`));
    assert.equal(keys.rows.length, 1);
    assert.equal(await again.stop(), 0);
  });

  it("reads the secret from a file", async (test) => {
    const folder = await mkdtemp(join(tmpdir(), "auth-"));
    test.after(() => rm(folder, { recursive: true }));
    const file = join(folder, "secret");
    await writeFile(file, `${settings.BETTER_AUTH_SECRET}\n`);
    const { BETTER_AUTH_SECRET: _, ...rest } = settings;
    const accounts = await startAccounts({ ...rest, BETTER_AUTH_SECRET_FILE: file });
    await accounts.ready();
    assert.equal(await accounts.stop(), 0);
  });

  it("refuses to start without a secret", async () => {
    const { BETTER_AUTH_SECRET: _, ...rest } = settings;
    await assert.rejects(startAccounts(rest), /exited with 1: .*BETTER_AUTH_SECRET .*is not set/);
  });
});
