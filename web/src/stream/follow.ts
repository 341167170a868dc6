// Follows a stream until told to stop: reconnects with a growing pause and goes on after the last event it was given.

import { mayPass } from "../api/problem";
import { readEvents, type WireEvent } from "./reader";

export interface Following {
  /** Opens the stream after this event; throws what `problemOf` makes of a refusal. */
  open: (lastEventId: string | undefined, signal: AbortSignal) => Promise<Response>;
  /** Returning `"restart"` opens the stream anew from its beginning: something is missing. */
  onEvent: (event: WireEvent) => "restart" | undefined;
  /** The stream is open, for the first time or again. */
  onOpen?: () => void;
  /** The connection is lost; it is tried again by itself. */
  onLost?: () => void;
  signal: AbortSignal;
}

export interface Patience {
  firstPauseMs: number;
  longestPauseMs: number;
  /** After this long without a byte the connection is dead; the server sends a comment every 15 s. */
  silenceMs: number;
  random: () => number;
}

const PATIENCE: Patience = { firstPauseMs: 500, longestPauseMs: 15_000, silenceMs: 40_000, random: Math.random };

/** Resolves when the signal says so; rejects with a refusal that will not pass. */
export async function follow(following: Following, patience: Patience = PATIENCE): Promise<void> {
  const { signal } = following;
  let lastEventId: string | undefined;
  let failures = 0;
  let asked: number | undefined;
  while (!signal.aborted) {
    const connection = new Connection(signal, patience.silenceMs);
    try {
      const response = await following.open(lastEventId, connection.signal);
      if (!response.body) throw new TypeError("a stream without a body");
      following.onOpen?.();
      const hints = { onAlive: () => connection.alive(), onRetry: (ms: number) => (asked = ms) };
      for await (const event of readEvents(response.body, hints)) {
        failures = 0;
        if (event.id !== undefined) lastEventId = event.id;
        if (following.onEvent(event) === "restart") {
          lastEventId = undefined;
          break;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!connection.signal.aborted && !mayPass(error)) throw error;
    } finally {
      connection.close();
    }
    if (signal.aborted) return;
    following.onLost?.();
    await pause(pauseAfter(failures, asked, patience), signal);
    failures += 1;
  }
}

/** Doubles with each failure in a row, spread so that many clients do not come back at once. */
export function pauseAfter(failures: number, asked: number | undefined, patience: Patience): number {
  const longest = Math.min((asked ?? patience.firstPauseMs) * 2 ** failures, patience.longestPauseMs);
  return longest * (0.5 + patience.random() / 2);
}

/** One connection: ends when the following ends, or after a silence. */
class Connection {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #silenceMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal, silenceMs: number) {
    this.#outer = outer;
    this.#silenceMs = silenceMs;
    outer.addEventListener("abort", this.close);
    this.alive();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  alive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.close, this.#silenceMs);
  }

  readonly close = (): void => {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.close);
    this.#controller.abort();
  };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      globalThis.removeEventListener?.("online", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
    globalThis.addEventListener?.("online", done);
  });
}
