// Decodes server-sent events from the body of a response. Does not interpret their data.

import { createParser } from "eventsource-parser";

/** One server-sent event. */
export interface WireEvent {
  id: string | undefined;
  name: string;
  data: string;
}

/** Called for what a stream carries besides events. */
export interface WireHints {
  /** Any bytes arrived, including comments: the connection is alive. */
  onAlive: () => void;
  /** The server sets the delay before a reconnection. */
  onRetry: (milliseconds: number) => void;
}

/** The events of a body in order, until it ends. Chunks may split lines and multi-byte characters. */
export async function* readEvents(body: ReadableStream<Uint8Array>, hints: WireHints): AsyncGenerator<WireEvent> {
  const parsed: WireEvent[] = [];
  const parser = createParser({
    onEvent: (event) => parsed.push({ id: event.id, name: event.event ?? "message", data: event.data }),
    onRetry: hints.onRetry,
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      hints.onAlive();
      parser.feed(decoder.decode(value, { stream: true }));
      yield* parsed.splice(0);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
