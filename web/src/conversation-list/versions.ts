// The latest known version of each conversation. Kept in a single entry of the query cache, because thousands
// of entries would slow down every search of the cache.

import type { QueryClient } from "@tanstack/react-query";

interface Versioned {
  id: string;
  version: number;
}

const KEY = ["versions"];

/** Undefined if no version is known. */
export function knownVersion(queries: QueryClient, conversationId: string): number | undefined {
  return versions(queries).get(conversationId);
}

/** Records versions that are newer than the known ones. Returns the ids of these conversations. */
export function recordVersions(queries: QueryClient, conversations: readonly Versioned[]): ReadonlySet<string> {
  const known = versions(queries);
  const newer = conversations.filter(({ id, version }) => version > (known.get(id) ?? 0));
  if (newer.length > 0) {
    const entries = newer.map(({ id, version }) => [id, version] as const);
    queries.setQueryData<ReadonlyMap<string, number>>(KEY, new Map([...known, ...entries]));
  }
  return new Set(newer.map(({ id }) => id));
}

/** Records versions, and marks the transcripts of conversations that have changed as stale. */
export function applyVersions(queries: QueryClient, conversations: readonly Versioned[]): void {
  const changed = recordVersions(queries, conversations);
  if (changed.size === 0) return;
  void queries.invalidateQueries({
    queryKey: [TRANSCRIPT],
    predicate: ({ queryKey }) => changed.has(String(queryKey[1])),
  });
}

/** First element of the query keys of transcripts. The second is the conversation's id. */
export const TRANSCRIPT = "transcript";

function versions(queries: QueryClient): ReadonlyMap<string, number> {
  return queries.getQueryData<ReadonlyMap<string, number>>(KEY) ?? new Map();
}
