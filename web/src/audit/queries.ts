// The ledger in the query cache, as auditors see it.

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import type { LedgerPage, ReplayedConversation } from "../api/types";
import { type LedgerFilters, toQuery } from "./filters";

const PAGE_SIZE = 50;

export function ledgerQuery(filters: LedgerFilters) {
  return infiniteQueryOptions({
    queryKey: ["ledger", filters] as const,
    queryFn: ({ pageParam, signal }): Promise<LedgerPage> => {
      const query = { limit: PAGE_SIZE, ...(pageParam > 0 && { after: pageParam }), ...toQuery(filters) };
      return unwrap(api.GET("/v1/audit/events", { params: { query }, signal }));
    },
    initialPageParam: 0,
    getNextPageParam: ({ next_after }: LedgerPage) => next_after,
  });
}

export const checkpointQuery = queryOptions({
  queryKey: ["checkpoint"],
  queryFn: ({ signal }) => unwrap(api.GET("/v1/audit/checkpoint", { signal })),
});

/** The conversation at a position of the ledger, or at its latest one. */
export function replayQuery(conversationId: string, position: number | undefined) {
  const path = { conversation_id: conversationId };
  return queryOptions({
    queryKey: ["replay", conversationId, position ?? null],
    queryFn: ({ signal }): Promise<ReplayedConversation> => {
      const query = position === undefined ? {} : { as_of: String(position) };
      return unwrap(api.GET("/v1/audit/conversations/{conversation_id}", { params: { path, query }, signal }));
    },
    placeholderData: keepPreviousData,
  });
}
