// Documents and their passages in the query cache.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import type { DocumentPage, DocumentProgress, DocumentRow, Passage } from "../api/types";

const PAGE_SIZE = 50;

export const documentsQuery = infiniteQueryOptions({
  queryKey: ["documents"],
  queryFn: ({ pageParam, signal }): Promise<DocumentPage> => {
    const query = { limit: PAGE_SIZE, ...(pageParam && { cursor: pageParam }) };
    return unwrap(api.GET("/v1/documents", { params: { query }, signal }));
  },
  initialPageParam: "",
  getNextPageParam: ({ next_cursor }: DocumentPage) => next_cursor,
});

/** Fetches a document in at least the given version. The service waits for its read model. */
export function fetchDocument(id: string, version: number): Promise<DocumentRow> {
  const params = { path: { document_id: id }, query: { min_version: version } };
  return unwrap(api.GET("/v1/documents/{document_id}", { params }));
}

export function removeDocument(id: string) {
  return unwrap(api.DELETE("/v1/documents/{document_id}", { params: { path: { document_id: id } } }));
}

/** A passage never changes, so it is fetched once. */
export function passageQuery(documentId: string, number: number) {
  const params = { path: { document_id: documentId, number } };
  return queryOptions({
    queryKey: ["passage", documentId, number],
    queryFn: ({ signal }): Promise<Passage> =>
      unwrap(api.GET("/v1/documents/{document_id}/passages/{number}", { params, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The progress of a document's indexing, which only the stream reports. Null before the first report. */
export function progressQuery(documentId: string) {
  return queryOptions<DocumentProgress | null>({
    queryKey: ["document progress", documentId],
    queryFn: () => null,
    staleTime: Number.POSITIVE_INFINITY,
  });
}
