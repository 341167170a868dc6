// Follows the stream of a conversation while an answer is in progress.

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { openStream } from "../api/client";
import { type AnswerEvent, isAnswerEvent, parseStreamEvent } from "../stream/events";
import { followStream } from "../stream/followStream";
import { applyEvents } from "./applyEvent";
import { batchByFrame } from "./batchByFrame";
import { transcriptKey } from "./queries";
import type { Transcript } from "./transcriptEntry";

/** Applies the events to the cached transcript while `isActive`. Returns whether the connection is lost. */
export function useConversationStream(conversationId: string, branch: string | undefined, isActive: boolean): boolean {
  const queries = useQueryClient();
  const [isLost, setIsLost] = useState(false);
  const refetch = useCallback(
    () => queries.invalidateQueries({ queryKey: transcriptKey(conversationId, branch) }),
    [queries, conversationId, branch],
  );
  useEffect(() => {
    if (!isActive) return;
    const stop = new AbortController();
    const knownOrphans = new Set<string>();
    const batches = batchByFrame<AnswerEvent>((events) => {
      const key = transcriptKey(conversationId, branch);
      const current = queries.getQueryData<Transcript>(key) ?? [];
      const { transcript, isTextMissing, orphans } = applyEvents(current, events, branch !== undefined);
      queries.setQueryData(key, transcript);
      // One fetch for each: a message that the fetch does not return belongs to another branch.
      if (orphans.some((id) => !knownOrphans.has(id))) void refetch();
      for (const id of orphans) knownOrphans.add(id);
      return isTextMissing;
    });
    followStream({
      signal: stop.signal,
      open: (lastEventId, signal) => openStream(`/v1/conversations/${conversationId}/stream`, lastEventId, signal),
      onOpen: () => setIsLost(false),
      onLost: () => setIsLost(true),
      onEvent: (wireEvent) => {
        const event = parseStreamEvent(wireEvent);
        return event && isAnswerEvent(event) && batches.add(event) ? "restart" : undefined;
      },
    }).catch(refetch);
    return () => {
      stop.abort();
      batches.flush();
      setIsLost(false);
    };
  }, [queries, conversationId, branch, isActive, refetch]);
  return isLost;
}
