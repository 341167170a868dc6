// A conversation's messages in the query cache: fetched, asked, and followed while an answer is being written.

import { type QueryClient, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import { api, dataOf, openStream } from "../api/client";
import { newId } from "../api/ids";
import { mayPass } from "../api/problem";
import type { Command, Message, MessagePage } from "../api/types";
import { meaningOf } from "../stream/events";
import { follow } from "../stream/follow";
import { accepted, ask, askAgain, hear, merge, refused, type Transcript, withdraw } from "./transcript";

const PAGE = 100;
const FRESH_MS = 30_000;
const COMMAND_TRIES = 4;

const transcriptKey = (conversationId: string) => ["transcript", conversationId] as const;
const versionKey = (conversationId: string) => ["version", conversationId] as const;

/** The branch that is shown, oldest message first. */
export function transcriptOf(conversationId: string) {
  return queryOptions({
    queryKey: transcriptKey(conversationId),
    staleTime: FRESH_MS,
    queryFn: async ({ client, signal }): Promise<Transcript> => {
      const messages = await fetchMessages(conversationId, client.getQueryData(versionKey(conversationId)), signal);
      return merge(client.getQueryData<Transcript>(transcriptKey(conversationId)) ?? [], messages);
    },
  });
}

/** Notes how far the conversation is, so that a fetch waits for it; fetches again what is older than that. */
export function noteVersion(queries: QueryClient, conversationId: string, version: number): void {
  const known = queries.getQueryData<number>(versionKey(conversationId)) ?? 0;
  if (version <= known) return;
  queries.setQueryData(versionKey(conversationId), version);
  const transcript = queries.getQueryData<Transcript>(transcriptKey(conversationId));
  if (transcript) void queries.invalidateQueries({ queryKey: transcriptKey(conversationId) });
}

/** Asks, and asks again what was refused. The question is shown at once. */
export function useAsking() {
  const queries = useQueryClient();
  const { mutate } = useMutation({
    mutationFn: ({ conversationId, command }: { conversationId: string; command: AskCommand }) =>
      send(conversationId, command),
    retry: (failures, error) => failures < COMMAND_TRIES && mayPass(error),
    onSuccess: ({ version }, { conversationId, command }) => {
      change(queries, conversationId, (transcript) => accepted(transcript, command.question_id));
      queries.setQueryData(versionKey(conversationId), version);
    },
    onError: (_, { conversationId, command }) =>
      change(queries, conversationId, (transcript) => refused(transcript, command.question_id)),
  });
  return useMemo(
    () => ({
      ask: (conversationId: string, text: string) => {
        const asked = { questionId: newId(), text, at: new Date().toISOString() };
        change(queries, conversationId, (transcript) => ask(transcript, asked));
        mutate({ conversationId, command: { type: "ask", question_id: asked.questionId, text } });
      },
      askAgain: (conversationId: string, { id, text }: Message) => {
        change(queries, conversationId, (transcript) => askAgain(transcript, id));
        mutate({ conversationId, command: { type: "ask", question_id: id, text } });
      },
      withdraw: (conversationId: string, { id }: Message) =>
        change(queries, conversationId, (transcript) => withdraw(transcript, id)),
    }),
    [queries, mutate],
  );
}

/** Ends an answer that is being written; what was written so far stays. */
export function useStopping(conversationId: string) {
  return useMutation({
    mutationFn: (answerId: string) => send(conversationId, { type: "stop", answer_id: answerId }),
    retry: (failures, error) => failures < COMMAND_TRIES && mayPass(error),
  });
}

/** Follows the conversation's stream while `following`, which is while an answer is being written. */
export function useFollowing(conversationId: string, following: boolean): void {
  const queries = useQueryClient();
  const fetchAgain = useCallback(
    () => queries.invalidateQueries({ queryKey: transcriptKey(conversationId) }),
    [queries, conversationId],
  );
  useEffect(() => {
    if (!following) return;
    const stop = new AbortController();
    follow({
      signal: stop.signal,
      open: (lastEventId, signal) => openStream(`/v1/conversations/${conversationId}/stream`, lastEventId, signal),
      onEvent: (wire) => {
        const event = meaningOf(wire);
        if (!event || event.type === "row" || event.type === "gone") return;
        const heard = hear(queries.getQueryData<Transcript>(transcriptKey(conversationId)) ?? [], event);
        queries.setQueryData(transcriptKey(conversationId), heard.transcript);
        if (heard.missing === "question") void fetchAgain();
        return heard.missing === "text" ? "restart" : undefined;
      },
    }).catch(fetchAgain);
    return () => stop.abort();
  }, [queries, conversationId, following, fetchAgain]);
}

type AskCommand = Command & { type: "ask" };

function send(conversationId: string, command: Command) {
  const params = { path: { conversation_id: conversationId } };
  return dataOf(api.POST("/v1/conversations/{conversation_id}/commands", { params, body: command }));
}

async function fetchMessages(
  conversationId: string,
  minVersion: number | undefined,
  signal: AbortSignal,
): Promise<Message[]> {
  const messages: Message[] = [];
  let cursor: string | null | undefined;
  do {
    const query: { limit: number; cursor?: string; min_version?: number } = {
      limit: PAGE,
      ...(cursor && { cursor }),
      ...(minVersion && { min_version: minVersion }),
    };
    const params = { path: { conversation_id: conversationId }, query };
    const page: MessagePage = await dataOf(api.GET("/v1/conversations/{conversation_id}/messages", { params, signal }));
    messages.push(...(page.items as Message[]));
    cursor = page.next_cursor;
  } while (cursor);
  return messages;
}

function change(queries: QueryClient, conversationId: string, to: (transcript: Transcript) => Transcript): void {
  queries.setQueryData<Transcript>(transcriptKey(conversationId), (transcript) => to(transcript ?? []));
}
