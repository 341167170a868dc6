// The connection pool, and whether Postgres can be reached. Knows nothing of accounts.

import pg from "pg";
import { log, reason } from "./log.js";

const CONNECT_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 10_000;
/** Idle connections go soon, so that a database that sleeps when unused can. */
const IDLE_TIMEOUT_MS = 30_000;
const PING_TIMEOUT_MS = 2_000;
const MAX_CONNECTIONS = 10;

/**
 * @typedef {object} Database
 * @property {pg.Pool} pool
 * @property {() => Promise<boolean>} answers Whether Postgres answers right now, within two seconds.
 * @property {() => number} lastFailureAt When a connection was last refused or lost (milliseconds, as `Date.now()`).
 */

/**
 * @param {string} url
 * @returns {Database}
 */
export function openDatabase(url) {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: "colloquy-auth",
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
  });
  let failedAt = 0;
  /** @param {unknown} error */
  const lost = (error) => {
    failedAt = Date.now();
    log("warn", "lost a connection to postgres", { error: reason(error) });
  };
  // Without these listeners a restart of Postgres ends this process: an idle connection reports to the pool, one in
  // use between two statements to itself.
  pool.on("error", lost);
  pool.on("connect", (client) => client.on("error", () => (failedAt = Date.now())));
  return {
    pool,
    lastFailureAt: () => failedAt,
    answers: async () => {
      const alive = await ping(pool);
      if (!alive) failedAt = Date.now();
      return alive;
    },
  };
}

/** @param {pg.Pool} pool */
async function ping(pool) {
  const answer = pool.query("SELECT 1").then(
    () => true,
    () => false,
  );
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const silence = new Promise((resolve) => {
    timer = setTimeout(() => resolve(false), PING_TIMEOUT_MS);
  });
  const alive = await Promise.race([answer, silence]);
  clearTimeout(timer);
  return alive === true;
}
