// Reads server-sent events from a response's body. Knows the wire format and nothing of what the events mean.

import { createParser } from "eventsource-parser";

/** One event as it came over the wire. */
export interface WireEvent {
  id: string | undefined;
  name: string;
  data: string;
}

/** What a stream says beside its events. */
export interface WireHints {
  /** Anything arrived, be it a comment: the connection is alive. */
  onAlive: () => void;
  /** The server asks for this pause before a reconnection. */
  onRetry: (milliseconds: number) => void;
}

/** The events of a body, in order, until it ends; cut multi-byte characters and lines are put together again. */
export async function* readEvents(body: ReadableStream<Uint8Array>, hints: WireHints): AsyncGenerator<WireEvent> {
  const ready: WireEvent[] = [];
  const parser = createParser({
    onEvent: (event) => ready.push({ id: event.id, name: event.event ?? "message", data: event.data }),
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
      yield* ready.splice(0);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
