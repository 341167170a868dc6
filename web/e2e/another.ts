// Another process beside the one the stories run against: one that a story may stop and start, or that nobody answers at.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { openSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

/** How long a process may take until it answers. */
const START_MS = 30_000;

export class AnotherServer {
  readonly url: string;
  readonly #program: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #roles: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, program: string, environment: NodeJS.ProcessEnv, roles: string) {
    this.url = `http://localhost:${port}`;
    this.#program = program;
    this.#environment = { ...environment, LISTEN: `127.0.0.1:${port}` };
    this.#roles = roles;
  }

  /** Started with what the service under test was started with, and on the same stores. */
  static async start(): Promise<AnotherServer> {
    const { program, environment } = await serviceUnderTest();
    const server = new AnotherServer(await freePort(), program, environment, "api");
    await server.restart();
    return server;
  }

  /** One with stores of its own and the same accounts, where questions are kept and listed but never answered. */
  static async startUnanswered(): Promise<AnotherServer> {
    const { program, environment } = await serviceUnderTest();
    const name = `unanswered_${randomUUID().replaceAll("-", "")}`;
    const accounts = environment.DATABASE_URL ?? "";
    const own = {
      ...environment,
      AUTH_DATABASE_URL: environment.AUTH_DATABASE_URL ?? accounts,
      DATABASE_URL: await newDatabase(accounts, name),
      NATS_PREFIX: name,
      QDRANT_PREFIX: name,
      RATE_LIMIT: "0",
    };
    await promisify(execFile)(program, ["migrate"], { env: { ...own, DATABASE_DIRECT_URL: own.DATABASE_URL } });
    const server = new AnotherServer(await freePort(), program, own, "api,sealer,projector");
    await server.restart();
    return server;
  }

  /** Stops it as a machine that fails does, and starts it anew. */
  async restart(): Promise<void> {
    await this.stop();
    const log = logOf(this.#environment.LISTEN ?? "");
    this.#process = spawn(this.#program, ["serve", "--role", this.#roles, "--no-migrate"], {
      env: this.#environment,
      stdio: ["ignore", log, log],
    });
    const deadline = Date.now() + START_MS;
    while (!(await fetch(`${this.url}/readyz`).catch(() => undefined))?.ok) {
      if (Date.now() > deadline) throw new Error("the other server does not answer");
      await pause(50);
    }
  }

  /** Resolves when it is gone and its port is free. */
  async stop(): Promise<void> {
    const gone = this.#process && once(this.#process, "exit");
    this.#process?.kill("SIGKILL");
    await gone;
    this.#process = undefined;
  }
}

/** Runs a command of the operator's, such as `grant`, against what the stories run against. */
export async function operate(...command: string[]): Promise<void> {
  const { program, environment } = await serviceUnderTest();
  await promisify(execFile)(program, command, { env: environment });
}

/** A log beside those of what the stories run against, where their folder is known. */
function logOf(name: string): number | "ignore" {
  const folder = process.env.COLLOQUY_LOGS;
  return folder ? openSync(join(folder, `beside-${name}.log`), "a") : "ignore";
}

/** What listens where the stories go: a `colloquy serve` whose environment says so. */
async function serviceUnderTest(): Promise<{ program: string; environment: NodeJS.ProcessEnv }> {
  const { port } = new URL(process.env.E2E_BASE_URL || "http://localhost:8080");
  for (const id of await readdir("/proc")) {
    const told = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
    if (told.split("\0")[1] !== "serve") continue;
    const lines = (await readFile(`/proc/${id}/environ`, "utf8").catch(() => "")).split("\0").filter(Boolean);
    const environment: NodeJS.ProcessEnv = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    if (environment.LISTEN?.endsWith(`:${port}`)) return { program: await readlink(`/proc/${id}/exe`), environment };
  }
  throw new Error(`no colloquy listens at port ${port}`);
}

/** An empty database beside another one, made with the client that the account service has. */
async function newDatabase(beside: string, name: string): Promise<string> {
  const { Client } = createRequire(new URL("../../auth/package.json", import.meta.url))("pg");
  const client = new Client({ connectionString: beside });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(beside);
  url.pathname = `/${name}`;
  return url.href;
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
