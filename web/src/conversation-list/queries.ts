// The list of conversations and search results in the query cache.

import { infiniteQueryOptions, type QueryClient, type QueryKey, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import type { ConversationChanged, ConversationPage, ConversationRow, SearchPage } from "../api/types";
import { updateQueryData } from "../stream/queryData";
import { applyChange } from "./applyChange";
import { type Filters, matchesFilters, parseFilters, toQuery } from "./filters";
import { applyVersions, TRANSCRIPT } from "./versions";

const LIST_PAGE_SIZE = 100;
const SEARCH_PAGE_SIZE = 30;

const LIST = "conversations";
const SEARCH = "search";
const rowKey = (conversationId: string) => ["conversation", conversationId] as const;

type List = { pages: ConversationPage[]; pageParams: string[] };

export function listQuery({ q: _, ...filters }: Filters) {
  return infiniteQueryOptions({
    queryKey: [LIST, filters] as const,
    queryFn: async ({ pageParam, signal, client }): Promise<ConversationPage> => {
      const query = { limit: LIST_PAGE_SIZE, ...toQuery(filters), ...(pageParam && { cursor: pageParam }) };
      const page = await unwrap(api.GET("/v1/conversations", { params: { query }, signal }));
      applyVersions(client, page.items);
      return page;
    },
    initialPageParam: "",
    getNextPageParam: (page: ConversationPage) => page.next_cursor,
    staleTime: Number.POSITIVE_INFINITY,
    // With thousands of rows, comparing them costs more than rendering the visible ones.
    structuralSharing: false,
  });
}

export function searchQuery(filters: Filters) {
  return infiniteQueryOptions({
    queryKey: [SEARCH, filters] as const,
    queryFn: ({ pageParam, signal }): Promise<SearchPage> => {
      const query = {
        // Input methods and clipboards may decompose letters.
        q: (filters.q ?? "").normalize("NFC"),
        limit: SEARCH_PAGE_SIZE,
        ...toQuery(filters),
        ...(pageParam && { cursor: pageParam }),
      };
      return unwrap(api.GET("/v1/search", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page: SearchPage) => page.next_cursor,
  });
}

/** The row of a conversation, from a cached list or fetched. Not fetched while `exists` is false. */
export function useConversationRow(conversationId: string, exists: boolean): ConversationRow | undefined {
  const queries = useQueryClient();
  const { data } = useQuery({
    queryKey: rowKey(conversationId),
    queryFn: ({ signal }): Promise<ConversationRow> => {
      const params = { path: { conversation_id: conversationId } };
      return unwrap(api.GET("/v1/conversations/{conversation_id}", { params, signal }));
    },
    initialData: () => cachedRows(queries).find(({ id }) => id === conversationId),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: exists,
  });
  return data;
}

/** Applies a change of a conversation to every cached list, and marks dependent entries as stale. */
export function applyListEvent(queries: QueryClient, change: ConversationChanged): void {
  for (const { queryKey } of queries.getQueryCache().findAll({ queryKey: [LIST] })) {
    const filters = filtersOf(queryKey);
    updateQueryData<List>(queries, queryKey, (list) => {
      const pages = applyChange(list.pages, change, (row) => matchesFilters(row, filters));
      return pages === list.pages ? list : { ...list, pages: [...pages] };
    });
  }
  if ("deleted" in change) {
    void queries.invalidateQueries({ queryKey: [TRANSCRIPT, change.id] });
  } else {
    queries.setQueryData(rowKey(change.id), change);
    applyVersions(queries, [change]);
  }
  void queries.invalidateQueries({ queryKey: [SEARCH] });
}

/** Fetches the lists again, for changes that no event reported. */
export function refreshLists(queries: QueryClient): void {
  void queries.invalidateQueries({ queryKey: [LIST] });
}

function filtersOf([, filters]: QueryKey): Filters {
  return typeof filters === "object" && filters !== null ? parseFilters({ ...filters }) : {};
}

/** The rows of all cached lists. A row may occur several times. */
export function cachedRows(queries: QueryClient): ConversationRow[] {
  const lists = queries.getQueriesData<List>({ queryKey: [LIST] });
  return lists.flatMap(([, list]) => list?.pages.flatMap(({ items }) => items) ?? []);
}
