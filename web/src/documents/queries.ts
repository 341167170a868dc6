// Documents and their passages in the query cache.

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, fetchFile, unwrap } from "../api/client";
import type { DocumentCommand, DocumentPage, DocumentProgress, DocumentRow, Passage } from "../api/types";

const PAGE_SIZE = 50;
const PICTURES_KEPT_MS = 60_000;
const DOWNLOAD_MS = 300_000;

export const ORDERS = ["newest", "title", "size"] as const;

/** A selection of documents, and their order. */
export interface Arrangement {
  words: string;
  order: (typeof ORDERS)[number];
}

export const NEWEST: Arrangement = { words: "", order: "newest" };

/** All lists of documents in the cache. */
export const DOCUMENT_LISTS = ["documents"];

/** The service searches and sorts: only a page of the documents is here. */
export function documentsQuery({ words, order }: Arrangement = NEWEST) {
  return infiniteQueryOptions({
    queryKey: [...DOCUMENT_LISTS, words, order],
    queryFn: ({ pageParam, signal }): Promise<DocumentPage> => {
      const query = {
        limit: PAGE_SIZE,
        sort: order,
        ...(words && { q: words }),
        ...(pageParam && { cursor: pageParam }),
      };
      return unwrap(api.GET("/v1/documents", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: ({ next_cursor }: DocumentPage) => next_cursor,
    placeholderData: keepPreviousData,
    // The stream keeps the lists current, and a stream that was not resumed fetches them.
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The tags of all documents, by which a question chooses documents. */
export const tagsQuery = queryOptions({
  queryKey: ["document tags"],
  queryFn: ({ signal }): Promise<string[]> =>
    unwrap(api.GET("/v1/documents/tags", { signal })).then(({ items }) => items),
  // The stream reports changes, as those of the lists.
  staleTime: Number.POSITIVE_INFINITY,
});

/** Interval at which a document that is being indexed is fetched, in case that the stream is away. */
const REFETCH_MS = 5_000;

/** A document until it is indexed or rejected. The stream reports its changes. */
export function documentQuery(id: string) {
  return queryOptions({
    queryKey: ["document", id],
    queryFn: ({ signal }): Promise<DocumentRow> =>
      unwrap(api.GET("/v1/documents/{document_id}", { params: { path: { document_id: id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.status === "added" ? REFETCH_MS : false),
  });
}

/** Fetches a document in at least the given version. The service waits for its read model. */
export function fetchDocument(id: string, version: number): Promise<DocumentRow> {
  const params = { path: { document_id: id }, query: { min_version: version } };
  return unwrap(api.GET("/v1/documents/{document_id}", { params }));
}

export function removeDocument(id: string) {
  return unwrap(api.DELETE("/v1/documents/{document_id}", { params: { path: { document_id: id } } }));
}

/** Replaces the tags of a document, or has it read and indexed again. */
export function changeDocument(id: string, body: DocumentCommand) {
  return unwrap(api.POST("/v1/documents/{document_id}/commands", { params: { path: { document_id: id } }, body }));
}

export function fetchOriginal(id: string): Promise<Blob> {
  return fetchFile(`/v1/documents/${id}/original`, AbortSignal.timeout(DOWNLOAD_MS));
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

/** A page of a document as a picture, with a passage marked on it. */
export function pictureQuery(documentId: string, page: number, passage: number) {
  return queryOptions({
    queryKey: ["page picture", documentId, page, passage],
    queryFn: ({ signal }): Promise<Blob> =>
      fetchFile(`/v1/documents/${documentId}/pages/${page}.png?passage=${passage}`, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: PICTURES_KEPT_MS,
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
