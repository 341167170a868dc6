// What of the history is shown, as it stands in the address. Pure.

import type { ConversationRow } from "../api/types";

export interface Filters {
  /** Words to search for. */
  q?: string | undefined;
  tag?: string | undefined;
  pinned?: true | undefined;
  archived?: true | undefined;
  /** Days, as 2026-01-31, both included, by the clock of this device. */
  from?: string | undefined;
  to?: string | undefined;
}

export const FILTER_NAMES = ["q", "tag", "pinned", "archived", "from", "to"] as const;

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Reads an address; what is none of these is dropped. */
export function filtersOf(search: Record<string, unknown>): Filters {
  const words = (value: unknown) => {
    const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
    return text.trim() ? text : undefined;
  };
  const day = (value: unknown) => (typeof value === "string" && DAY.test(value) ? value : undefined);
  const yes = (value: unknown) => (value === true || value === "true" ? true : undefined);
  const filters: Filters = {
    q: words(search.q),
    tag: words(search.tag),
    pinned: yes(search.pinned),
    archived: yes(search.archived),
    from: day(search.from),
    to: day(search.to),
  };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}

/** How many filters are set, beside the words searched for. */
export function countOf({ tag, pinned, archived, from, to }: Filters): number {
  return [tag, pinned, archived, from, to].filter(Boolean).length;
}

/** The parameters of the API. What is archived is out of the way unless asked for, but a search finds it. */
export function queryOf({ q, tag, pinned, archived, from, to }: Filters) {
  return {
    ...(archived ? { archived: true } : q ? {} : { archived: false }),
    ...(pinned && { pinned: true }),
    ...(tag && { tag }),
    ...(from && { from: startOf(from).toISOString() }),
    ...(to && { to: dayAfter(to).toISOString() }),
  };
}

/** Whether a conversation belongs to the list that these filters show. */
export function fits(row: ConversationRow, { tag, pinned, archived, from, to }: Filters): boolean {
  const at = Date.parse(row.updated_at);
  return (
    row.archived === Boolean(archived) &&
    (!pinned || row.pinned) &&
    (!tag || row.tags.includes(tag)) &&
    (!from || at >= startOf(from).getTime()) &&
    (!to || at < dayAfter(to).getTime())
  );
}

function startOf(day: string): Date {
  return new Date(`${day}T00:00:00`);
}

function dayAfter(day: string): Date {
  const next = startOf(day);
  next.setDate(next.getDate() + 1);
  return next;
}
