// The channel by which the tabs of a browser tell each other that a session started or ended.

import { BASE_PATH } from "./basePath";

export type SessionChange = "session started" | "session ended";

/** Undefined where the browser has no such channels. */
export function sessionChannel(): BroadcastChannel | undefined {
  return typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel(`colloquy:session:${BASE_PATH}`);
}
