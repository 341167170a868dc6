// Another api process beside the one the stories run against: one that a story may stop and start.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** How long a process may take until it answers. */
const START_MS = 30_000;

export class AnotherServer {
  readonly url: string;
  readonly #program: string;
  readonly #environment: NodeJS.ProcessEnv;
  #process: ChildProcess | undefined;

  private constructor(port: number, program: string, environment: NodeJS.ProcessEnv) {
    this.url = `http://localhost:${port}`;
    this.#program = program;
    this.#environment = { ...environment, LISTEN: `127.0.0.1:${port}` };
  }

  /** Started with what the service under test was started with, and on the same stores. */
  static async start(): Promise<AnotherServer> {
    const running = await serviceUnderTest();
    const environment = Object.fromEntries(
      (await readFile(`/proc/${running}/environ`, "utf8"))
        .split("\0")
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const server = new AnotherServer(await freePort(), await readlink(`/proc/${running}/exe`), environment);
    await server.restart();
    return server;
  }

  /** Stops it as a machine that fails does, and starts it anew. */
  async restart(): Promise<void> {
    await this.stop();
    this.#process = spawn(this.#program, ["serve", "--role", "api", "--no-migrate"], {
      env: this.#environment,
      stdio: "ignore",
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

/** The process that listens where the stories go: a `colloquy serve` whose environment says so. */
async function serviceUnderTest(): Promise<string> {
  const { port } = new URL(process.env.E2E_BASE_URL || "http://localhost:8080");
  for (const id of await readdir("/proc")) {
    const told = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
    if (told.split("\0")[1] !== "serve") continue;
    const environment = await readFile(`/proc/${id}/environ`, "utf8").catch(() => "");
    if (environment.split("\0").some((line) => line.startsWith("LISTEN=") && line.endsWith(`:${port}`))) return id;
  }
  throw new Error(`no colloquy listens at port ${port}`);
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
