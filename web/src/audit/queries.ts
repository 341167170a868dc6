// The ledger, as an auditor sees it, in the query cache.

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { fetchData } from "../api/client";
import type { Message } from "../api/types";
import { type Look, parametersOf } from "./look";

const PAGE = 50;

/** One event of the ledger. */
export interface LedgerEvent {
  position: number;
  event_id: string;
  aggregate: string;
  aggregate_id: string;
  sequence: number;
  type: string;
  event_version: number;
  owner: string;
  actor: { kind: string; id?: string | null };
  recorded_at: string;
  correlation_id: string | null;
  causation_id: string | null;
  payload: unknown;
  private: unknown;
  erased: boolean;
  hash: string;
}

interface LedgerPage {
  items: LedgerEvent[];
  next_after: number | null;
}

export interface Checkpoint {
  position: number;
  root: string;
  signature: string;
  key_id: string;
  at: string;
}

/** A conversation as it stood. */
export interface Replay {
  conversation: { title: string } | null;
  messages: Message[];
  version: number;
  position: number;
  at: string;
  first_position: number;
  last_position: number;
}

export function ledger(look: Look) {
  return infiniteQueryOptions({
    queryKey: ["ledger", look] as const,
    queryFn: ({ pageParam, signal }) =>
      fetchData<LedgerPage>("/v1/audit/events", {
        query: { limit: PAGE, after: pageParam || undefined, ...parametersOf(look) },
        signal,
      }),
    initialPageParam: 0,
    getNextPageParam: ({ next_after }: LedgerPage) => next_after,
  });
}

export const checkpoint = queryOptions({
  queryKey: ["checkpoint"],
  queryFn: ({ signal }) => fetchData<Checkpoint>("/v1/audit/checkpoint", { signal }),
});

export function replayOf(conversationId: string, asOf: number | undefined) {
  return queryOptions({
    queryKey: ["replay", conversationId, asOf ?? null],
    queryFn: ({ signal }) =>
      fetchData<Replay>(`/v1/audit/conversations/${conversationId}`, { query: { as_of: asOf }, signal }),
    placeholderData: keepPreviousData,
  });
}
