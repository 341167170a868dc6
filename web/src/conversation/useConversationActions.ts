// The actions of a conversation's page. Asking creates the newest branch, so the page switches to it.

import { useNavigate } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { newId } from "../api/ids";
import type { Message, Rating } from "../api/types";
import { useText } from "../text/text";
import { useAnswerCommands, useRateAnswer, useStopAnswer } from "./commands";
import type { ConversationLocation } from "./location";
import { choiceOf, type Transcript } from "./transcriptEntry";

export type ConversationActions = ReturnType<typeof useConversationActions>["actions"];

/** `model` is the name of the language model that questions are sent to, if there is a choice. */
export function useConversationActions(
  { conversationId, branch }: ConversationLocation,
  transcript: Transcript,
  model: string | undefined,
) {
  const commands = useAnswerCommands();
  const stop = useStopAnswer(conversationId);
  const { mutate: rate } = useRateAnswer(conversationId);
  const navigate = useNavigate();
  const { goOnPrompt } = useText().answer;
  // The callbacks must not change with the transcript, so that only changed messages are rendered
  // while it grows.
  const shown = useRef({ transcript, model });
  shown.current = { transcript, model };
  const actions = useMemo(() => {
    const showNewestBranch = () => {
      if (!branch) return;
      void navigate({
        to: ".",
        search: (search) => ({ ...search, branch: undefined, m: undefined }),
        resetScroll: false,
      });
    };
    return {
      ask: (text: string, documents: readonly string[], tags: readonly string[]) => {
        const { transcript, model } = shown.current;
        commands.ask(conversationId, transcript, text, { model, documents, tags });
        showNewestBranch();
      },
      /** Asks to continue the last answer, which ends early. */
      goOn: () => {
        const { transcript, model } = shown.current;
        commands.ask(conversationId, transcript, goOnPrompt, { model });
        showNewestBranch();
      },
      // A version of a question is answered from the documents of the question.
      edit: (message: Message, text: string) => {
        const { transcript, model } = shown.current;
        const choice = { model, ...choiceOf(message) };
        if (!message.parent_id) {
          // A conversation has a single first question: editing it starts a new conversation.
          const newConversationId = newId();
          commands.ask(newConversationId, [], text, choice);
          void navigate({ to: "/c/$conversationId", params: { conversationId: newConversationId }, search: {} });
          return;
        }
        commands.edit(conversationId, transcript, message, text, choice);
        showNewestBranch();
      },
      regenerate: (message: Message, model?: string) => {
        commands.regenerate(conversationId, shown.current.transcript, message, model);
        showNewestBranch();
      },
      retry: (message: Message) => commands.retry(conversationId, shown.current.transcript, message),
      discard: (message: Message) => commands.discard(conversationId, message),
      rate: ({ id }: Message, rating: Rating, comment?: string) =>
        rate({ answerId: id, rating, ...(comment && { comment }) }),
    };
  }, [commands, rate, navigate, conversationId, branch, goOnPrompt]);
  return { actions, stop };
}
