// Applies changes reported by a stream to the query cache.

import type { QueryClient, QueryKey } from "@tanstack/react-query";

/**
 * Applies a change to a cache entry, and again to the result of a pending fetch, which may have been read
 * before the change. `change` must therefore be idempotent and keep data that is newer than the change.
 */
export function updateQueryData<T>(queries: QueryClient, queryKey: QueryKey, change: (data: T) => T): void {
  const apply = () => void queries.setQueryData<T>(queryKey, (data) => data && change(data));
  apply();
  const pendingFetch = queries.getQueryCache().find({ queryKey })?.promise;
  pendingFetch?.then(apply, () => {});
}
