// The files on their way to the service, one after the other.

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { newId } from "../api/ids";
import { refreshDocuments, takeInDocument } from "./live";
import { fetchDocument } from "./queries";
import { type Accepted, upload } from "./upload";

export interface Upload {
  id: string;
  file: File;
  percent: number;
  /** The document it has become. */
  documentId?: string;
  error?: Error;
}

export function useUploads() {
  const queries = useQueryClient();
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const queue = useRef<Promise<unknown>>(Promise.resolve());
  const stop = useRef<AbortController>(undefined);
  useEffect(() => {
    stop.current = new AbortController();
    return () => stop.current?.abort();
  }, []);
  const change = useCallback((id: string, to: Partial<Upload>) => {
    setUploads((before) => before.map((one) => (one.id === id ? { ...one, ...to } : one)));
  }, []);
  const dismiss = useCallback((id: string) => setUploads((before) => before.filter((one) => one.id !== id)), []);
  const add = useCallback(
    (files: Iterable<File>) => {
      for (const file of files) {
        const id = newId();
        const signal = stop.current?.signal ?? new AbortController().signal;
        setUploads((before) => [...before, { id, file, percent: 0 }]);
        queue.current = queue.current
          .then(() => upload(file, (percent) => change(id, { percent }), signal))
          .then((accepted) => {
            change(id, { documentId: accepted.document_id });
            return show(queries, accepted);
          })
          .then(() => dismiss(id))
          .catch((error: Error) => !signal.aborted && change(id, { error }));
      }
    },
    [queries, change, dismiss],
  );
  return { uploads, add, dismiss };
}

/** The stream may be away, or have told it already; whatever is newer is kept. The file is safe even if this fails. */
async function show(queries: QueryClient, { document_id, version }: Accepted): Promise<void> {
  try {
    takeInDocument(queries, { type: "document", document: await fetchDocument(document_id, version) });
  } catch {
    refreshDocuments(queries);
  }
}
