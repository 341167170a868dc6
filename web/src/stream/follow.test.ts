import { describe, expect, it, vi } from "vitest";
import { Problem } from "../api/problem";
import { follow, type Patience, pauseAfter } from "./follow";
import type { WireEvent } from "./reader";

const PATIENCE: Patience = { firstPauseMs: 1, longestPauseMs: 4, silenceMs: 30, random: () => 1 };

function answer(text: string, ends = true): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      if (ends) controller.close();
    },
  });
  return new Response(body);
}

/** Follows until as many events have come as `expected` says. */
async function followed(
  opens: (() => Promise<Response>)[],
  expected: number,
  onEvent: (event: WireEvent) => "restart" | undefined = () => undefined,
) {
  const stop = new AbortController();
  const asked: (string | undefined)[] = [];
  const events: string[] = [];
  await follow(
    {
      signal: stop.signal,
      open: (lastEventId) => {
        asked.push(lastEventId);
        return (opens[asked.length - 1] ?? (() => Promise.reject(new TypeError("away"))))();
      },
      onEvent: (event) => {
        events.push(event.data);
        if (events.length === expected) stop.abort();
        return onEvent(event);
      },
    },
    PATIENCE,
  );
  return { asked, events };
}

describe("following a stream", () => {
  it("goes on after the last event when the connection ends or cannot be made", async () => {
    const { asked, events } = await followed(
      [
        async () => answer("id: 1\ndata: a\n\nid: 2\ndata: b\n\n"),
        () => Promise.reject(new TypeError("away")),
        () => Promise.reject(new Problem(503)),
        async () => answer("id: 3\ndata: c\n\n"),
      ],
      3,
    );
    expect(events).toEqual(["a", "b", "c"]);
    expect(asked).toEqual([undefined, "2", "2", "2"]);
  });

  it("takes a long silence for a dead connection", async () => {
    const { asked } = await followed(
      [async () => silentAfter("id: 1\ndata: a\n\n"), async () => answer("id: 2\ndata: b\n\n")],
      2,
    );
    expect(asked).toEqual([undefined, "1"]);
  });

  it("begins from the start when something is missing", async () => {
    const { asked } = await followed(
      [async () => answer("id: 1\ndata: gap\n\n"), async () => answer("id: 1\ndata: whole\n\n")],
      2,
      (event) => (event.data === "gap" ? "restart" : undefined),
    );
    expect(asked).toEqual([undefined, undefined]);
  });

  it("ends with a refusal that will not pass", async () => {
    await expect(followed([() => Promise.reject(new Problem(404))], 1)).rejects.toMatchObject({ status: 404 });
  });

  it("waits longer after each failure, up to a bound, and as long as the server asks", () => {
    const pauses = [0, 1, 2, 3, 10].map((failures) => pauseAfter(failures, undefined, PATIENCE));
    expect(pauses).toEqual([1, 2, 4, 4, 4]);
    expect(pauseAfter(0, 3, PATIENCE)).toBe(3);
    expect(pauseAfter(0, undefined, { ...PATIENCE, random: () => 0 })).toBe(0.5);
  });

  it("says when it is open and when it is lost", async () => {
    const stop = new AbortController();
    const onOpen = vi.fn(() => onOpen.mock.calls.length === 2 && stop.abort());
    const onLost = vi.fn();
    const open = async () => answer("data: x\n\n");
    await follow({ signal: stop.signal, open, onEvent: () => undefined, onOpen, onLost }, PATIENCE);
    expect(onLost).toHaveBeenCalledTimes(1);
  });
});

/** A connection that sends this and then nothing, until it is given up. */
function silentAfter(text: string): Response {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
      controller.enqueue(new TextEncoder().encode(text));
      setTimeout(() => controller.error(new TypeError("aborted")), 60);
    },
  });
  return new Response(body);
}
