// Filters of the ledger, kept in the query parameters of the address. Pure.

export interface LedgerFilters {
  user?: string | undefined;
  conversation?: string | undefined;
  type?: string | undefined;
  /** Local times of this device, for example `2026-01-31T08:00`. */
  from?: string | undefined;
  to?: string | undefined;
}

const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/;

/** Reads the query parameters. Drops blank and malformed ones. */
export function parseFilters(search: Record<string, unknown>): LedgerFilters {
  const filters: LedgerFilters = {
    user: parseText(search.user),
    conversation: parseText(search.conversation),
    type: parseText(search.type),
    from: parseTime(search.from),
    to: parseTime(search.to),
  };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}

/** The query parameters of the API, with local times converted to UTC. */
export function toQuery({ user, conversation, type, from, to }: LedgerFilters) {
  return {
    ...(user && { user }),
    ...(conversation && { conversation }),
    ...(type && { type }),
    ...(from && { from: new Date(from).toISOString() }),
    ...(to && { to: new Date(to).toISOString() }),
  };
}

function parseText(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() ? value.trim() : undefined;
}

function parseTime(value: unknown): string | undefined {
  return typeof value === "string" && LOCAL_TIME.test(value) ? value : undefined;
}
