// The API's types under the names the page uses. The only file that refers to the generated schemas by name.

import type { components } from "./schema";

export type { paths as ApiPaths } from "./schema";

type Schemas = components["schemas"];

export type ConversationRow = Schemas["ConversationRow"];
export type ConversationPage = Schemas["PageOf_ConversationRow"];
export type ConversationChanged = Schemas["ConversationChanged"];
export type SearchHit = Schemas["Found"];
export type SearchPage = Schemas["PageOf_Found"];

export type ApiMessage = Schemas["Message"];
/**
 * A question or an answer. The page always knows the conversation, so its id is left out. The page sets the
 * status `streaming` when a stream reports that an answer was started.
 */
export type Message = Omit<ApiMessage, "conversation_id" | "status"> & {
  status: ApiMessage["status"] | "streaming";
};
export type MessagePage = Schemas["PageOf_Message"];
export type Citation = Schemas["Citation"];
export type Rating = Schemas["Rating"];

export type DocumentRow = Schemas["DocumentRow"];
export type DocumentCommand = Schemas["DocumentCommand"];
export type DocumentPage = Schemas["PageOf_DocumentRow"];
export type DocumentChanged = Schemas["DocumentChanged"];
export type DocumentProgress = Schemas["DocumentProgress"];
export type DocumentAccepted = Schemas["DocumentAccepted"];
export type Passage = Schemas["PassageShown"];
export type Place = Schemas["Place"];
export type Omission = Schemas["Omission"];

export type LanguageModel = Schemas["LanguageModel"];
export type Instructions = Schemas["CurrentInstructions"];
export type AnswerProvenance = Schemas["AnswerProvenance"];
export type FoundPassage = Schemas["FoundPassage"];

export type Usage = Schemas["Usage"];
export type UserRole = Schemas["UserRole"];

export type LedgerEvent = Schemas["AuditEvent"];
export type LedgerPage = Schemas["EventPage"];
export type ReplayedConversation = Schemas["ReplayedConversation"];

export type Command = Schemas["Command"];
export type Accepted = Schemas["Accepted"];

/** An event of `/v1/stream` or of a conversation's stream: its name and its data. */
export type StreamEvent = Schemas["StreamEvent"];
export type AnswerStarted = Schemas["AnswerStarted"];
export type AnswerDelta = Schemas["AnswerDelta"];
