// Follows a stream until it is aborted: reconnects with exponential back-off and resumes after
// the last event.

import { isTransient } from "../api/problem";
import { readEvents, type WireEvent } from "./readEvents";

export interface StreamOptions {
  /** Opens the stream after an event. Rejects with a `Problem` if the service refuses. */
  open: (lastEventId: string | undefined, signal: AbortSignal) => Promise<Response>;
  /** Returns `"restart"` to open the stream again from its beginning, because an event is missing. */
  onEvent: (event: WireEvent) => "restart" | undefined;
  /** Called whenever the stream is open, also after a reconnection. */
  onOpen?: () => void;
  /** Called when the connection is lost, before each reconnection. */
  onLost?: () => void;
  signal: AbortSignal;
}

export interface Timing {
  firstDelayMs: number;
  maxDelayMs: number;
  /** A connection without a byte for this long is closed. The server sends a comment every 15 s. */
  silenceMs: number;
  random: () => number;
}

const TIMING: Timing = { firstDelayMs: 500, maxDelayMs: 15_000, silenceMs: 40_000, random: Math.random };

/** Resolves when the signal is aborted. Rejects with an error that a reconnection cannot fix. */
export async function followStream(options: StreamOptions, timing: Timing = TIMING): Promise<void> {
  const { signal } = options;
  let lastEventId: string | undefined;
  let failures = 0;
  let serverDelayMs: number | undefined;
  while (!signal.aborted) {
    const connection = new Connection(signal, timing.silenceMs);
    try {
      const response = await options.open(lastEventId, connection.signal);
      if (!response.body) throw new TypeError("the stream has no body");
      options.onOpen?.();
      const hints = {
        onAlive: () => connection.keepAlive(),
        onRetry: (milliseconds: number) => {
          serverDelayMs = milliseconds;
        },
      };
      for await (const event of readEvents(response.body, hints)) {
        failures = 0;
        if (event.id !== undefined) lastEventId = event.id;
        if (options.onEvent(event) === "restart") {
          lastEventId = undefined;
          break;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!connection.signal.aborted && !isTransient(error)) throw error;
    } finally {
      connection.close();
    }
    if (signal.aborted) return;
    options.onLost?.();
    await sleep(retryDelay(failures, serverDelayMs, timing), signal);
    failures += 1;
  }
}

/**
 * Doubles with each consecutive failure, with jitter so that many clients do not reconnect at the same time.
 */
export function retryDelay(failures: number, serverDelayMs: number | undefined, timing: Timing): number {
  const delay = Math.min((serverDelayMs ?? timing.firstDelayMs) * 2 ** failures, timing.maxDelayMs);
  return delay * (0.5 + timing.random() / 2);
}

/** Aborts its signal when the outer signal is aborted or after a silence. */
class Connection {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #silenceMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal, silenceMs: number) {
    this.#outer = outer;
    this.#silenceMs = silenceMs;
    outer.addEventListener("abort", this.close);
    this.keepAlive();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  keepAlive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.close, this.#silenceMs);
  }

  readonly close = (): void => {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.close);
    this.#controller.abort();
  };
}

/** Resolves after the delay, or earlier when the signal is aborted or the device comes back online. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
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
