// The instructions to the language model: for all answers, and for those of one conversation.

import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import { sendCommand } from "../api/commands";
import type { Instructions } from "../api/types";

/** Those of a conversation, or of the account where there is none. Not cached: a form begins with what is in force. */
export function instructionsQuery(conversationId?: string) {
  return queryOptions({
    queryKey: ["instructions", conversationId ?? ""],
    queryFn: ({ signal }): Promise<Instructions> => {
      if (!conversationId) return unwrap(api.GET("/v1/me/instructions", { signal }));
      const params = { path: { conversation_id: conversationId } };
      return unwrap(api.GET("/v1/conversations/{conversation_id}/instructions", { params, signal }));
    },
    staleTime: 0,
    gcTime: 0,
  });
}

/** Replaces both; null takes one back. */
export async function saveInstructions(conversationId: string | undefined, changed: Instructions): Promise<void> {
  const command = { type: "instruct", ...changed } as const;
  if (conversationId) await sendCommand(conversationId, command);
  else await unwrap(api.POST("/v1/me/commands", { body: command }));
}
