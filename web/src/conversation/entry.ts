// What a conversation is made of as the page shows it: questions and answers with what is known of them beyond the
// service's own message. Pure.

import type { Citation, Message } from "../api/types";

export interface Entry {
  readonly message: Message;
  /** The attempt the text is of; a higher one voids it. 0 when it was fetched rather than streamed. */
  readonly attempt: number;
  /** The text's length in UTF-8, which is what the stream counts in. */
  readonly bytes: number;
  /** The passages found, known before the first word. */
  readonly sources: readonly Citation[];
  /**
   * `asking` until the service has said that the question is kept, or `refused` it; `asked` until it is seen in what was
   * fetched.
   */
  readonly origin: "asking" | "refused" | "asked" | "fetched";
}

export type Transcript = readonly Entry[];

const encoder = new TextEncoder();

/** The id an answer has here until the service gives it one. */
const PENDING = "pending:";

export function pendingId(questionId: string): string {
  return PENDING + questionId;
}

export function isPending(entry: Entry): boolean {
  return entry.message.id.startsWith(PENDING);
}

export function isBeingWritten({ message }: Entry): boolean {
  return message.status === "requested" || message.status === "streaming";
}

/** The answer that the service is writing or about to write, if there is one. */
export function answerInProgress(transcript: Transcript): Entry | undefined {
  return transcript.findLast(
    (entry) => entry.origin !== "asking" && entry.message.role === "assistant" && isBeingWritten(entry),
  );
}

export function bytesOf(text: string): number {
  return encoder.encode(text).length;
}

export function entryOf(message: Message, origin: Entry["origin"]): Entry {
  return { message, attempt: 0, bytes: bytesOf(message.text), sources: message.citations, origin };
}

/** The question an entry is, or answers. */
export function questionOf({ message }: Entry): string {
  return message.role === "user" ? message.id : (message.parent_id ?? message.id);
}

type Known = Pick<Message, "id" | "role" | "text" | "parent_id" | "created_at"> & { siblings?: string[] };

/** A message of which no more is known yet. */
export function blank(known: Known): Message {
  return {
    siblings: [known.id],
    ...known,
    status: known.role === "user" ? "completed" : "requested",
    citations: [],
    model: null,
    quoted: false,
    usage: null,
    rating: "none",
  };
}
