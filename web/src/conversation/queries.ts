// A conversation's messages in the query cache: fetched, and followed while an answer is being written.

import { type QueryClient, queryOptions, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { api, dataOf, openStream } from "../api/client";
import type { Message, MessagePage } from "../api/types";
import { type AnswerEvent, isOfAnAnswer, meaningOf } from "../stream/events";
import { follow } from "../stream/follow";
import { isPending, type Transcript } from "./entry";
import { inFrames } from "./frames";
import { hear } from "./hearing";
import { merge } from "./transcript";
import { keepNewer, versionOf } from "./versions";

const PAGE = 100;
const FRESH_MS = 30_000;

/** Without a branch it is the newest. */
export const transcriptKey = (conversationId: string, branch = "") => ["transcript", conversationId, branch] as const;

/** The branch that is shown, oldest message first. */
export function transcriptOf(conversationId: string, branch?: string) {
  const queryKey = transcriptKey(conversationId, branch);
  return queryOptions({
    queryKey,
    staleTime: FRESH_MS,
    queryFn: async ({ client, signal }): Promise<Transcript> => {
      const version = versionOf(client, conversationId);
      const messages = await fetchMessages(conversationId, { branch, version, signal });
      return merge(client.getQueryData<Transcript>(queryKey) ?? [], messages);
    },
  });
}

/** Notes how far conversations are, so that a fetch waits for it; fetches again what is older than that. */
export function noteVersions(queries: QueryClient, told: readonly { id: string; version: number }[]): void {
  const newer = keepNewer(queries, told);
  if (newer.size === 0) return;
  void queries.invalidateQueries({
    queryKey: ["transcript"],
    predicate: ({ queryKey }) => newer.has(String(queryKey[1])),
  });
}

/**
 * Follows the conversation's stream while `following`, which is while an answer is being written. Gives whether the
 * connection is lost.
 */
export function useFollowing(conversationId: string, branch: string | undefined, following: boolean): boolean {
  const queries = useQueryClient();
  const [lost, setLost] = useState(false);
  const fetchAgain = useCallback(
    () => queries.invalidateQueries({ queryKey: transcriptKey(conversationId, branch) }),
    [queries, conversationId, branch],
  );
  useEffect(() => {
    if (!following) return;
    const stop = new AbortController();
    const placed = new Set<string>();
    const frames = inFrames<AnswerEvent>((events) => {
      const key = transcriptKey(conversationId, branch);
      const before = queries.getQueryData<Transcript>(key) ?? [];
      const { transcript, missing } = hearAll(before, events, branch !== undefined);
      queries.setQueryData(key, transcript);
      // Asked for once: what the fetch does not bring is of another branch than the one shown.
      const newcomer = missing.place.find((id) => !placed.has(id));
      if (newcomer) void fetchAgain();
      for (const id of missing.place) placed.add(id);
      return missing.text;
    });
    follow({
      signal: stop.signal,
      open: (lastEventId, signal) => openStream(`/v1/conversations/${conversationId}/stream`, lastEventId, signal),
      onOpen: () => setLost(false),
      onLost: () => setLost(true),
      onEvent: (wire) => {
        const event = meaningOf(wire);
        return event && isOfAnAnswer(event) && frames.add(event) ? "restart" : undefined;
      },
    }).catch(fetchAgain);
    return () => {
      stop.abort();
      frames.flush();
      setLost(false);
    };
  }, [queries, conversationId, branch, following, fetchAgain]);
  return lost;
}

/** Takes in several events at once. Of a branch that was asked for, only its own messages are heard. */
function hearAll(transcript: Transcript, events: readonly AnswerEvent[], pinned: boolean) {
  const missing: { text: boolean; place: string[] } = { text: false, place: [] };
  let current = transcript;
  for (const event of events) {
    const id = "answerId" in event ? event.answerId : event.message.id;
    if (pinned && !current.some((entry) => entry.message.id === id || isPending(entry))) continue;
    const heard = hear(current, event);
    current = heard.transcript;
    if (heard.missing === "place") missing.place.push(id);
    if (heard.missing === "text") missing.text = true;
  }
  return { transcript: current, missing };
}

interface Wanted {
  branch: string | undefined;
  version: number | undefined;
  signal: AbortSignal;
}

async function fetchMessages(conversationId: string, { branch, version, signal }: Wanted): Promise<Message[]> {
  const messages: Message[] = [];
  let cursor: string | null | undefined;
  do {
    const query: { limit: number; cursor?: string; min_version?: number; branch?: string } = {
      limit: PAGE,
      ...(branch && { branch }),
      ...(cursor && { cursor }),
      ...(version && { min_version: version }),
    };
    const params = { path: { conversation_id: conversationId }, query };
    const page: MessagePage = await dataOf(api.GET("/v1/conversations/{conversation_id}/messages", { params, signal }));
    messages.push(...(page.items as Message[]));
    cursor = page.next_cursor;
  } while (cursor);
  return messages;
}
