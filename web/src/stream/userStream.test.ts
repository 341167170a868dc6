import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { TabMessage } from "./hubPort";
import { UserStream } from "./userStream";

const conversation = 'id: 1.1\nevent: conversation\ndata: {"id":"c","deleted":true}\n\n';

/** A stream that sends an event and stays open. */
function openFor() {
  return async () =>
    new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode(conversation)),
      }),
    );
}

class FakePort {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: TabMessage[] = [];
  isClosed = false;
  answers = true;

  postMessage(message: TabMessage): void {
    this.sent.push(message);
    if (this.answers && message.kind === "join") this.onmessage?.({ data: { kind: "here" } });
  }

  close(): void {
    this.isClosed = true;
  }
}

const asPort = (port: FakePort) => port as unknown as MessagePort;
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("the stream of a tab", () => {
  it("comes from the worker of all tabs", async () => {
    const port = new FakePort();
    const stream = new UserStream(() => asPort(port), openFor);
    const received: string[] = [];
    const stop = stream.follow("ada", ({ kind }) => received.push(kind));
    port.onmessage?.({ data: { kind: "opened", isResumed: false } });
    await vi.advanceTimersByTimeAsync(60_000);
    stop();
    expect(received).toEqual(["opened"]);
    expect(port.sent[0]).toEqual({ kind: "join", owner: "ada", lastId: undefined });
    expect(port.sent.at(-1)).toEqual({ kind: "leave" });
  });

  it("resumes after the last event", () => {
    const port = new FakePort();
    const stream = new UserStream(() => asPort(port), openFor);
    const stop = stream.follow("ada", () => {});
    const event = { event: "conversation", data: { id: "c", deleted: true } };
    port.onmessage?.({ data: { kind: "event", event, id: "7.7" } });
    stop();
    stream.follow("ada", () => {});
    expect(port.sent.at(-1)).toEqual({ kind: "join", owner: "ada", lastId: "7.7" });
  });
});

describe("the connection of a tab", () => {
  it.each([
    ["there are no shared workers", undefined],
    [
      "the worker is not allowed",
      () => {
        throw new Error("not allowed");
      },
    ],
  ])("is the tab's own if %s", async (_, connect) => {
    const stream = new UserStream(connect, openFor);
    const received: string[] = [];
    stream.follow("ada", ({ kind }) => received.push(kind));
    await settle();
    expect(received).toEqual(["opened", "event"]);
  });

  it("is the tab's own once the worker does not start or answer", async () => {
    for (const failure of ["silence", "error"]) {
      const port = new FakePort();
      let onError = () => {};
      const stream = new UserStream((report) => {
        onError = report;
        return asPort(port);
      }, openFor);
      const received: string[] = [];
      stream.follow("ada", ({ kind }) => received.push(kind));
      port.answers = false;
      if (failure === "error") onError();
      await vi.advanceTimersByTimeAsync(failure === "error" ? 0 : 120_000);
      expect(received).toContain("event");
      expect(port.isClosed).toBe(true);
    }
  });

  it("reports a lost connection until it is open again", () => {
    const port = new FakePort();
    const stream = new UserStream(() => asPort(port), openFor);
    const changed = vi.fn();
    stream.subscribe(changed);
    stream.follow("ada", () => {});
    port.onmessage?.({ data: { kind: "lost" } });
    expect(stream.isLost()).toBe(true);
    port.onmessage?.({ data: { kind: "opened", isResumed: true } });
    expect(stream.isLost()).toBe(false);
    expect(changed).toHaveBeenCalledTimes(2);
  });
});
