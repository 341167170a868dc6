// Follows everything that is the user's, on whatever device it happens, into the query cache.

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { openStream } from "../api/client";
import { refreshLists, takeIn } from "../conversations/queries";
import { noteProgress, refreshDocuments, takeInDocument } from "../documents/live";
import { meaningOf, type StreamEvent } from "../stream/events";
import { follow } from "../stream/follow";

/** Follows while `following`, and goes on where it was when it begins again. Gives whether the connection is lost. */
export function useLive(following: boolean): boolean {
  const queries = useQueryClient();
  const [lost, setLost] = useState(false);
  const last = useRef<string>(undefined);
  useEffect(() => {
    if (!following) return;
    const stop = new AbortController();
    const take = (event: StreamEvent) => {
      if (event.type === "row" || event.type === "gone") takeIn(queries, event);
      if (event.type === "document" || event.type === "documentGone") takeInDocument(queries, event);
      if (event.type === "documentProgress") noteProgress(queries, event);
    };
    const refresh = () => {
      refreshLists(queries);
      refreshDocuments(queries);
    };
    follow({
      signal: stop.signal,
      open: (lastEventId, signal) => openStream("/v1/stream", lastEventId ?? last.current, signal),
      onOpen: () => {
        setLost(false);
        // What happened before the stream was open is in no event of it, unless it goes on where it was.
        if (last.current === undefined) refresh();
      },
      onLost: () => setLost(true),
      onEvent: (wire) => {
        if (wire.id !== undefined) last.current = wire.id;
        const event = meaningOf(wire);
        if (event) take(event);
        return undefined;
      },
    }).catch(() => {
      setLost(!stop.signal.aborted);
      last.current = undefined;
      // A session that is over shows itself in the fetch.
      refresh();
    });
    return () => stop.abort();
  }, [queries, following]);
  return lost;
}
