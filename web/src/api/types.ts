// The API's types under the names the page uses. The only file that refers to the generated schemas by name.

import type { components, paths } from "./schema";

type Schemas = components["schemas"];

// The OpenAPI document describes these as plain texts.
export type MessageRole = "user" | "assistant";
export type AnswerStatus = "requested" | "completed" | "stopped" | "failed";
export type Rating = "up" | "down" | "none";
export type DocumentScope = "user" | "shared";
export type DocumentStatus = "added" | "indexed" | "rejected";
export type IndexingPhase = "extracting" | "splitting" | "embedding" | "indexing";
export type UserRole = "user" | "auditor" | "admin";

export type ConversationRow = Schemas["ConversationRow"];
export type ConversationPage = Schemas["PageOf_ConversationRow"];
export type SearchHit = Schemas["Found"];
export type SearchPage = Schemas["PageOf_Found"];
export type Citation = Schemas["Citation"];
export type ApiMessage = Omit<Schemas["Message"], "role" | "status" | "rating"> & {
  role: MessageRole;
  status: AnswerStatus;
  rating: Rating;
};
/**
 * A question or an answer. The page always knows the conversation, so its id is left out. The page sets the status
 * `streaming` when a stream reports that an answer was started.
 */
export type Message = Omit<ApiMessage, "conversation_id" | "status"> & { status: AnswerStatus | "streaming" };
export type MessagePage = Narrow<Schemas["PageOf_Message"]>;
export type Usage = Schemas["Usage"];

export type DocumentRow = Omit<Schemas["DocumentRow"], "scope" | "status"> & {
  scope: DocumentScope;
  status: DocumentStatus;
};
export type DocumentPage = Narrow<Schemas["PageOf_DocumentRow"]>;
export type DocumentAccepted = Schemas["DocumentAccepted"];
export type Passage = Schemas["PassageShown"];

export type LedgerEvent = Schemas["AuditEvent"];
export type LedgerPage = Schemas["EventPage"];
export type Checkpoint = Schemas["Checkpoint"];
export type ReplayedConversation = Narrow<Schemas["ReplayedConversation"]>;

export type Command = Schemas["Command"];
export type Accepted = Schemas["Accepted"];

/** A conversation's row after a change, or that it was deleted. */
export type ConversationChanged = ConversationRow | { id: string; deleted: true };
/** A document's row after a change, or that it was removed. */
export type DocumentChanged = DocumentRow | { id: string; deleted: true };

export interface AnswerStarted {
  conversation_id: string;
  answer_id: string;
  question_id: string;
  attempt: number;
}

export interface AnswerSources {
  conversation_id: string;
  answer_id: string;
  attempt: number;
  sources: Citation[];
}

export interface AnswerDelta {
  conversation_id: string;
  answer_id: string;
  attempt: number;
  /** In UTF-8 bytes from the beginning of the answer. */
  offset: number;
  text: string;
}

export interface DocumentProgress {
  id: string;
  stage: IndexingPhase;
  done: number;
  total: number;
}

/** An event of `/v1/stream` or of a conversation's stream: its name and its data. */
export type StreamEvent =
  | { event: "conversation"; data: ConversationChanged }
  | { event: "question"; data: ApiMessage }
  | { event: "answer.started"; data: AnswerStarted }
  | { event: "answer.sources"; data: AnswerSources }
  | { event: "answer.delta"; data: AnswerDelta }
  | { event: "answer.completed"; data: ApiMessage }
  | { event: "answer.stopped"; data: ApiMessage }
  | { event: "answer.failed"; data: ApiMessage }
  | { event: "document"; data: DocumentChanged }
  | { event: "document.progress"; data: DocumentProgress };

/** The paths of the OpenAPI document with the narrower types above. */
export type ApiPaths = Narrow<paths>;

type Narrow<T> = T extends { siblings: string[] }
  ? ApiMessage
  : T extends { media_type: string }
    ? DocumentRow
    : T extends (infer Item)[]
      ? Narrow<Item>[]
      : T extends object
        ? { [Key in keyof T]: Narrow<T[Key]> }
        : T;
