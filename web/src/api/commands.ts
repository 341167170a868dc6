// Commands on a conversation.

import { api, unwrap } from "./client";
import { isTransient } from "./problem";
import type { Accepted, Command } from "./types";

const MAX_RETRIES = 4;

/** Sends a command. Repeating it with the same ids has no further effect. */
export function sendCommand(conversationId: string, command: Command): Promise<Accepted> {
  const params = { path: { conversation_id: conversationId } };
  return unwrap(api.POST("/v1/conversations/{conversation_id}/commands", { params, body: command }));
}

/** The `retry` option of mutations that send commands: repeats a command after transient errors. */
export function retryPolicy(failures: number, error: Error): boolean {
  return failures < MAX_RETRIES && isTransient(error);
}
