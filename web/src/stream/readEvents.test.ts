import { describe, expect, it, vi } from "vitest";
import { readEvents, type WireEvent } from "./readEvents";

function bodyFrom(chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function readAll(text: string, size: number, hints = { onAlive: () => {}, onRetry: () => {} }) {
  const bytes = new TextEncoder().encode(text);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  const events: WireEvent[] = [];
  for await (const event of readEvents(bodyFrom(chunks), hints)) events.push(event);
  return events;
}

const WIRE = [
  ": keep-alive",
  "",
  "id: 7",
  "event: answer.delta",
  'data: {"text":"Käse 🧀"}',
  "",
  "event: conversation",
  "data: one",
  "data: two",
  "",
  "id: 8",
  "data: never finished",
].join("\n");

describe("reading server-sent events", () => {
  it.each([1, 2, 3, 7, 1000])("yields the same events for chunks of %i bytes", async (size) => {
    expect(await readAll(WIRE, size)).toEqual([
      { id: "7", name: "answer.delta", data: '{"text":"Käse 🧀"}' },
      { id: undefined, name: "conversation", data: "one\ntwo" },
    ]);
  });

  it("accepts CRLF line ends", async () => {
    expect(await readAll("event: a\r\ndata: b\r\n\r\n", 4)).toEqual([{ id: undefined, name: "a", data: "b" }]);
  });

  it("reports comments as activity and passes on the retry delay", async () => {
    const hints = { onAlive: vi.fn(), onRetry: vi.fn() };
    await readAll(": keep-alive\n\nretry: 1500\n\n", 1000, hints);
    expect(hints.onAlive).toHaveBeenCalled();
    expect(hints.onRetry).toHaveBeenCalledWith(1500);
  });

  it("cancels the body when the reader stops", async () => {
    const cancel = vi.fn();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("data: x\n\n")),
      cancel,
    });
    for await (const _ of readEvents(body, { onAlive: () => {}, onRetry: () => {} })) break;
    expect(cancel).toHaveBeenCalled();
  });
});
