// The process: reads the configuration, serves, and leaves politely on SIGTERM or SIGINT.

import { ConfigurationError, readConfiguration } from "./configuration.js";
import { log, reason } from "./log.js";

// Better Auth relaxes checks and invents client addresses outside production; it looks when it is loaded.
process.env.NODE_ENV = "production";
const { createAccounts } = await import("./accounts.js");
const { openDatabase } = await import("./database.js");
const { prepare } = await import("./prepare.js");
const { createAccountServer } = await import("./server.js");

const SHUTDOWN_MS = 10_000;

// A promise nobody waits for must not end the process: each request answers for itself.
process.on("unhandledRejection", (error) => log("error", "a background step failed", { error: reason(error) }));

try {
  await run(readConfiguration(process.env));
} catch (error) {
  log("error", error instanceof ConfigurationError ? error.message : `could not start: ${reason(error)}`);
  process.exitCode = 1;
}

/** @param {import("./configuration.js").Configuration} configuration */
async function run(configuration) {
  const stopping = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stopping.abort());
  // The process that started this one holds the other end of the input, and its end is the end of both.
  if (process.env.AUTH_ENDS_WITH_INPUT === "on") {
    process.stdin.resume().once("end", () => stopping.abort());
    // Waiting for that keeps nobody from ending.
    process.stdin.unref();
  }

  const database = openDatabase(configuration.databaseUrl);
  const accounts = createAccounts(configuration, database.pool);
  let prepared = false;
  const server = createAccountServer({
    accounts,
    database,
    configuration,
    prepared: () => prepared,
  });
  await listen(server, configuration);
  warnOfOpenDoors(configuration);
  await prepare(accounts, configuration, database.pool, stopping.signal);
  prepared = !stopping.signal.aborted;
  if (prepared) log("info", "ready", { schema: configuration.schema });

  await untilAborted(stopping.signal);
  await close(server);
  await database.pool.end();
  log("info", "stopped");
}

/**
 * What an operator of an installation that others can reach should know.
 * @param {import("./configuration.js").Configuration} configuration
 */
function warnOfOpenDoors({ smtpUrl, linksInLog, signUp }) {
  if (smtpUrl || linksInLog || signUp !== "open") return;
  log("warn", "everybody can sign up with any address: SIGN_UP is open, and without SMTP_URL no address is verified");
}

/**
 * @param {import("node:http").Server} server
 * @param {{ host: string, port: number }} address
 * @returns {Promise<void>}
 */
function listen(server, { host, port }) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const bound = server.address();
      log("info", "listening", { host, port: bound && typeof bound === "object" ? bound.port : port });
      resolve();
    });
  });
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function untilAborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/**
 * Requests under way are finished; what is still open after ten seconds is cut.
 * @param {import("node:http").Server} server
 * @returns {Promise<void>}
 */
function close(server) {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), SHUTDOWN_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
