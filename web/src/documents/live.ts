// Takes what happens to documents into the query cache.

import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { changeData } from "../stream/change";
import type { DocumentEvent } from "../stream/events";
import { documents, type Progress, progressOf } from "./queries";
import type { DocumentPage } from "./types";

type Changed = Exclude<DocumentEvent, { type: "documentProgress" }>;

export function takeInDocument(queries: QueryClient, event: Changed): void {
  changeData<InfiniteData<DocumentPage, string>>(queries, documents.queryKey, (list) => {
    return { ...list, pages: changed(list.pages, event) };
  });
}

/** Fetches the list again: something may have happened that no event told. */
export function refreshDocuments(queries: QueryClient): void {
  void queries.invalidateQueries({ queryKey: documents.queryKey });
}

export function noteProgress(queries: QueryClient, event: DocumentEvent & { type: "documentProgress" }): void {
  const { stage, done, total } = event;
  queries.setQueryData<Progress>(progressOf(event.id).queryKey, { stage, done, total });
}

/** Pure: a document that is known changes in its place, a new one comes first, one that is gone leaves. */
export function changed(pages: readonly DocumentPage[], event: Changed): DocumentPage[] {
  const id = event.type === "document" ? event.document.id : event.id;
  const known = pages.flatMap(({ items }) => items).find((row) => row.id === id);
  if (event.type === "documentGone") {
    return pages.map((page) => ({ ...page, items: page.items.filter((row) => row.id !== id) }));
  }
  const { document } = event;
  if (known && known.version > document.version) return [...pages];
  if (known) {
    return pages.map((page) => ({ ...page, items: page.items.map((row) => (row.id === id ? document : row)) }));
  }
  return pages.map((page, index) => (index === 0 ? { ...page, items: [document, ...page.items] } : page));
}
