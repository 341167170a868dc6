// Follows the stream of the user's changes on all devices, and applies them to the query cache.

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { openStream } from "../api/client";
import type { StreamEvent } from "../api/types";
import { applyListEvent, refreshLists } from "../conversation-list/queries";
import { applyDocumentEvent, applyProgress, refreshDocuments } from "../documents/applyDocumentEvent";
import { parseStreamEvent } from "../stream/events";
import { followStream } from "../stream/followStream";

/**
 * Follows the stream while `isActive`, and resumes it after a pause. Returns whether the connection is lost.
 */
export function useUserStream(isActive: boolean): boolean {
  const queries = useQueryClient();
  const [isLost, setIsLost] = useState(false);
  const lastId = useRef<string>(undefined);
  useEffect(() => {
    if (!isActive) return;
    const stop = new AbortController();
    const refresh = () => {
      refreshLists(queries);
      refreshDocuments(queries);
    };
    followStream({
      signal: stop.signal,
      open: (lastEventId, signal) => openStream("/v1/stream", lastEventId ?? lastId.current, signal),
      onOpen: () => {
        setIsLost(false);
        // A stream that is not resumed lacks the changes from before it was opened.
        if (lastId.current === undefined) refresh();
      },
      onLost: () => setIsLost(true),
      onEvent: (wireEvent) => {
        if (wireEvent.id !== undefined) lastId.current = wireEvent.id;
        const event = parseStreamEvent(wireEvent);
        if (event) applyUserEvent(queries, event);
        return undefined;
      },
    }).catch(() => {
      setIsLost(!stop.signal.aborted);
      lastId.current = undefined;
      // If the session is over, the requests report it.
      refresh();
    });
    return () => stop.abort();
  }, [queries, isActive]);
  return isLost;
}

/** Messages are applied by the page of their conversation. */
function applyUserEvent(queries: QueryClient, event: StreamEvent): void {
  if (event.event === "conversation") applyListEvent(queries, event.data);
  if (event.event === "document") applyDocumentEvent(queries, event.data);
  if (event.event === "document.progress") applyProgress(queries, event.data);
}
