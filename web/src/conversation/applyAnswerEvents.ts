// Applies the events of a stream to the cached transcripts of their conversations.

import type { QueryClient, QueryKey } from "@tanstack/react-query";
import type { AnswerEvent } from "../stream/events";
import { updateQueryData } from "../stream/queryData";
import { applyEvents } from "./applyEvent";
import { transcriptKeys } from "./queries";
import type { Transcript } from "./transcriptEntry";

/** More than a user has in view. */
const MAX_ORPHANS = 1_000;

/** Messages whose parents were missing once, so that each leads to one fetch. */
export type KnownOrphans = Set<string>;

/**
 * Returns the ids of the conversations that lack text of an answer. Fetches a transcript that lacks the parent of a
 * message; a message that the fetch does not return belongs to another branch.
 */
export function applyAnswerEvents(
  queries: QueryClient,
  events: readonly AnswerEvent[],
  knownOrphans: KnownOrphans,
): string[] {
  const incomplete: string[] = [];
  for (const [conversationId, own] of byConversation(events)) {
    for (const { queryKey } of queries.getQueryCache().findAll({ queryKey: transcriptKeys(conversationId) })) {
      const { isTextMissing, orphans } = applyTo(queries, queryKey, own);
      if (isTextMissing) incomplete.push(conversationId);
      const isNew = orphans.some((id) => !knownOrphans.has(id));
      if (knownOrphans.size > MAX_ORPHANS) knownOrphans.clear();
      for (const id of orphans) knownOrphans.add(id);
      if (isNew) void queries.invalidateQueries({ queryKey, exact: true });
    }
  }
  return incomplete;
}

function applyTo(queries: QueryClient, queryKey: QueryKey, events: readonly AnswerEvent[]) {
  const branch = queryKey[2];
  const missing: { isTextMissing: boolean; orphans: string[] } = { isTextMissing: false, orphans: [] };
  updateQueryData<Transcript>(queries, queryKey, (known) => {
    const { transcript, isTextMissing, orphans } = applyEvents(known, events, Boolean(branch));
    Object.assign(missing, { isTextMissing, orphans });
    return transcript;
  });
  return missing;
}

function byConversation(events: readonly AnswerEvent[]): Map<string, AnswerEvent[]> {
  const groups = new Map<string, AnswerEvent[]>();
  for (const event of events) {
    const id = event.data.conversation_id;
    groups.set(id, [...(groups.get(id) ?? []), event]);
  }
  return groups;
}
