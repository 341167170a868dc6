// Opens the stream of a user with the session's token.

import { openStream } from "../api/client";
import { SignedOut } from "../api/problem";
import { tokens } from "../api/tokens";
import type { StreamOptions } from "./followStream";

/** The opened stream is never another user's, even if the session has changed. */
export function openUserStream(owner: string): StreamOptions["open"] {
  return async (lastEventId, signal) => {
    const response = await openStream("/v1/stream", lastEventId, signal);
    if ((await tokens.owner()) === owner) return response;
    await response.body?.cancel();
    throw new SignedOut();
  };
}

/** The user whom the session belongs to now. */
export function sessionOwner(): Promise<string> {
  tokens.clear();
  return tokens.owner();
}
