// Documents and their passages in the query cache.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { fetchData } from "../api/client";
import type { DocumentPage, DocumentRow, Passage } from "./types";

const PAGE = 50;

export const documents = infiniteQueryOptions({
  queryKey: ["documents"],
  queryFn: ({ pageParam, signal }) =>
    fetchData<DocumentPage>("/v1/documents", { query: { limit: PAGE, cursor: pageParam }, signal }),
  initialPageParam: "",
  getNextPageParam: (page: DocumentPage) => page.next_cursor,
});

/** One document, as soon as it can be read in this version. */
export function fetchDocument(id: string, version: number): Promise<DocumentRow> {
  return fetchData<DocumentRow>(`/v1/documents/${id}`, { query: { min_version: version } });
}

export function passageOf(documentId: string, number: number) {
  return queryOptions({
    queryKey: ["passage", documentId, number],
    queryFn: ({ signal }) => fetchData<Passage>(`/v1/documents/${documentId}/passages/${number}`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** How far the service is with a document; told by the stream alone. */
export interface Progress {
  stage: string;
  done: number;
  total: number;
}

export function progressOf(documentId: string) {
  return queryOptions<Progress | null>({
    queryKey: ["document progress", documentId],
    queryFn: () => null,
    staleTime: Number.POSITIVE_INFINITY,
  });
}
