// Second processes of the service and of the account service under test, which a test can stop and restart.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { openSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const START_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 50;

export class TestServer {
  readonly url: string;
  readonly #program: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #roles: string;
  #process: ChildProcess | undefined;
  #accounts: ChildProcess | undefined;

  private constructor(port: number, program: string, environment: NodeJS.ProcessEnv, roles: string) {
    this.url = `http://localhost:${port}`;
    this.#program = program;
    this.#environment = { ...environment, LISTEN: `127.0.0.1:${port}` };
    this.#roles = roles;
  }

  /**
   * Starts an API process and an account service with other settings, which both read, and with the stores of those
   * under test.
   */
  static async startWithAccounts(settings: (port: number) => NodeJS.ProcessEnv): Promise<TestServer> {
    const { program, environment } = await serviceUnderTest();
    const [port, accountsPort] = [await freePort(), await freePort()];
    const own = { ...environment, ...settings(port), AUTH_URL: `http://127.0.0.1:${accountsPort}` };
    const server = new TestServer(port, program, own, "api");
    const accounts = await accountsUnderTest(environment.AUTH_URL ?? "");
    server.#accounts = spawn(accounts.program, ["src/main.js"], {
      cwd: accounts.folder,
      env: { ...accounts.environment, ...settings(port), AUTH_LISTEN: `127.0.0.1:${accountsPort}` },
      stdio: "ignore",
    });
    await untilOk(`${own.AUTH_URL}/api/auth/ok`);
    await server.restart();
    return server;
  }

  /** Starts an API process with the configuration and the stores of the service under test. */
  static async start(): Promise<TestServer> {
    const { program, environment } = await serviceUnderTest();
    const server = new TestServer(await freePort(), program, environment, "api");
    await server.restart();
    return server;
  }

  /**
   * Starts processes with stores of their own and the same accounts. Without a worker, no
   * question is answered.
   */
  static async startWithoutWorker(): Promise<TestServer> {
    const { program, environment } = await serviceUnderTest();
    const name = `unanswered_${randomUUID().replaceAll("-", "")}`;
    const accounts = environment.DATABASE_URL ?? "";
    const own = {
      ...environment,
      AUTH_DATABASE_URL: environment.AUTH_DATABASE_URL ?? accounts,
      DATABASE_URL: await createDatabase(accounts, name),
      NATS_PREFIX: name,
      QDRANT_PREFIX: name,
      LIMIT_REQUESTS: "0",
      LIMIT_COMMANDS: "0",
      LIMIT_PENDING_ANSWERS: "0",
    };
    await promisify(execFile)(program, ["migrate"], { env: { ...own, DATABASE_DIRECT_URL: own.DATABASE_URL } });
    const server = new TestServer(await freePort(), program, own, "api,sequencer,projector");
    await server.restart();
    return server;
  }

  /** Kills the process if it runs, starts it, and waits until it is ready. */
  async restart(): Promise<void> {
    await this.stop();
    const log = logFile(this.#environment.LISTEN ?? "");
    this.#process = spawn(this.#program, ["serve", "--role", this.#roles, "--no-migrate"], {
      env: this.#environment,
      stdio: ["ignore", log, log],
    });
    await untilOk(`${this.url}/readyz`);
  }

  /** Kills the process, as a failure of its machine would, and waits until its port is free. */
  async stop(): Promise<void> {
    const exited = this.#process && once(this.#process, "exit");
    this.#process?.kill("SIGKILL");
    await exited;
    this.#process = undefined;
  }

  /** Kills all processes of this server. */
  async end(): Promise<void> {
    await this.stop();
    this.#accounts?.kill("SIGKILL");
  }
}

async function untilOk(url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await fetch(url).catch(() => undefined))?.ok) {
    if (Date.now() > deadline) throw new Error(`${url} did not answer`);
    await delay(POLL_INTERVAL_MS);
  }
}

/** Runs a command of the service's program, for example `grant`. Returns what it prints. */
export async function runCommand(...command: string[]): Promise<string> {
  const { program, environment } = await serviceUnderTest();
  const { stdout } = await promisify(execFile)(program, command, { env: environment });
  return stdout.trim();
}

/** A log file in the folder of the logs under test, if the folder is known. */
function logFile(name: string): number | "ignore" {
  const folder = process.env.COLLOQUY_LOGS;
  return folder ? openSync(join(folder, `server-${name}.log`), "a") : "ignore";
}

/** The process `colloquy serve` that listens at the port under test, with its environment. */
function serviceUnderTest(): Promise<RunningProcess> {
  return runningProcess("serve", "LISTEN", process.env.E2E_BASE_URL || "http://localhost:8080");
}

/** The process of the account service at an address, with its environment. */
function accountsUnderTest(url: string): Promise<RunningProcess> {
  return runningProcess("src/main.js", "AUTH_LISTEN", url);
}

interface RunningProcess {
  program: string;
  folder: string;
  environment: NodeJS.ProcessEnv;
}

/** The process with a first argument whose variable names the port of an address. */
async function runningProcess(argument: string, variable: string, url: string): Promise<RunningProcess> {
  const { port } = new URL(url);
  for (const id of await readdir("/proc")) {
    const command = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
    if (command.split("\0")[1] !== argument) continue;
    const lines = (await readFile(`/proc/${id}/environ`, "utf8").catch(() => "")).split("\0").filter(Boolean);
    const environment: NodeJS.ProcessEnv = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    if (!environment[variable]?.endsWith(`:${port}`)) continue;
    return { program: await readlink(`/proc/${id}/exe`), folder: await readlink(`/proc/${id}/cwd`), environment };
  }
  throw new Error(`no process of \`${argument}\` listens at port ${port}`);
}

/** Creates an empty database beside another one, with the database client of the account service. */
async function createDatabase(url: string, name: string): Promise<string> {
  const { Client } = createRequire(new URL("../../auth/package.json", import.meta.url))("pg");
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const created = new URL(url);
  created.pathname = `/${name}`;
  return created.href;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
