// What can be done from where one is in a conversation. Whatever is asked makes the newest branch, so that is shown then.

import { useNavigate } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { newId } from "../api/ids";
import type { Message } from "../api/types";
import type { Place } from "./ConversationPage";
import { useAsking, useRating, useStopping } from "./commands";
import type { Transcript } from "./entry";

export function useActions({ conversationId, branch }: Place, transcript: Transcript) {
  const asking = useAsking();
  const stop = useStopping(conversationId);
  const { mutate: judge } = useRating(conversationId);
  const navigate = useNavigate();
  // The callbacks stay the same while the transcript grows, so that what has not changed is not drawn again.
  const shown = useRef(transcript);
  shown.current = transcript;
  const actions = useMemo(() => {
    const toNewestBranch = () => {
      if (!branch) return;
      void navigate({
        to: ".",
        search: (search) => ({ ...search, branch: undefined, m: undefined }),
        resetScroll: false,
      });
    };
    return {
      ask: (text: string) => {
        asking.ask(conversationId, shown.current, text);
        toNewestBranch();
      },
      edit: (message: Message, text: string) => {
        if (!message.parent_id) {
          // A conversation has one beginning: another first question is another conversation, and this one stays.
          const beginning = newId();
          asking.ask(beginning, [], text);
          void navigate({ to: "/c/$conversationId", params: { conversationId: beginning }, search: {} });
          return;
        }
        asking.edit(conversationId, shown.current, message, text);
        toNewestBranch();
      },
      regenerate: (message: Message) => {
        asking.regenerate(conversationId, shown.current, message);
        toNewestBranch();
      },
      askAgain: (message: Message) => asking.askAgain(conversationId, shown.current, message),
      withdraw: (message: Message) => asking.withdraw(conversationId, message),
      rate: ({ id }: Message, rating: string, comment?: string) =>
        judge({ answerId: id, rating, ...(comment && { comment }) }),
    };
  }, [asking, judge, navigate, conversationId, branch]);
  return { actions, stop };
}
