// Follows the stream of the ledger, which reports new events.

import { useEffect, useState } from "react";
import { openStream } from "../api/client";
import { parseJson } from "../api/json";
import type { LedgerEvent } from "../api/types";
import { followStream } from "../stream/followStream";
import { type LedgerFilters, toQuery } from "./filters";

const MAX_EVENTS = 500;

/** The latest events after a position, oldest first. Empty while `isLive` is false. */
export function useLiveLedger(filters: LedgerFilters, isLive: boolean, after: number): readonly LedgerEvent[] {
  const [events, setEvents] = useState<readonly LedgerEvent[]>([]);
  const query = new URLSearchParams(toQuery(filters)).toString();
  // biome-ignore lint/correctness/useExhaustiveDependencies: `after` matters only when the stream is opened
  useEffect(() => {
    setEvents([]);
    if (!isLive) return;
    const stop = new AbortController();
    const search = new URLSearchParams(query);
    search.set("after", String(after));
    followStream({
      signal: stop.signal,
      open: (lastEventId, signal) => openStream(`/v1/audit/events/stream?${search}`, lastEventId, signal),
      onEvent: ({ name, data }) => {
        if (name !== "event") return undefined;
        const event = parseJson<LedgerEvent>(data);
        setEvents((current) => [...current.slice(1 - MAX_EVENTS), event]);
        return undefined;
      },
    }).catch(() => setEvents([]));
    return () => stop.abort();
  }, [isLive, query]);
  return events;
}
