// The events of the ledger as they are recorded, behind those that were fetched.

import { useEffect, useState } from "react";
import { openStream } from "../api/client";
import { follow } from "../stream/follow";
import { type Look, parametersOf } from "./look";
import type { LedgerEvent } from "./queries";

const MOST = 500;

export function useLiveLedger(look: Look, live: boolean, after: number): readonly LedgerEvent[] {
  const [events, setEvents] = useState<readonly LedgerEvent[]>([]);
  const parameters = JSON.stringify(parametersOf(look));
  // biome-ignore lint/correctness/useExhaustiveDependencies: where it begins is decided when it begins
  useEffect(() => {
    setEvents([]);
    if (!live) return;
    const stop = new AbortController();
    const given = Object.entries(JSON.parse(parameters) as Record<string, string>);
    const search = new URLSearchParams([...given, ["after", String(after)]]);
    follow({
      signal: stop.signal,
      open: (lastEventId, signal) => openStream(`/v1/audit/events/stream?${search}`, lastEventId, signal),
      onEvent: ({ name, data }) => {
        if (name !== "event") return undefined;
        const event: LedgerEvent = JSON.parse(data);
        setEvents((before) => [...before.slice(-MOST), event]);
        return undefined;
      },
    }).catch(() => setEvents([]));
    return () => stop.abort();
  }, [live, parameters]);
  return events;
}
