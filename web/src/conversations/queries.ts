// The list of conversations in the query cache, kept right by the stream of everything that is the user's.

import { infiniteQueryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, dataOf, openStream } from "../api/client";
import type { ConversationPage, ConversationRow } from "../api/types";
import { noteVersion } from "../conversation/queries";
import { meaningOf } from "../stream/events";
import { follow } from "../stream/follow";
import { changed } from "./rows";

const PAGE = 30;

const rowKey = (conversationId: string) => ["conversation", conversationId] as const;

export const conversations = infiniteQueryOptions({
  queryKey: ["conversations"],
  queryFn: async ({ pageParam, signal, client }): Promise<ConversationPage> => {
    const query = { limit: PAGE, ...(pageParam && { cursor: pageParam }) };
    const page = await dataOf(api.GET("/v1/conversations", { params: { query }, signal }));
    for (const { id, version } of page.items) noteVersion(client, id, version);
    return page;
  },
  initialPageParam: "",
  getNextPageParam: (page: ConversationPage) => page.next_cursor,
  staleTime: Number.POSITIVE_INFINITY,
});

/** One row: from the list, or fetched when the list has not reached it. */
export function useConversationRow(conversationId: string, exists: boolean): ConversationRow | undefined {
  const queries = useQueryClient();
  const { data } = useQuery({
    queryKey: rowKey(conversationId),
    queryFn: ({ signal }): Promise<ConversationRow> => {
      const params = { path: { conversation_id: conversationId } };
      return dataOf(api.GET("/v1/conversations/{conversation_id}", { params, signal }));
    },
    initialData: () => {
      const pages = queries.getQueryData(conversations.queryKey)?.pages;
      return pages?.flatMap(({ items }) => items).find(({ id }) => id === conversationId);
    },
    staleTime: Number.POSITIVE_INFINITY,
    enabled: exists,
  });
  return data;
}

/**
 * Follows what happens to the user's conversations on any device, while `following`. Gives whether the connection is
 * lost.
 */
export function useLiveConversations(following: boolean): boolean {
  const queries = useQueryClient();
  const [lost, setLost] = useState(false);
  useEffect(() => {
    if (!following) return;
    const stop = new AbortController();
    follow({
      signal: stop.signal,
      open: (lastEventId, signal) => openStream("/v1/stream", lastEventId, signal),
      onOpen: () => {
        setLost(false);
        // What happened before the stream was open is in no event of it.
        void queries.invalidateQueries({ queryKey: conversations.queryKey });
      },
      onLost: () => setLost(true),
      onEvent: (wire) => {
        const event = meaningOf(wire);
        if (event?.type !== "row" && event?.type !== "gone") return undefined;
        queries.setQueryData(
          conversations.queryKey,
          (list) => list && { ...list, pages: [...changed(list.pages, event)] },
        );
        if (event.type === "row") {
          queries.setQueryData(rowKey(event.row.id), event.row);
          noteVersion(queries, event.row.id, event.row.version);
        }
        return undefined;
      },
    }).catch(() => {
      setLost(true);
      // A session that is over shows itself in the fetch.
      void queries.invalidateQueries({ queryKey: conversations.queryKey });
    });
    return () => stop.abort();
  }, [queries, following]);
  return lost;
}
