// The session in the query cache, the only place that records whether a user is signed in. Other tabs of the
// browser are notified when a session starts or ends.

import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { type SessionChange, sessionChannel } from "../api/sessionChannel";
import { claimsOf } from "../api/tokenSource";
import { tokens } from "../api/tokens";
import { clearDrafts } from "../storage/drafts";
import { fetchUser, signOut } from "./auth";

const STALE_MS = 5 * 60_000;
const EXPIRED_KEY = ["session expired"];

const tabs = sessionChannel();

/** The signed-in user, or null. */
export const userQuery = queryOptions({ queryKey: ["user"], queryFn: fetchUser, staleTime: STALE_MS });

/** The user's role, from the claims of the token. */
export const roleQuery = queryOptions({
  queryKey: ["role"],
  queryFn: async () => claimsOf(await tokens.get()).role,
  staleTime: STALE_MS,
});

/** Called after sign-up or sign-in. Clears all data of the previous session. */
export async function startSession(queries: QueryClient): Promise<void> {
  queries.clear();
  await queries.fetchQuery(userQuery);
  notifyTabs("session started");
}

/** Signs out and deletes all data and drafts. */
export async function endSession(queries: QueryClient): Promise<void> {
  await signOut();
  clearSession(queries);
}

/**
 * Deletes all data and drafts of a session that no longer exists, for example because the account was erased.
 */
export function clearSession(queries: QueryClient): void {
  clearDrafts();
  clearData(queries);
  notifyTabs("session ended");
}

/** The service reported that the session is over. Drafts remain for the next session. */
export function expireSession(queries: QueryClient): void {
  tokens.clear();
  queries.setQueryData(userQuery.queryKey, null);
  queries.setQueryData(EXPIRED_KEY, true);
}

/** Whether the last session expired, as opposed to a sign-out. */
export function hasSessionExpired(queries: QueryClient): boolean {
  return queries.getQueryData(EXPIRED_KEY) === true;
}

/** Repeats the session changes of other tabs, then calls `onChange`. */
export function followOtherTabs(queries: QueryClient, onChange: () => void): void {
  tabs?.addEventListener("message", ({ data }: MessageEvent<SessionChange>) => {
    if (data === "session ended") {
      clearData(queries);
      onChange();
    } else if (!queries.getQueryData(userQuery.queryKey)) {
      queries.removeQueries({ queryKey: userQuery.queryKey });
      onChange();
    }
  });
}

function clearData(queries: QueryClient): void {
  tokens.clear();
  queries.clear();
  queries.setQueryData(userQuery.queryKey, null);
}

function notifyTabs(message: SessionChange): void {
  tabs?.postMessage(message);
}
