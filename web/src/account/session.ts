// The session in the query cache, which is the one place that knows whether somebody is signed in. Other tabs of the same
// browser are told when it begins and ends.

import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { forgetDrafts } from "../conversation/drafts";
import { signOut, tokens, whoIsSignedIn } from "./auth";
import { claimsOf } from "./token";

const FRESH_MS = 5 * 60_000;
const ENDED = ["session ended"];

type Told = "entered" | "left";

const tabs = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("colloquy:session");

export const session = queryOptions({ queryKey: ["session"], queryFn: whoIsSignedIn, staleTime: FRESH_MS });

/** What the person may do, as the token says. */
export const roleOf = queryOptions({
  queryKey: ["role"],
  queryFn: async () => claimsOf(await tokens.get()).role,
  staleTime: FRESH_MS,
});

/** After signing up or in: nothing of whoever was here before is kept. */
export async function enter(queries: QueryClient): Promise<void> {
  queries.clear();
  await queries.fetchQuery(session);
  tell("entered");
}

/** Signs out and forgets all that was fetched or being written. */
export async function leave(queries: QueryClient): Promise<void> {
  await signOut();
  forget(queries);
}

/** The account is gone, and with it every session. */
export function forget(queries: QueryClient): void {
  tokens.forget();
  forgetDrafts();
  queries.clear();
  queries.setQueryData(session.queryKey, null);
  tell("left");
}

/** The session ended elsewhere; what is being written stays for when it goes on. */
export function expire(queries: QueryClient): void {
  tokens.forget();
  queries.setQueryData(session.queryKey, null);
  queries.setQueryData(ENDED, true);
}

/** Whether the page is at the door because a session ended. */
export function hasEnded(queries: QueryClient): boolean {
  return queries.getQueryData(ENDED) === true;
}

/** Does here what was done in another tab, then calls `changed`. */
export function followOtherTabs(queries: QueryClient, changed: () => void): void {
  tabs?.addEventListener("message", ({ data }: MessageEvent<Told>) => {
    if (data === "left") {
      tokens.forget();
      queries.clear();
      queries.setQueryData(session.queryKey, null);
      changed();
    } else if (!queries.getQueryData(session.queryKey)) {
      queries.removeQueries({ queryKey: session.queryKey });
      changed();
    }
  });
}

function tell(told: Told): void {
  tabs?.postMessage(told);
}
