// The session in the query cache, which is the one place that knows whether somebody is signed in.

import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { signOut, tokens, whoIsSignedIn } from "./auth";

const FRESH_MS = 5 * 60_000;

export const session = queryOptions({ queryKey: ["session"], queryFn: whoIsSignedIn, staleTime: FRESH_MS });

/** After signing up or in: nothing of whoever was here before is kept. */
export async function enter(queries: QueryClient): Promise<void> {
  queries.clear();
  await queries.fetchQuery(session);
}

/** Signs out and forgets all that was fetched. */
export async function leave(queries: QueryClient): Promise<void> {
  await signOut();
  queries.clear();
  queries.setQueryData(session.queryKey, null);
}

/** The session ended elsewhere. */
export function expire(queries: QueryClient): void {
  tokens.forget();
  queries.setQueryData(session.queryKey, null);
}
