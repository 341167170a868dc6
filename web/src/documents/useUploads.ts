// The queue of uploads. Files are uploaded one at a time.

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { newId } from "../api/ids";
import type { DocumentAccepted } from "../api/types";
import { applyDocumentEvent, refreshDocuments } from "./applyDocumentEvent";
import { fetchDocument } from "./queries";
import { upload } from "./upload";

export interface Upload {
  id: string;
  file: File;
  percent: number;
  /** The document that the file became. */
  documentId?: string;
  error?: Error;
}

/** With `keepsUploaded` an upload stays until it is dismissed, else until its document is listed. */
export function useUploads({ keepsUploaded = false } = {}) {
  const queries = useQueryClient();
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const queue = useRef<Promise<unknown>>(Promise.resolve());
  const stop = useRef<AbortController>(undefined);
  useEffect(() => {
    stop.current = new AbortController();
    return () => stop.current?.abort();
  }, []);
  const change = useCallback((id: string, fields: Partial<Upload>) => {
    setUploads((current) => current.map((one) => (one.id === id ? { ...one, ...fields } : one)));
  }, []);
  const dismiss = useCallback((id: string) => setUploads((current) => current.filter((one) => one.id !== id)), []);
  const add = useCallback(
    (files: Iterable<File>, tags: readonly string[] = []) => {
      for (const file of files) {
        const id = newId();
        const signal = stop.current?.signal ?? new AbortController().signal;
        setUploads((current) => [...current, { id, file, percent: 0 }]);
        queue.current = queue.current
          .then(() => upload(file, tags, (percent) => change(id, { percent }), signal))
          .then((accepted) => {
            change(id, { documentId: accepted.document_id });
            return showDocument(queries, accepted);
          })
          .then(() => keepsUploaded || dismiss(id))
          .catch((error: Error) => !signal.aborted && change(id, { error }));
      }
    },
    [queries, change, dismiss, keepsUploaded],
  );
  return { uploads, add, dismiss };
}

/**
 * Adds the new document to the list, without relying on the stream. The file is stored even if this fails.
 */
async function showDocument(queries: QueryClient, { document_id, version }: DocumentAccepted): Promise<void> {
  try {
    applyDocumentEvent(queries, await fetchDocument(document_id, version));
  } catch {
    refreshDocuments(queries);
  }
}
