// Brings what a stream tells into the query cache.

import type { QueryClient, QueryKey } from "@tanstack/react-query";

/**
 * Changes what the cache holds, and once more behind a fetch that is under way: what that brings may have been read before.
 * `change` is given what is newer or older alike, and keeps the newer.
 */
export function changeData<T>(queries: QueryClient, queryKey: QueryKey, change: (data: T) => T): void {
  const apply = () => void queries.setQueryData<T>(queryKey, (data) => data && change(data));
  apply();
  const fetching = queries.getQueryCache().find({ queryKey })?.promise;
  fetching?.then(apply, () => {});
}
