import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../api/problem";
import { followStream, retryDelay, type StreamOptions, type Timing } from "./followStream";
import type { WireEvent } from "./readEvents";

const TIMING: Timing = { firstDelayMs: 100, maxDelayMs: 400, silenceMs: 30_000, random: () => 1 };

type Open = StreamOptions["open"];

/** Opens a stream that sends a text and ends. */
const stream = (text: string): Open => {
  return async () => new Response(text);
};

/** Opens a stream that sends a text and then nothing until its signal is aborted. */
const silentStream = (text: string): Open => {
  return async (_, signal) =>
    new Response(
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(text));
          signal.addEventListener("abort", () => controller.error(new TypeError("aborted")));
        },
      }),
    );
};

const rejects = (error: Error): Open => {
  return () => Promise.reject(error);
};

/**
 * Follows a stream until a number of events have arrived. Each connection is opened by the next of `opens`.
 */
async function follow(
  opens: Open[],
  expected: number,
  onEvent: (event: WireEvent) => "restart" | undefined = () => undefined,
) {
  const stop = new AbortController();
  const lastEventIds: (string | undefined)[] = [];
  const events: string[] = [];
  const unreachable = rejects(new TypeError("not reached"));
  await followStream(
    {
      signal: stop.signal,
      open: (lastEventId, signal) => {
        lastEventIds.push(lastEventId);
        return (opens[lastEventIds.length - 1] ?? unreachable)(lastEventId, signal);
      },
      onEvent: (event) => {
        events.push(event.data);
        if (events.length === expected) stop.abort();
        return onEvent(event);
      },
    },
    TIMING,
  );
  return { lastEventIds, events };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Runs all timers while waiting for a result. */
async function withTimers<T>(result: Promise<T>): Promise<T> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  result.then(settle, settle);
  while (!settled) await vi.advanceTimersByTimeAsync(TIMING.firstDelayMs);
  return result;
}

describe("following a stream", () => {
  it("resumes after the last event when the connection ends or cannot be opened", async () => {
    const opens = [
      stream("id: 1\ndata: a\n\nid: 2\ndata: b\n\n"),
      rejects(new TypeError("not reached")),
      rejects(new Problem(503)),
      stream("id: 3\ndata: c\n\n"),
    ];
    const { lastEventIds, events } = await withTimers(follow(opens, 3));
    expect(events).toEqual(["a", "b", "c"]);
    expect(lastEventIds).toEqual([undefined, "2", "2", "2"]);
  });

  it("reconnects after a silence", async () => {
    const started = Date.now();
    const opens = [silentStream("id: 1\ndata: a\n\n"), stream("id: 2\ndata: b\n\n")];
    const { lastEventIds } = await withTimers(follow(opens, 2));
    expect(lastEventIds).toEqual([undefined, "1"]);
    expect(Date.now() - started).toBeGreaterThanOrEqual(TIMING.silenceMs);
  });

  it("opens the stream from its beginning when an event is missing", async () => {
    const opens = [stream("id: 1\ndata: gap\n\n"), stream("id: 1\ndata: whole\n\n")];
    const { lastEventIds } = await withTimers(
      follow(opens, 2, (event) => (event.data === "gap" ? "restart" : undefined)),
    );
    expect(lastEventIds).toEqual([undefined, undefined]);
  });

  it("rejects with an error that is not transient", async () => {
    await expect(withTimers(follow([rejects(new Problem(404))], 1))).rejects.toMatchObject({ status: 404 });
  });

  it("reports each open connection and each lost one", async () => {
    const stop = new AbortController();
    const reports: string[] = [];
    const open = stream("data: x\n\n");
    const onOpen = () => {
      reports.push("open");
      if (reports.length === 3) stop.abort();
    };
    const onLost = () => reports.push("lost");
    await withTimers(followStream({ signal: stop.signal, open, onEvent: () => undefined, onOpen, onLost }, TIMING));
    expect(reports).toEqual(["open", "lost", "open"]);
  });
});

describe("the delay before a reconnection", () => {
  it("doubles up to a maximum", () => {
    expect([0, 1, 2, 3, 10].map((failures) => retryDelay(failures, undefined, TIMING))).toEqual([
      100, 200, 400, 400, 400,
    ]);
  });

  it("begins with the delay that the server sets", () => {
    expect(retryDelay(0, 300, TIMING)).toBe(300);
  });

  it("has a jitter of up to a half", () => {
    expect(retryDelay(0, undefined, { ...TIMING, random: () => 0 })).toBe(50);
  });
});
