// What must be true before the first request is served: Postgres answers, the tables are there, a signing key exists.

import { getMigrations } from "better-auth/db/migration";
import { CLIENT_ADDRESS_HEADER } from "./accounts.js";
import { factTables } from "./facts.js";
import { limitTables } from "./limits.js";
import { log, reason } from "./log.js";
import { promoteFirstAdministrator } from "./registration.js";

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5_000;
/** The lock that lets one process migrate while others that start with it wait; an arbitrary, fixed number. */
const MIGRATION_LOCK = 7_163_202_611;

/**
 * Tries until it succeeds, or until `signal` says to stop.
 *
 * @param {import("./accounts.js").Accounts} accounts
 * @param {import("./configuration.js").Configuration} configuration
 * @param {import("pg").Pool} pool
 * @param {AbortSignal} signal
 */
export async function prepare(accounts, configuration, pool, signal) {
  for (let delay = FIRST_DELAY_MS; !signal.aborted; delay = Math.min(delay * 2, LONGEST_DELAY_MS)) {
    try {
      await migrateAlone(accounts, pool);
      await promoteFirstAdministrator(configuration, pool);
      return;
    } catch (error) {
      log("warn", "cannot prepare the database yet", { error: reason(error), retry_ms: delay });
    }
    await pause(delay, signal);
  }
}

/**
 * @param {import("./accounts.js").Accounts} accounts
 * @param {import("pg").Pool} pool
 */
async function migrateAlone(accounts, pool) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    const { runMigrations } = await getMigrations(accounts.options);
    await runMigrations();
    const { schemaName } = accounts.options.database;
    for (const statement of [...factTables(schemaName), ...limitTables(schemaName)]) await client.query(statement);
    await createSigningKey(accounts);
    await client.query("COMMIT");
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/**
 * The first look at the keys makes one when there is none. Left to the first sign-ins, each of them would make its own.
 * @param {import("./accounts.js").Accounts} accounts
 */
async function createSigningKey(accounts) {
  const headers = { [CLIENT_ADDRESS_HEADER]: "127.0.0.1" };
  const { baseURL, basePath } = accounts.options;
  const response = await accounts.handler(new Request(`${baseURL}${basePath}/jwks`, { headers }));
  if (!response.ok) throw new Error(`reading the signing keys answered ${response.status}`);
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}
