// The entries of a transcript: messages with the state that only the page knows. Pure.

import type { Citation, Message } from "../api/types";

export interface TranscriptEntry {
  readonly message: Message;
  /** The attempt that wrote the text; 0 if the text was fetched. A higher attempt replaces the text. */
  readonly attempt: number;
  /** The length of the text in UTF-8 bytes, the unit of the stream's offsets. */
  readonly bytes: number;
  /** The length of the reasoning, likewise. */
  readonly reasoningBytes: number;
  /** The passages that were retrieved. The stream reports them before the first text. */
  readonly sources: readonly Citation[];
  readonly origin: Origin;
  /** What a question was sent with that is not fetched, so that sending it again asks the same. */
  readonly choice?: Choice | undefined;
  /** Why the service refused the command. */
  readonly refusal?: Error;
}

/** The language model that answers a question, and the documents that it is answered from; all if none. */
export interface Choice {
  readonly model?: string | undefined;
  readonly documents?: readonly string[] | undefined;
  /** Tags of further documents. The service tells the documents that have them. */
  readonly tags?: readonly string[] | undefined;
}

/** The documents and tags that a question named. The documents with its tags are found again. */
export function choiceOf({ documents, document_tags: tags, named_documents: named }: Message): Choice {
  return tags ? { documents: named, tags } : { documents };
}

/**
 * - `sending`: the command was sent and not yet answered.
 * - `refused`: the service refused the command.
 * - `accepted`: the service accepted the command, or the stream reported the message. Not fetched yet.
 * - `fetched`: the message is part of the fetched transcript.
 */
export type Origin = "sending" | "refused" | "accepted" | "fetched";

/** One branch of a conversation, oldest entry first. */
export type Transcript = readonly TranscriptEntry[];

const encoder = new TextEncoder();

const PENDING = "pending:";

/** The id of an answer whose real id is not known yet. */
export function pendingId(questionId: string): string {
  return PENDING + questionId;
}

export function isPending(entry: TranscriptEntry): boolean {
  return entry.message.id.startsWith(PENDING);
}

/** Whether the answer has not ended. */
export function isInProgress({ message }: { message: Pick<Message, "status"> }): boolean {
  return message.status === "requested" || message.status === "streaming";
}

/** The answer that the service is writing or has yet to write. */
export function answerInProgress(transcript: Transcript): TranscriptEntry | undefined {
  return transcript.findLast(
    (entry) => entry.origin !== "sending" && entry.message.role === "assistant" && isInProgress(entry),
  );
}

/** Whether the user has to wait for an answer before asking again. */
export function isAwaitingAnswer(transcript: Transcript): boolean {
  return answerInProgress(transcript) !== undefined || transcript.some(({ origin }) => origin === "sending");
}

export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

export function transcriptEntry(message: Message, origin: Origin): TranscriptEntry {
  return {
    message,
    attempt: 0,
    bytes: byteLength(message.text),
    reasoningBytes: byteLength(message.reasoning ?? ""),
    sources: message.citations,
    origin,
  };
}

/** The id of the question that an entry is or answers. */
export function questionIdOf({ message }: TranscriptEntry): string {
  return message.role === "user" ? message.id : (message.parent_id ?? message.id);
}

/** A key that stays the same when the id of a pending answer becomes known. */
export function entryKey({ id, role, parent_id }: Message): string {
  return role === "assistant" && parent_id ? `answer to ${parent_id}` : id;
}

type NewMessage = Pick<Message, "id" | "role" | "text" | "parent_id" | "created_at"> & { siblings?: string[] };

/** A message that the service has not confirmed. */
export function newMessage(fields: NewMessage): Message {
  return {
    siblings: [fields.id],
    ...fields,
    status: fields.role === "user" ? "completed" : "requested",
    citations: [],
    model: null,
    quoted: false,
    usage: null,
    rating: "none",
  };
}
