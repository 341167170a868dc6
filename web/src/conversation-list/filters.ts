// Filters of the list of conversations, kept in the query parameters of the address. Pure.

import type { ConversationRow } from "../api/types";

export interface Filters {
  /** Search words. */
  q?: string | undefined;
  tag?: string | undefined;
  pinned?: true | undefined;
  archived?: true | undefined;
  /** First and last day by this device's clock, for example `2026-01-31`. */
  from?: string | undefined;
  to?: string | undefined;
}

export const FILTER_NAMES = ["q", "tag", "pinned", "archived", "from", "to"] as const;

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Reads the query parameters. Drops blank and malformed ones. */
export function parseFilters(search: Record<string, unknown>): Filters {
  const filters: Filters = {
    q: parseText(search.q),
    tag: parseText(search.tag),
    pinned: parseFlag(search.pinned),
    archived: parseFlag(search.archived),
    from: parseDate(search.from),
    to: parseDate(search.to),
  };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}

/** The number of active filters, not counting search words. */
export function countFilters({ tag, pinned, archived, from, to }: Filters): number {
  return [tag, pinned, archived, from, to].filter(Boolean).length;
}

/**
 * The query parameters of the API. The list hides archived conversations by default; a search includes them.
 */
export function toQuery({ q, tag, pinned, archived, from, to }: Filters) {
  return {
    ...(archived ? { archived: true } : q ? {} : { archived: false }),
    ...(pinned && { pinned: true }),
    ...(tag && { tag }),
    ...(from && { from: startOf(from).toISOString() }),
    ...(to && { to: dayAfter(to).toISOString() }),
  };
}

/** Whether a conversation belongs to the filtered list. */
export function matchesFilters(row: ConversationRow, { tag, pinned, archived, from, to }: Filters): boolean {
  const updatedAt = Date.parse(row.updated_at);
  return (
    row.archived === Boolean(archived) &&
    (!pinned || row.pinned) &&
    (!tag || row.tags.includes(tag)) &&
    (!from || updatedAt >= startOf(from).getTime()) &&
    (!to || updatedAt < dayAfter(to).getTime())
  );
}

/** The router parses numbers in addresses, so a search word may arrive as a number. */
function parseText(value: unknown): string | undefined {
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return text.trim() ? text : undefined;
}

function parseFlag(value: unknown): true | undefined {
  return value === true || value === "true" ? true : undefined;
}

function parseDate(value: unknown): string | undefined {
  return typeof value === "string" && DATE.test(value) ? value : undefined;
}

function startOf(date: string): Date {
  return new Date(`${date}T00:00:00`);
}

function dayAfter(date: string): Date {
  const next = startOf(date);
  next.setDate(next.getDate() + 1);
  return next;
}
