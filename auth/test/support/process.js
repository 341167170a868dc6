// Starts the real process against the Postgres of COLLOQUY_TEST_POSTGRES_URL, in a schema of its own.

import { spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";

const MAIN = fileURLToPath(new URL("../../src/main.js", import.meta.url));
export const PUBLIC_URL = "http://localhost:8080";

/** @type {Set<import("node:child_process").ChildProcess>} */
const left = new Set();
after(() => {
  for (const child of left) child.kill("SIGKILL");
});

/** The database that tests may make schemas in. */
export function testDatabaseUrl() {
  const url = process.env.COLLOQUY_TEST_POSTGRES_URL;
  if (!url) throw new Error("set COLLOQUY_TEST_POSTGRES_URL to a Postgres that tests may make schemas in");
  return url;
}

/** @typedef {Awaited<ReturnType<typeof startAccounts>>} RunningAccounts */

export function freshSettings() {
  return {
    DATABASE_URL: testDatabaseUrl(),
    AUTH_SCHEMA: `auth_test_${randomUUID().replaceAll("-", "")}`,
    AUTH_LISTEN: "127.0.0.1:0",
    BETTER_AUTH_SECRET: randomBytes(32).toString("hex"),
    PUBLIC_URL,
    LOG_FORMAT: "json",
  };
}

/**
 * @param {Record<string, string>} settings
 */
export async function startAccounts(settings) {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env.PATH, ...settings },
    stdio: ["ignore", "ignore", "pipe"],
  });
  // A test that fails before it stops its process must not keep the run from ending.
  left.add(child);
  /** @type {string[]} */
  const lines = [];
  const exited = once(child, "exit").then(([code]) => /** @type {number | null} */ (code));
  const port = await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      lines.push(line);
      const [, listening] = /"message":"listening".*"port":(\d+)/.exec(line) ?? [];
      if (listening) resolve(Number(listening));
    });
    exited.then((code) => reject(new Error(`exited with ${code}: ${lines.join("\n")}`)));
  });
  const base = `http://127.0.0.1:${port}/api/auth`;
  return {
    lines,
    exited,
    base,
    stop: async () => {
      child.kill("SIGTERM");
      return exited;
    },
    running: () => child.exitCode === null,
    ready: () => until(async () => (await fetch(`${base}/ok`)).status === 200),
  };
}

/**
 * Waits for a condition, not for a time.
 * @param {() => Promise<boolean>} condition
 */
export async function until(condition, withinMs = 20_000) {
  const end = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`still not so after ${withinMs} ms: ${condition}`);
    await pause(50);
  }
}

/**
 * Runs statements in the schema of `settings`.
 * @param {{ DATABASE_URL: string, AUTH_SCHEMA: string }} settings
 * @param {(client: pg.Client, schema: string) => Promise<any>} work
 */
export async function inDatabase(settings, work) {
  const client = new pg.Client({ connectionString: testDatabaseUrl() });
  await client.connect();
  try {
    return await work(client, settings.AUTH_SCHEMA);
  } finally {
    await client.end();
  }
}

/** @param {{ DATABASE_URL: string, AUTH_SCHEMA: string }} settings */
export function dropSchema(settings) {
  return inDatabase(settings, (client, schema) => client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`));
}
