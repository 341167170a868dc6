// Parses the events of the API's streams.

import { parseJson } from "../api/json";
import type { StreamEvent } from "../api/types";
import type { WireEvent } from "./readEvents";

/** Events that concern the messages of one conversation. */
export type AnswerEvent = Extract<StreamEvent, { event: "question" | `answer.${string}` }>;

const PARSERS: Record<StreamEvent["event"], (json: string) => StreamEvent> = {
  conversation: (json) => ({ event: "conversation", data: parseJson(json) }),
  question: (json) => ({ event: "question", data: parseJson(json) }),
  "answer.started": (json) => ({ event: "answer.started", data: parseJson(json) }),
  "answer.sources": (json) => ({ event: "answer.sources", data: parseJson(json) }),
  "answer.reasoning": (json) => ({ event: "answer.reasoning", data: parseJson(json) }),
  "answer.delta": (json) => ({ event: "answer.delta", data: parseJson(json) }),
  "answer.completed": (json) => ({ event: "answer.completed", data: parseJson(json) }),
  "answer.stopped": (json) => ({ event: "answer.stopped", data: parseJson(json) }),
  "answer.failed": (json) => ({ event: "answer.failed", data: parseJson(json) }),
  document: (json) => ({ event: "document", data: parseJson(json) }),
  "document.progress": (json) => ({ event: "document.progress", data: parseJson(json) }),
};

/** Undefined for an event this version of the page does not know: the API may add events. */
export function parseStreamEvent({ name, data }: WireEvent): StreamEvent | undefined {
  return isKnown(name) ? PARSERS[name](data) : undefined;
}

export function isAnswerEvent(event: StreamEvent): event is AnswerEvent {
  return event.event === "question" || event.event.startsWith("answer.");
}

function isKnown(name: string): name is StreamEvent["event"] {
  return Object.hasOwn(PARSERS, name);
}
