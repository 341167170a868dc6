// What the events of the API's streams mean. The only place that knows their names and fields.

import type { Citation, ConversationRow, Message } from "../api/types";
import type { DocumentRow } from "../documents/types";
import type { WireEvent } from "./reader";

/** Something that happened to an answer or a question of one conversation. */
export type AnswerEvent =
  | { type: "question"; message: Message }
  | { type: "started"; answerId: string; questionId: string; attempt: number }
  | { type: "sources"; answerId: string; attempt: number; sources: Citation[] }
  | { type: "delta"; answerId: string; attempt: number; offset: number; text: string }
  | { type: "ended"; message: Message };

/** Something that happened to the list of conversations. */
export type ListEvent = { type: "row"; row: ConversationRow } | { type: "gone"; id: string };

/** Something that happened to the user's documents. */
export type DocumentEvent =
  | { type: "document"; document: DocumentRow }
  | { type: "documentGone"; id: string }
  | { type: "documentProgress"; id: string; stage: string; done: number; total: number };

export type StreamEvent = AnswerEvent | ListEvent | DocumentEvent;

const OF_AN_ANSWER: readonly StreamEvent["type"][] = ["question", "started", "sources", "delta", "ended"];

export function isOfAnAnswer(event: StreamEvent): event is AnswerEvent {
  return OF_AN_ANSWER.includes(event.type);
}

/** Undefined for what this page does not know, so that the API may say more one day. */
export function meaningOf(event: WireEvent): StreamEvent | undefined {
  const decode = DECODERS[event.name];
  return decode?.(JSON.parse(event.data));
}

// biome-ignore lint/suspicious/noExplicitAny: the wire's JSON, whose shape the API's contract gives
type Data = any;

const ended = (message: Data): StreamEvent => ({ type: "ended", message });

const DECODERS: Record<string, (data: Data) => StreamEvent> = {
  conversation: (row) => (row.deleted ? { type: "gone", id: row.id } : { type: "row", row }),
  question: (message) => ({ type: "question", message }),
  "answer.started": ({ answer_id, question_id, attempt }) => ({
    type: "started",
    answerId: answer_id,
    questionId: question_id,
    attempt,
  }),
  "answer.sources": ({ answer_id, attempt, sources }) => ({ type: "sources", answerId: answer_id, attempt, sources }),
  "answer.delta": ({ answer_id, attempt, offset, text }) => ({
    type: "delta",
    answerId: answer_id,
    attempt,
    offset,
    text,
  }),
  "answer.completed": ended,
  "answer.stopped": ended,
  "answer.failed": ended,
  document: (row) => (row.deleted ? { type: "documentGone", id: row.id } : { type: "document", document: row }),
  "document.progress": ({ id, stage, done, total }) => ({ type: "documentProgress", id, stage, done, total }),
};
