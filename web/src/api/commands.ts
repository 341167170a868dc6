// Commands on a conversation.

import { api, unwrap } from "./client";
import type { Accepted, Command } from "./types";

/** Sends a command. Repeating it with the same ids has no further effect. */
export function sendCommand(conversationId: string, command: Command): Promise<Accepted> {
  const params = { path: { conversation_id: conversationId } };
  return unwrap(api.POST("/v1/conversations/{conversation_id}/commands", { params, body: command }));
}
