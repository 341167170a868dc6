// The list of conversations and what a search finds, in the query cache.

import { infiniteQueryOptions, type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, dataOf } from "../api/client";
import type { ConversationPage, ConversationRow, FoundPage } from "../api/types";
import { noteVersions } from "../conversation/queries";
import { changeData } from "../stream/change";
import type { ListEvent } from "../stream/events";
import { type Filters, fits, queryOf } from "./filters";
import { changed } from "./rows";

const PAGE = 100;
const FOUND_PAGE = 30;

const LIST = "conversations";
const rowKey = (conversationId: string) => ["conversation", conversationId] as const;

export type Pages = { pages: ConversationPage[]; pageParams: string[] };

/** The list that some filters show. */
export function conversations({ q: _, ...filters }: Filters) {
  return infiniteQueryOptions({
    queryKey: [LIST, filters] as const,
    queryFn: async ({ pageParam, signal, client }): Promise<ConversationPage> => {
      const query = { limit: PAGE, ...queryOf(filters), ...(pageParam && { cursor: pageParam }) };
      const page = await dataOf(api.GET("/v1/conversations", { params: { query }, signal }));
      noteVersions(client, page.items);
      return page;
    },
    initialPageParam: "",
    getNextPageParam: (page: ConversationPage) => page.next_cursor,
    staleTime: Number.POSITIVE_INFINITY,
    // With thousands of rows, looking for what stayed the same costs more than drawing those in sight.
    structuralSharing: false,
  });
}

/** What a search finds. */
export function found(filters: Filters) {
  return infiniteQueryOptions({
    queryKey: ["found", filters] as const,
    queryFn: ({ pageParam, signal }): Promise<FoundPage> => {
      const query = {
        q: filters.q ?? "",
        limit: FOUND_PAGE,
        ...queryOf(filters),
        ...(pageParam && { cursor: pageParam }),
      };
      return dataOf(api.GET("/v1/search", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page: FoundPage) => page.next_cursor,
  });
}

/** One row: from a list, or fetched when no list has reached it. */
export function useConversationRow(conversationId: string, exists: boolean): ConversationRow | undefined {
  const queries = useQueryClient();
  const { data } = useQuery({
    queryKey: rowKey(conversationId),
    queryFn: ({ signal }): Promise<ConversationRow> => {
      const params = { path: { conversation_id: conversationId } };
      return dataOf(api.GET("/v1/conversations/{conversation_id}", { params, signal }));
    },
    initialData: () => listed(queries).find(({ id }) => id === conversationId),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: exists,
  });
  return data;
}

/** Takes a change of a conversation into every list that is kept. */
export function takeIn(queries: QueryClient, event: ListEvent): void {
  for (const [key] of queries.getQueriesData<Pages>({ queryKey: [LIST] })) {
    const filters = (key[1] ?? {}) as Filters;
    changeData<Pages>(queries, key, (list) => {
      const pages = changed(list.pages, event, (row) => fits(row, filters));
      return pages === list.pages ? list : { ...list, pages: [...pages] };
    });
  }
  if (event.type === "row") {
    queries.setQueryData(rowKey(event.row.id), event.row);
    noteVersions(queries, [event.row]);
  } else {
    void queries.invalidateQueries({ queryKey: ["transcript", event.id] });
  }
  void queries.invalidateQueries({ queryKey: ["found"] });
}

/** Fetches the lists again: something may have happened that no event told. */
export function refreshLists(queries: QueryClient): void {
  void queries.invalidateQueries({ queryKey: [LIST] });
}

/** Every row that any list has. */
export function listed(queries: QueryClient): ConversationRow[] {
  const lists = queries.getQueriesData<Pages>({ queryKey: [LIST] });
  return lists.flatMap(([, list]) => list?.pages.flatMap(({ items }) => items) ?? []);
}
