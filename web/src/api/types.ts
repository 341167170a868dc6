// The API's shapes under the names the page uses. The only file that reaches into the generated ones.

import type { paths } from "./schema";

type Json<Response> = Response extends { content: { "application/json": infer Body } } ? Body : never;
type Answer<Path extends keyof paths> = paths[Path] extends { get: { responses: { 200: infer Response } } }
  ? Json<Response>
  : never;

export type ConversationPage = Answer<"/v1/conversations">;
export type ConversationRow = ConversationPage["items"][number];
export type FoundPage = Answer<"/v1/search">;
export type Found = FoundPage["items"][number];
export type Usage = Answer<"/v1/usage">;
export type MessagePage = Answer<"/v1/conversations/{conversation_id}/messages">;
type WireMessage = MessagePage["items"][number];

/** A question or an answer. The document describes `role` and `status` as texts; these are the ones there are. */
export type Message = Omit<WireMessage, "conversation_id" | "role" | "status"> & {
  role: "user" | "assistant";
  status: "requested" | "streaming" | "completed" | "stopped" | "failed";
};
export type Citation = Message["citations"][number];

type Commands = paths["/v1/conversations/{conversation_id}/commands"]["post"];
export type Command = Commands["requestBody"]["content"]["application/json"];
export type Accepted = Json<Commands["responses"][202]>;
