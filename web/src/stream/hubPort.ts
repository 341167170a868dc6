// The messages between a tab and the worker that holds the connection of all tabs.

import type { HubMessage } from "./streamHub";

/**
 * - `join` is repeated while the tab follows the stream, so that the worker forgets tabs that ended without a word,
 *   and a tab notices the end of the worker. `owner` is the user of the tab.
 * - `replay` asks for the newest question and answer of a conversation.
 */
export type TabMessage =
  | { kind: "join"; owner: string; lastId: string | undefined }
  | { kind: "replay"; conversationId: string }
  | { kind: "leave" };

/** `here` answers `join`. */
export type WorkerMessage = HubMessage | { kind: "here" };

/** Interval of `join`. */
export const JOIN_EVERY_MS = 10_000;
