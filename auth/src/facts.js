// Facts about accounts for the service: sign-ins, their refusals, the ends of sessions, changes of roles and bans.
// Triggers write a row for each, in the transaction of the change itself: no change lacks its row, and the service may
// be away. The service turns the rows of `account_facts` into events and deletes them; each of its processes reads
// `revocations` and refuses the tokens of sessions that have ended. Neither table holds addresses or names.

import { log, reason } from "./log.js";

/**
 * Statements that may run any number of times. `schema` is a checked name.
 * @param {string} schema
 */
export function factTables(schema) {
  return [
    `CREATE TABLE IF NOT EXISTS ${schema}.account_facts (
       id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
       number bigint GENERATED ALWAYS AS IDENTITY,
       kind text NOT NULL CHECK (kind IN ('signed_in', 'sign_in_refused', 'signed_out', 'session_revoked',
                                          'role_changed', 'banned', 'ban_lifted')),
       user_id uuid NOT NULL,
       session_id uuid,
       role text,
       count integer NOT NULL DEFAULT 1,
       at timestamptz NOT NULL DEFAULT clock_timestamp(),
       minute timestamptz)`,
    `CREATE UNIQUE INDEX IF NOT EXISTS account_facts_number ON ${schema}.account_facts (number)`,
    `CREATE UNIQUE INDEX IF NOT EXISTS account_facts_refused ON ${schema}.account_facts (user_id, minute)
      WHERE kind = 'sign_in_refused'`,
    `CREATE TABLE IF NOT EXISTS ${schema}.revocations (
       id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       kind text NOT NULL CHECK (kind IN ('session', 'role', 'banned', 'ban_lifted')),
       user_id uuid NOT NULL,
       session_id uuid,
       role text,
       at timestamptz NOT NULL DEFAULT clock_timestamp())`,
    `CREATE INDEX IF NOT EXISTS revocations_at ON ${schema}.revocations (at)`,
    `ALTER TABLE ${schema}.session ADD COLUMN IF NOT EXISTS "endedBy" text`,
    ...trigger(schema, "session_began", "AFTER INSERT", "session", SESSION_BEGAN),
    ...trigger(schema, "session_ended", "AFTER DELETE", "session", SESSION_ENDED),
    ...trigger(schema, "user_began", "AFTER INSERT", `"user"`, USER_BEGAN),
    ...trigger(schema, "user_changed", "AFTER UPDATE OF role, banned", `"user"`, USER_CHANGED),
    ...trigger(schema, "password_changed", "AFTER UPDATE OF password", "account", PASSWORD_CHANGED),
  ];
}

/**
 * @param {string} schema
 * @param {string} name
 * @param {string} event
 * @param {string} table
 * @param {string} body
 */
function trigger(schema, name, event, table, body) {
  return [
    `CREATE OR REPLACE FUNCTION ${schema}.${name}() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN ${body.replaceAll("{schema}", schema)} RETURN NULL; END $$`,
    `CREATE OR REPLACE TRIGGER ${name} ${event} ON ${schema}.${table} FOR EACH ROW EXECUTE FUNCTION ${schema}.${name}()`,
  ];
}

const SESSION_BEGAN = `
  INSERT INTO {schema}.account_facts (kind, user_id, session_id)
  VALUES ('signed_in', NEW."userId"::text::uuid, NEW.id::text::uuid);`;

// An expired session needs no row: none of its tokens is valid. The service sets colloquy.recorded in the
// transaction of a change that it has recorded as an event already.
const SESSION_ENDED = `
  IF OLD."expiresAt" > now() THEN
    INSERT INTO {schema}.revocations (kind, user_id, session_id)
    VALUES ('session', OLD."userId"::text::uuid, OLD.id::text::uuid);
    IF current_setting('colloquy.recorded', true) IS DISTINCT FROM 'on' THEN
      INSERT INTO {schema}.account_facts (kind, user_id, session_id)
      VALUES (CASE WHEN OLD."endedBy" = 'sign-out' THEN 'signed_out' ELSE 'session_revoked' END,
              OLD."userId"::text::uuid, OLD.id::text::uuid);
    END IF;
  END IF;`;

// An invitation can give a role from the beginning.
const USER_BEGAN = `
  IF coalesce(NEW.role, 'user') <> 'user' THEN
    INSERT INTO {schema}.account_facts (kind, user_id, role) VALUES ('role_changed', NEW.id::text::uuid, NEW.role);
  END IF;`;

const USER_CHANGED = `
  IF NEW.role IS DISTINCT FROM OLD.role THEN
    INSERT INTO {schema}.revocations (kind, user_id, role) VALUES ('role', NEW.id::text::uuid, NEW.role);
    IF current_setting('colloquy.recorded', true) IS DISTINCT FROM 'on' THEN
      INSERT INTO {schema}.account_facts (kind, user_id, role) VALUES ('role_changed', NEW.id::text::uuid, NEW.role);
    END IF;
  END IF;
  IF coalesce(NEW.banned, false) <> coalesce(OLD.banned, false) THEN
    INSERT INTO {schema}.revocations (kind, user_id)
    VALUES (CASE WHEN NEW.banned THEN 'banned' ELSE 'ban_lifted' END, NEW.id::text::uuid);
    IF current_setting('colloquy.recorded', true) IS DISTINCT FROM 'on' THEN
      INSERT INTO {schema}.account_facts (kind, user_id)
      VALUES (CASE WHEN NEW.banned THEN 'banned' ELSE 'ban_lifted' END, NEW.id::text::uuid);
    END IF;
  END IF;`;

// Whoever reads an old mail must not take the account back.
const PASSWORD_CHANGED = `
  IF NEW.password IS DISTINCT FROM OLD.password THEN
    DELETE FROM {schema}.verification v
     WHERE v.identifier LIKE 'reset-password:%' AND v.value = NEW."userId"::text;
  END IF;`;

/**
 * What triggers cannot see. Both log a failure and never throw: a sign-in is not refused for want of its record.
 *
 * @param {import("pg").Pool} pool
 * @param {string} schema
 */
export function factWriter(pool, schema) {
  /**
   * @param {string} statement
   * @param {unknown[]} values
   */
  const write = (statement, values) =>
    pool.query(statement, values).then(
      () => undefined,
      (error) => log("error", "a fact about an account was not recorded", { error: reason(error) }),
    );
  return {
    /**
     * One row a minute counts the refusals of an account; an address without an account leaves none.
     * @param {string} email
     */
    signInRefused: (email) =>
      write(
        `INSERT INTO ${schema}.account_facts (kind, user_id, minute)
         SELECT 'sign_in_refused', u.id::text::uuid, date_trunc('minute', now()) FROM ${schema}."user" u WHERE u.email = $1
             ON CONFLICT (user_id, minute) WHERE kind = 'sign_in_refused' DO UPDATE SET count = account_facts.count + 1`,
        [email.toLowerCase()],
      ),
    /**
     * Called before the session is deleted: tells a sign-out from a revocation.
     * @param {string} session
     */
    signingOut: (session) =>
      write(`UPDATE ${schema}.session SET "endedBy" = 'sign-out' WHERE id::text = $1`, [session]),
  };
}
