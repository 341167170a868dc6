// What a person can do in a conversation: each command goes out with ids made here, so that sending it again is safe, and
// its effect is shown at once.

import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { session } from "../account/session";
import { api, dataOf } from "../api/client";
import { newId } from "../api/ids";
import { mayPass, SignedOut } from "../api/problem";
import type { Command, Message } from "../api/types";
import { draftOf, keepDraft } from "./drafts";
import type { Transcript } from "./entry";
import { transcriptKey } from "./queries";
import { accepted, ask, askAgain, edit, rate, refused, regenerate, withdraw } from "./transcript";
import { keepNewer } from "./versions";

const COMMAND_TRIES = 4;

export const persistently = (failures: number, error: Error) => failures < COMMAND_TRIES && mayPass(error);

export function send(conversationId: string, command: Command) {
  const params = { path: { conversation_id: conversationId } };
  return dataOf(api.POST("/v1/conversations/{conversation_id}/commands", { params, body: command }));
}

type Asking = Command & { type: "ask" | "regenerate" };

interface Sending {
  owner: string | undefined;
  conversationId: string;
  command: Asking;
}

/**
 * Asks, edits and regenerates. Each makes the newest branch, which is the one shown when no other is asked for; `shown` is
 * what it is made from.
 */
export function useAsking() {
  const queries = useQueryClient();
  const { mutate } = useMutation({
    mutationFn: ({ conversationId, command }: Sending) => send(conversationId, command),
    retry: persistently,
    onSuccess: ({ version }, { conversationId, command }) => {
      change(queries, conversationId, (transcript) => accepted(transcript, command.question_id));
      keepNewer(queries, [{ id: conversationId, version }]);
    },
    onError: (error, { owner, conversationId, command }) => {
      if (error instanceof SignedOut) keepForLater(owner, conversationId, command);
      change(queries, conversationId, (transcript) => refused(transcript, command.question_id));
      if (command.type === "regenerate") void queries.invalidateQueries({ queryKey: transcriptKey(conversationId) });
    },
  });
  return useMemo(() => {
    const begin = (conversationId: string, transcript: Transcript, command: Asking) => {
      queries.setQueryData(transcriptKey(conversationId), transcript);
      // Asked for now: when the session ends under it, nobody knows any more whose it was.
      mutate({ owner: queries.getQueryData(session.queryKey)?.id, conversationId, command });
    };
    return {
      ask: (conversationId: string, shown: Transcript, text: string) => {
        const asked = { questionId: newId(), text, at: now() };
        const transcript = ask(shown, asked);
        begin(conversationId, transcript, askCommand(asked, transcript));
      },
      edit: (conversationId: string, shown: Transcript, edited: Message, text: string) => {
        const asked = { questionId: newId(), text, at: now() };
        const transcript = edit(shown, edited.id, asked);
        begin(conversationId, transcript, askCommand(asked, transcript));
      },
      regenerate: (conversationId: string, shown: Transcript, { id, parent_id }: Message) => {
        if (!parent_id) return;
        const answerId = newId();
        const command: Asking = { type: "regenerate", question_id: parent_id, answer_id: answerId };
        begin(conversationId, regenerate(shown, id, { answerId, at: now() }), command);
      },
      askAgain: (conversationId: string, shown: Transcript, { id, text }: Message) => {
        const transcript = askAgain(shown, id);
        begin(conversationId, transcript, askCommand({ questionId: id, text }, transcript));
      },
      withdraw: (conversationId: string, { id }: Message) =>
        change(queries, conversationId, (transcript) => withdraw(transcript, id)),
    };
  }, [queries, mutate]);
}

/** Ends an answer that is being written; what was written so far stays. */
export function useStopping(conversationId: string) {
  return useMutation({
    mutationFn: (answerId: string) => send(conversationId, { type: "stop", answer_id: answerId }),
    retry: persistently,
  });
}

/** Judges an answer; a judgement that did not arrive is taken back. */
export function useRating(conversationId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ answerId, rating, comment }: { answerId: string; rating: string; comment?: string }) =>
      send(conversationId, { type: "rate", answer_id: answerId, rating, ...(comment && { comment }) }),
    retry: persistently,
    onMutate: ({ answerId, rating }) =>
      queries.setQueriesData<Transcript>(
        { queryKey: transcriptKey(conversationId).slice(0, 2) },
        (transcript) => transcript && rate(transcript, answerId, rating),
      ),
    onError: () => queries.invalidateQueries({ queryKey: transcriptKey(conversationId).slice(0, 2) }),
  });
}

/** The session ended under a question: its words go back to where they were written. */
function keepForLater(owner: string | undefined, conversationId: string, command: Asking): void {
  if (!owner || command.type !== "ask") return;
  const draft = draftOf(owner, conversationId);
  keepDraft(owner, conversationId, draft ? `${command.text}\n\n${draft}` : command.text);
}

function askCommand({ questionId, text }: { questionId: string; text: string }, transcript: Transcript) {
  const parent = transcript.find(({ message }) => message.id === questionId)?.message.parent_id;
  return { type: "ask" as const, question_id: questionId, text, ...(parent && { parent_id: parent }) };
}

function change(queries: QueryClient, conversationId: string, to: (transcript: Transcript) => Transcript): void {
  queries.setQueryData<Transcript>(transcriptKey(conversationId), (transcript) => to(transcript ?? []));
}

function now(): string {
  return new Date().toISOString();
}
