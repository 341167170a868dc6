// The stream of the user, as far as it concerns the conversation that is shown.

import { useEffect, useSyncExternalStore } from "react";
import { userStream } from "../stream/userStream";

/**
 * Requests the text of an answer in progress that was written before the page was opened. Returns whether the
 * connection is lost.
 */
export function useConversationStream(conversationId: string, hasAnswerInProgress: boolean): boolean {
  useEffect(() => {
    if (hasAnswerInProgress) userStream.replay(conversationId);
  }, [conversationId, hasAnswerInProgress]);
  return useSyncExternalStore(userStream.subscribe, userStream.isLost, userStream.isLost);
}
