// Follows the stream of the user's changes on all devices, and applies them to the query cache.

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { isTransient } from "../api/problem";
import type { StreamEvent } from "../api/types";
import { applyAnswerEvents, type KnownOrphans } from "../conversation/applyAnswerEvents";
import { batchByFrame } from "../conversation/batchByFrame";
import { applyListEvent, refreshLists } from "../conversation-list/queries";
import { applyDocumentEvent, applyProgress, refreshDocuments } from "../documents/applyDocumentEvent";
import { type AnswerEvent, isAnswerEvent } from "../stream/events";
import type { HubMessage, Receive } from "../stream/streamHub";
import { userOfTab, userStream } from "../stream/userStream";

/** Pause before the user of the tab is requested again. */
const RETRY_MS = 5_000;

/**
 * Follows the stream while `isActive`, and resumes it after a pause. Returns whether the connection is lost.
 */
export function useUserStream(isActive: boolean): boolean {
  const queries = useQueryClient();
  useEffect(() => {
    if (!isActive) return;
    const changes = new StreamChanges(queries);
    const following = new Following((message) => changes.take(message));
    // The browser may keep the page for the back button, without running it.
    addEventListener("pagehide", following.stop);
    addEventListener("pageshow", following.start);
    following.start();
    return () => {
      removeEventListener("pagehide", following.stop);
      removeEventListener("pageshow", following.start);
      following.stop();
      changes.flush();
    };
  }, [queries, isActive]);
  return useSyncExternalStore(userStream.subscribe, userStream.isLost, userStream.isLost);
}

/** Follows the stream of the user of this tab between `start` and `stop`. */
class Following {
  readonly #receive: Receive;
  /** Undefined while stopped. */
  #started: AbortController | undefined;

  constructor(receive: Receive) {
    this.#receive = receive;
  }

  readonly start = (): void => {
    if (this.#started) return;
    this.#started = new AbortController();
    void this.#follow(this.#started.signal);
  };

  readonly stop = (): void => {
    this.#started?.abort();
    this.#started = undefined;
  };

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      const owner = await userOfTab();
      if (signal.aborted) return;
      const leave = userStream.follow(owner, this.#receive);
      signal.addEventListener("abort", leave);
    } catch (error) {
      if (signal.aborted) return;
      // If the session is over, the requests report it.
      if (!isTransient(error)) return this.#receive({ kind: "refused" });
      const timer = setTimeout(() => void this.#follow(signal), RETRY_MS);
      signal.addEventListener("abort", () => clearTimeout(timer));
    }
  }
}

class StreamChanges {
  readonly #queries: QueryClient;
  readonly #knownOrphans: KnownOrphans = new Set();
  readonly #answers = batchByFrame<AnswerEvent>((events) => {
    for (const id of applyAnswerEvents(this.#queries, events, this.#knownOrphans)) userStream.replay(id);
    return false;
  });

  constructor(queries: QueryClient) {
    this.#queries = queries;
  }

  take(message: HubMessage): void {
    if (message.kind === "event") this.#apply(message.event);
    // A stream that is not resumed lacks the changes from before it was opened.
    if (message.kind === "refused" || (message.kind === "opened" && !message.isResumed)) this.refresh();
  }

  refresh(): void {
    refreshLists(this.#queries);
    refreshDocuments(this.#queries);
  }

  flush(): void {
    this.#answers.flush();
  }

  #apply(event: StreamEvent): void {
    if (isAnswerEvent(event)) this.#answers.add(event);
    if (event.event === "conversation") applyListEvent(this.#queries, event.data);
    if (event.event === "document") applyDocumentEvent(this.#queries, event.data);
    if (event.event === "document.progress") applyProgress(this.#queries, event.data);
  }
}
