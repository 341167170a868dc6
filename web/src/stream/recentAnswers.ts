// The newest question and answer of each conversation, as the events that lead to them. A tab that opens a conversation
// while its answer is being written gets them instead of the beginning of the stream.

import type { StreamEvent } from "../api/types";
import { type AnswerEvent, isAnswerEvent } from "./events";

/** More than a user has in view. The conversation without news for the longest time is dropped. */
const MAX_CONVERSATIONS = 64;

interface Recent {
  events: AnswerEvent[];
  /** The lengths of the text and of the reasoning so far, in UTF-8 bytes. */
  ends: Record<Growing, number>;
}

type Growing = "answer.delta" | "answer.reasoning";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class RecentAnswers {
  readonly #byConversation = new Map<string, Recent>();

  /** Returns whether the event follows what is known: text before it may be missing. */
  add(event: StreamEvent): boolean {
    if (event.event === "conversation" && "deleted" in event.data) this.#byConversation.delete(event.data.id);
    if (!isAnswerEvent(event)) return true;
    const id = event.data.conversation_id;
    const known = this.#byConversation.get(id) ?? { events: [], ends: noText() };
    this.#byConversation.delete(id);
    const isComplete = append(known, event);
    this.#byConversation.set(id, known);
    const oldest = this.#byConversation.keys().next();
    if (this.#byConversation.size > MAX_CONVERSATIONS && !oldest.done) this.#byConversation.delete(oldest.value);
    return isComplete;
  }

  /** The events of a conversation. Applying them again has no effect. */
  of(conversationId: string): readonly AnswerEvent[] {
    return this.#byConversation.get(conversationId)?.events ?? [];
  }

  clear(): void {
    this.#byConversation.clear();
  }
}

function noText(from = 0): Recent["ends"] {
  return { "answer.delta": from, "answer.reasoning": 0 };
}

function append(recent: Recent, event: AnswerEvent): boolean {
  switch (event.event) {
    case "question":
      recent.events = [event];
      return true;
    case "answer.started": {
      const { from } = event.data;
      if (from === 0) recent.events = recent.events.filter((known) => known.event === "question");
      recent.events.push(event);
      recent.ends = noText(from);
      return true;
    }
    case "answer.sources":
      recent.events.push(event);
      return true;
    case "answer.delta":
    case "answer.reasoning":
      return appendText(recent, event);
    case "answer.completed":
    case "answer.stopped":
    case "answer.failed":
      recent.events = [...recent.events.filter((known) => known.event === "question"), event];
      return true;
  }
}

/** Joins a text with the text before it. */
function appendText(recent: Recent, delta: AnswerEvent & { event: Growing }): boolean {
  const { offset, text } = delta.data;
  const end = recent.ends[delta.event];
  if (offset > end) return false;
  const bytes = encoder.encode(text);
  if (offset + bytes.length <= end) return true;
  const added = offset === end ? text : decoder.decode(bytes.subarray(end - offset));
  const last = recent.events.at(-1);
  if (last?.event === delta.event) {
    recent.events[recent.events.length - 1] = { ...last, data: { ...last.data, text: last.data.text + added } };
  } else {
    recent.events.push({ ...delta, data: { ...delta.data, offset: end, text: added } });
  }
  recent.ends[delta.event] = offset + bytes.length;
  return true;
}
