// How far each conversation is known to be. In one entry of the query cache: there may be thousands, and an entry for each would
// make every look into the cache slower.

import type { QueryClient } from "@tanstack/react-query";

interface Versioned {
  id: string;
  version: number;
}

const KEY = ["versions"];

export function versionOf(queries: QueryClient, conversationId: string): number | undefined {
  return versions(queries).get(conversationId);
}

/** Notes those that are newer than what was known, and gives their ids. */
export function keepNewer(queries: QueryClient, told: readonly Versioned[]): ReadonlySet<string> {
  const known = versions(queries);
  const newer = told.filter(({ id, version }) => version > (known.get(id) ?? 0));
  if (newer.length > 0) {
    const entries = newer.map(({ id, version }) => [id, version] as const);
    queries.setQueryData<ReadonlyMap<string, number>>(KEY, new Map([...known, ...entries]));
  }
  return new Set(newer.map(({ id }) => id));
}

function versions(queries: QueryClient): ReadonlyMap<string, number> {
  return queries.getQueryData<ReadonlyMap<string, number>>(KEY) ?? new Map();
}
