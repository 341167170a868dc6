// Applies document events of the stream to the query cache.

import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { DocumentChanged, DocumentPage, DocumentProgress, DocumentRow } from "../api/types";
import { updateQueryData } from "../stream/queryData";
import { DOCUMENT_LISTS, documentQuery, documentsQuery, NEWEST, progressQuery, tagsQuery } from "./queries";

/** Documents whose last change is remembered. */
const REMEMBERED = 1_000;

/** The newest version of each document that was applied. A removal has no version and is the last change. */
const applied = new WeakMap<QueryClient, Map<string, number>>();

export function applyDocumentEvent(queries: QueryClient, change: DocumentChanged): void {
  updateQueryData<InfiniteData<DocumentPage, string>>(queries, documentsQuery().queryKey, (list) => {
    return { ...list, pages: applyChange(list.pages, change) };
  });
  // The response to a change of one's own and the stream report the same change.
  if (isNew(queries, change)) {
    // Only the service knows the place of a document in a list that it has arranged.
    void queries.invalidateQueries({ queryKey: DOCUMENT_LISTS, predicate: ({ queryKey }) => isArranged(queryKey) });
    void queries.invalidateQueries({ queryKey: tagsQuery.queryKey });
  }
  if ("deleted" in change) return;
  updateQueryData<DocumentRow>(queries, documentQuery(change.id).queryKey, (known) =>
    known.version > change.version ? known : change,
  );
}

export function applyProgress(queries: QueryClient, progress: DocumentProgress): void {
  queries.setQueryData(progressQuery(progress.id).queryKey, progress);
}

/** Fetches the list again, for changes that no event reported. */
export function refreshDocuments(queries: QueryClient): void {
  void queries.invalidateQueries({ queryKey: DOCUMENT_LISTS });
  void queries.invalidateQueries({ queryKey: tagsQuery.queryKey });
}

/** Whether a change was not applied before, or a later one of the same document. */
function isNew(queries: QueryClient, change: DocumentChanged): boolean {
  const versions = applied.get(queries) ?? new Map<string, number>();
  applied.set(queries, versions);
  const version = "deleted" in change ? Number.POSITIVE_INFINITY : change.version;
  if ((versions.get(change.id) ?? 0) >= version) return false;
  versions.delete(change.id);
  versions.set(change.id, version);
  const [oldest] = versions.keys();
  if (versions.size > REMEMBERED && oldest) versions.delete(oldest);
  return true;
}

function isArranged([, words, order]: readonly unknown[]): boolean {
  return words !== NEWEST.words || order !== NEWEST.order;
}

/**
 * Inserts a new document at the beginning, replaces an older version, and drops a removed document. Pure.
 */
export function applyChange(pages: readonly DocumentPage[], change: DocumentChanged): DocumentPage[] {
  if ("deleted" in change) {
    return pages.map((page) => ({ ...page, items: page.items.filter(({ id }) => id !== change.id) }));
  }
  const known = pages.flatMap(({ items }) => items).find(({ id }) => id === change.id);
  if (!known) {
    return pages.map((page, index) => (index === 0 ? { ...page, items: [change, ...page.items] } : page));
  }
  if (known.version > change.version) return [...pages];
  return pages.map((page) => ({ ...page, items: page.items.map((row) => (row === known ? change : row)) }));
}
