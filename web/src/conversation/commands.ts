// Commands of a conversation's page. Each is applied to the cached transcript at once. The ids are created
// here, so that a command can be repeated.

import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { userQuery } from "../account/session";
import { sendCommand } from "../api/commands";
import { newId } from "../api/ids";
import { SignedOut } from "../api/problem";
import { COMMAND_RETRIES } from "../api/retry";
import type { Command, Message, Rating } from "../api/types";
import { recordVersions } from "../conversation-list/versions";
import { readDraft, saveDraft } from "../storage/drafts";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { useToast } from "../ui/Toasts";
import { transcriptKey, transcriptKeys } from "./queries";
import { accept, ask, discard, edit, rate, refuse, regenerate, retry } from "./transcript";
import type { Choice, Transcript } from "./transcriptEntry";

type AnswerCommand = Command & { type: "ask" | "regenerate" };

interface Variables {
  /** The user when the command was sent. The session may expire before the response. */
  owner: string | undefined;
  conversationId: string;
  command: AnswerCommand;
}

/**
 * Commands that request an answer. Each creates the newest branch, which is shown unless the address names
 * another one. `shown` is the visible transcript, to which the command is applied.
 */
export function useAnswerCommands() {
  const queries = useQueryClient();
  const text = useText();
  const toast = useToast();
  const { mutate } = useMutation({
    mutationFn: ({ conversationId, command }: Variables) => sendCommand(conversationId, command),
    ...COMMAND_RETRIES,
    onSuccess: ({ version }, { conversationId, command }) => {
      update(queries, conversationId, (transcript) => accept(transcript, command.question_id));
      recordVersions(queries, [{ id: conversationId, version }]);
    },
    onError: (error, { owner, conversationId, command }) => {
      if (error instanceof SignedOut) restoreDraft(owner, conversationId, command);
      update(queries, conversationId, (transcript) => refuse(transcript, command.question_id, error));
      if (command.type !== "regenerate") return;
      toast({ text: errorMessage(error, text) });
      void queries.invalidateQueries({ queryKey: transcriptKey(conversationId) });
    },
  });
  return useMemo(() => {
    const start = (conversationId: string, transcript: Transcript, command: AnswerCommand) => {
      queries.setQueryData(transcriptKey(conversationId), transcript);
      mutate({ owner: queries.getQueryData(userQuery.queryKey)?.id, conversationId, command });
    };
    return {
      ask: (conversationId: string, shown: Transcript, words: string, choice: Choice = {}) => {
        const question = { questionId: newId(), text: words, createdAt: now(), choice };
        const transcript = ask(shown, question);
        start(conversationId, transcript, askCommand(question, transcript));
      },
      edit: (conversationId: string, shown: Transcript, edited: Message, words: string, choice: Choice = {}) => {
        const question = { questionId: newId(), text: words, createdAt: now(), choice };
        const transcript = edit(shown, edited.id, question);
        start(conversationId, transcript, askCommand(question, transcript));
      },
      regenerate: (conversationId: string, shown: Transcript, { id, parent_id }: Message, model?: string) => {
        if (!parent_id) return;
        const answer = { answerId: newId(), createdAt: now() };
        const command: AnswerCommand = {
          type: "regenerate",
          question_id: parent_id,
          answer_id: answer.answerId,
          ...(model && { model }),
        };
        start(conversationId, regenerate(shown, id, answer), command);
      },
      retry: (conversationId: string, shown: Transcript, { id, text: words }: Message) => {
        const transcript = retry(shown, id);
        start(conversationId, transcript, askCommand({ questionId: id, text: words }, transcript));
      },
      discard: (conversationId: string, { id }: Message) =>
        update(queries, conversationId, (transcript) => discard(transcript, id)),
    };
  }, [queries, mutate]);
}

/** Stops an answer in progress. Its text so far is kept. */
export function useStopAnswer(conversationId: string) {
  return useMutation({
    mutationFn: (answerId: string) => sendCommand(conversationId, { type: "stop", answer_id: answerId }),
    ...COMMAND_RETRIES,
  });
}

interface AnswerRating {
  answerId: string;
  rating: Rating;
  comment?: string;
}

/** Rates an answer. The rating is reverted if the command fails. */
export function useRateAnswer(conversationId: string) {
  const queries = useQueryClient();
  const queryKey = transcriptKeys(conversationId);
  return useMutation({
    mutationFn: ({ answerId, rating, comment }: AnswerRating) =>
      sendCommand(conversationId, { type: "rate", answer_id: answerId, rating, ...(comment && { comment }) }),
    ...COMMAND_RETRIES,
    onMutate: ({ answerId, rating }) =>
      queries.setQueriesData<Transcript>(
        { queryKey },
        (transcript) => transcript && rate(transcript, answerId, rating),
      ),
    onError: () => queries.invalidateQueries({ queryKey }),
  });
}

/** The session expired before the service received the question: its text becomes the draft again. */
function restoreDraft(owner: string | undefined, conversationId: string, command: AnswerCommand): void {
  if (!owner || command.type !== "ask") return;
  const draft = readDraft(owner, conversationId);
  saveDraft(owner, conversationId, draft ? `${command.text}\n\n${draft}` : command.text);
}

function askCommand({ questionId, text }: { questionId: string; text: string }, transcript: Transcript): AnswerCommand {
  const asked = transcript.find(({ message }) => message.id === questionId);
  const parent = asked?.message.parent_id;
  const { model, documents = [], tags = [] } = asked?.choice ?? {};
  return {
    type: "ask",
    question_id: questionId,
    text,
    ...(parent && { parent_id: parent }),
    ...(model && { model }),
    ...(documents.length > 0 && { documents: [...documents] }),
    ...(tags.length > 0 && { document_tags: [...tags] }),
  };
}

function update(queries: QueryClient, conversationId: string, change: (transcript: Transcript) => Transcript): void {
  queries.setQueryData<Transcript>(transcriptKey(conversationId), (transcript) => change(transcript ?? []));
}

function now(): string {
  return new Date().toISOString();
}
