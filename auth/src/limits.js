// Counts within windows of time, in Postgres, so that all processes of the account service share them. A count is
// one statement: requests at the same moment, the first ones included, wait for each other's row and cannot exceed
// a limit together. Names of counts hold addresses of people and machines; only keyed hashes of them are stored.

import { createHmac } from "node:crypto";
import { log, reason } from "./log.js";

const KEY_BYTES = 16;
/** Interval between removals of counts whose window is over. They follow a request, so that an idle database sleeps. */
const PRUNING_INTERVAL_MS = 60_000;
/** Counts that are kept. Beyond that, those that end first are forgotten. */
const MAX_ROWS = 500_000;
/** Refusals that this process remembers, so that a client that goes on costs no statement. */
const MAX_REFUSALS = 10_000;

/** @typedef {{ window: number, max: number }} Rule Window in seconds. */
/** @typedef {{ allowed: boolean, retryAfter: number | null }} Decision */
/** @typedef {ReturnType<typeof createLimits>} Limits */

/**
 * Statements that may run any number of times. `schema` is a checked name.
 * @param {string} schema
 */
export function limitTables(schema) {
  return [
    `CREATE TABLE IF NOT EXISTS ${schema}.rate_limits (
       key bytea PRIMARY KEY,
       count integer NOT NULL,
       ends_at timestamptz NOT NULL)`,
    `CREATE INDEX IF NOT EXISTS rate_limits_ends_at ON ${schema}.rate_limits (ends_at)`,
  ];
}

/**
 * @param {import("pg").Pool} pool
 * @param {{ schema: string, secret: string }} configuration
 * @param {{ maxRows?: number, pruningIntervalMs?: number }} [bounds]
 */
export function createLimits(
  pool,
  { schema, secret },
  { maxRows = MAX_ROWS, pruningIntervalMs = PRUNING_INTERVAL_MS } = {},
) {
  const statements = statementsIn(schema);
  /** @type {Map<string, number>} When a refused count is over (milliseconds, as `Date.now()`). */
  const refusals = new Map();
  let prunedAt = Date.now();
  /** @param {string} name */
  const keyOf = (name) => createHmac("sha256", secret).update(name).digest().subarray(0, KEY_BYTES);

  async function prune() {
    if (Date.now() - prunedAt < pruningIntervalMs) return;
    prunedAt = Date.now();
    const pruned = pool.query(statements.prune, [maxRows]);
    await pruned.catch((error) => log("warn", "old counts were not removed", { error: reason(error) }));
  }

  return {
    /**
     * Counts one more, unless the limit is reached.
     * @param {string} name @param {Rule} rule
     * @returns {Promise<Decision>}
     */
    consume: async (name, { window, max }) => {
      const refusedUntil = refusals.get(name) ?? 0;
      if (refusedUntil > Date.now()) return refusal((refusedUntil - Date.now()) / 1000);
      refusals.delete(name);
      const { rows } = await pool.query(statements.consume, [keyOf(name), window, max]);
      void prune();
      const { count, seconds_left: secondsLeft } = rows[0];
      if (count <= max) return { allowed: true, retryAfter: null };
      refusals.set(name, Date.now() + secondsLeft * 1000);
      if (refusals.size > MAX_REFUSALS) refusals.delete(String(refusals.keys().next().value));
      return refusal(secondsLeft);
    },
    /**
     * Takes one back.
     * @param {string} name
     */
    refund: async (name) => {
      await pool.query(statements.refund, [keyOf(name)]);
    },
    /**
     * Keeps a name for a time.
     * @param {string} name @param {number} seconds
     */
    remember: async (name, seconds) => {
      await pool.query(statements.remember, [keyOf(name), seconds]);
    },
    /**
     * Whether a name is kept.
     * @param {string} name
     */
    isRemembered: async (name) => {
      const { rowCount } = await pool.query(statements.isRemembered, [keyOf(name)]);
      return rowCount === 1;
    },
    prune,
  };
}

/**
 * @param {number} seconds
 * @returns {Decision}
 */
function refusal(seconds) {
  return { allowed: false, retryAfter: Math.max(1, Math.ceil(seconds)) };
}

/** @param {string} schema */
function statementsIn(schema) {
  const table = `${schema}.rate_limits`;
  return {
    consume: `
      INSERT INTO ${table} AS l (key, count, ends_at)
      VALUES ($1, 1, clock_timestamp() + make_interval(secs => $2))
          ON CONFLICT (key) DO UPDATE SET
             count = CASE WHEN l.ends_at <= clock_timestamp() THEN 1 ELSE least(l.count, $3) + 1 END,
             ends_at = CASE WHEN l.ends_at <= clock_timestamp() THEN excluded.ends_at ELSE l.ends_at END
      RETURNING count, extract(epoch FROM ends_at - clock_timestamp())::float8 AS seconds_left`,
    refund: `UPDATE ${table} SET count = greatest(count - 1, 0) WHERE key = $1`,
    remember: `
      INSERT INTO ${table} (key, count, ends_at) VALUES ($1, 0, clock_timestamp() + make_interval(secs => $2))
          ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at`,
    isRemembered: `SELECT 1 FROM ${table} WHERE key = $1 AND ends_at > clock_timestamp()`,
    prune: `
      DELETE FROM ${table} WHERE ends_at < greatest(
        now(), (SELECT ends_at FROM ${table} ORDER BY ends_at DESC OFFSET $1 LIMIT 1))`,
  };
}
