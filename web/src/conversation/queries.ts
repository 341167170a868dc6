// The transcripts of conversations in the query cache.

import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import type { AnswerProvenance, Message, MessagePage } from "../api/types";
import { knownVersion, TRANSCRIPT } from "../conversation-list/versions";
import { merge } from "./transcript";
import type { Transcript } from "./transcriptEntry";

const PAGE_SIZE = 100;
const STALE_MS = 30_000;

/** Matches all branches of a conversation. */
export const transcriptKeys = (conversationId: string) => [TRANSCRIPT, conversationId] as const;

/** The branch that ends with a message, or the newest one. */
export const transcriptKey = (conversationId: string, branch = "") =>
  [...transcriptKeys(conversationId), branch] as const;

/**
 * One branch of a conversation, merged with the cached transcript. The service waits for the known version.
 */
export function transcriptQuery(conversationId: string, branch?: string) {
  const queryKey = transcriptKey(conversationId, branch);
  return queryOptions({
    queryKey,
    staleTime: STALE_MS,
    queryFn: async ({ client, signal }): Promise<Transcript> => {
      const version = knownVersion(client, conversationId);
      const messages = await fetchMessages(conversationId, { branch, version, signal });
      return merge(client.getQueryData<Transcript>(queryKey) ?? [], messages);
    },
  });
}

/** How a completed answer came about, which never changes. */
export function provenanceQuery(conversationId: string, answerId: string) {
  const params = { path: { conversation_id: conversationId, answer_id: answerId } };
  return queryOptions({
    queryKey: ["provenance", conversationId, answerId],
    queryFn: ({ signal }): Promise<AnswerProvenance> =>
      unwrap(api.GET("/v1/conversations/{conversation_id}/answers/{answer_id}/provenance", { params, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

interface FetchOptions {
  branch: string | undefined;
  version: number | undefined;
  signal: AbortSignal;
}

async function fetchMessages(conversationId: string, { branch, version, signal }: FetchOptions): Promise<Message[]> {
  const messages: Message[] = [];
  let cursor: string | null | undefined;
  do {
    const query = {
      limit: PAGE_SIZE,
      ...(branch && { branch }),
      ...(cursor && { cursor }),
      ...(version && { min_version: version }),
    };
    const params = { path: { conversation_id: conversationId }, query };
    const page: MessagePage = await unwrap(api.GET("/v1/conversations/{conversation_id}/messages", { params, signal }));
    messages.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return messages;
}
