// Messages and events for the tests of transcripts.

import type { ApiMessage, Citation } from "../api/types";
import type { AnswerEvent } from "../stream/events";
import { applyEvent } from "./applyEvent";
import { accept, ask } from "./transcript";
import type { Transcript } from "./transcriptEntry";

export const CREATED_AT = "2026-01-01T00:00:00Z";

export const source: Citation = { number: 1, document_id: "d", title: "T", passage: 0, snippet: "s", score: 1 };

/** An answer to the question `q`, unless the fields say otherwise. */
export function message(fields: Partial<ApiMessage> & Pick<ApiMessage, "id">): ApiMessage {
  return {
    conversation_id: "c",
    role: "assistant",
    text: "",
    parent_id: "q",
    siblings: [],
    status: "completed",
    citations: [],
    model: null,
    quoted: false,
    usage: null,
    rating: "none",
    created_at: CREATED_AT,
    ...fields,
  };
}

export const question = message({ id: "q", role: "user", text: "Why?", parent_id: null, siblings: ["q"] });

const answer = { conversation_id: "c", answer_id: "a" };

export const started = (attempt = 1, from = 0): AnswerEvent => ({
  event: "answer.started",
  data: { ...answer, question_id: "q", attempt, from },
});

export const sources = (attempt = 1): AnswerEvent => ({
  event: "answer.sources",
  data: { ...answer, attempt, sources: [source] },
});

export const delta = (offset: number, text: string, attempt = 1): AnswerEvent => ({
  event: "answer.delta",
  data: { ...answer, attempt, offset, text },
});

export const reasoning = (offset: number, text: string, attempt = 1): AnswerEvent => ({
  event: "answer.reasoning",
  data: { ...answer, attempt, offset, text },
});

export const completed = (text: string): AnswerEvent => ({
  event: "answer.completed",
  data: message({ id: "a", text, citations: [source] }),
});

/** A transcript with the question `q`, which the service has accepted. */
export const asked = () => accept(ask([], { questionId: "q", text: "Why?", createdAt: CREATED_AT }), "q");

export const applyAll = (transcript: Transcript, ...events: AnswerEvent[]) =>
  events.reduce((current, event) => applyEvent(current, event).transcript, transcript);

export const summary = (transcript: Transcript) =>
  transcript.map(({ message: { id, status, text } }) => [id, status, text]);

export const ids = (transcript: Transcript) => transcript.map(({ message: { id } }) => id);
