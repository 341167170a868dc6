// Applies events of a stream to a transcript. Pure and idempotent: applying an event twice changes nothing.

import type { AnswerDelta, AnswerStarted, Message } from "../api/types";
import type { AnswerEvent } from "../stream/events";
import {
  byteLength,
  isInProgress,
  isPending,
  newMessage,
  type Transcript,
  type TranscriptEntry,
  transcriptEntry,
} from "./transcriptEntry";

export interface Applied {
  transcript: Transcript;
  /**
   * Missing data without which the event cannot be applied: earlier `text` of the answer, or the `parent`.
   */
  missing?: "text" | "parent";
}

export interface BatchApplied {
  transcript: Transcript;
  /** Text of an answer is missing: the stream has to be read from its beginning. */
  isTextMissing: boolean;
  /** Ids of the messages whose parents are missing: the transcript has to be fetched. */
  orphans: string[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function applyEvent(transcript: Transcript, event: AnswerEvent): Applied {
  switch (event.event) {
    case "question":
    case "answer.completed":
    case "answer.stopped":
    case "answer.failed":
      return applyMessage(transcript, event.data);
    case "answer.started":
      return applyStart(transcript, event.data);
    case "answer.sources": {
      const { sources } = event.data;
      return changeAnswer(transcript, event.data, (entry) => ({ entry: { ...entry, sources } }));
    }
    case "answer.reasoning": {
      const delta = event.data;
      return changeAnswer(transcript, delta, (entry) => applyReasoning(entry, delta));
    }
    case "answer.delta": {
      const delta = event.data;
      return changeAnswer(transcript, delta, (entry) => applyDelta(entry, delta));
    }
  }
}

/**
 * Applies several events. If `knownOnly` is set, events of messages that are not in the
 * transcript are ignored.
 */
export function applyEvents(transcript: Transcript, events: readonly AnswerEvent[], knownOnly: boolean): BatchApplied {
  const result: BatchApplied = { transcript, isTextMissing: false, orphans: [] };
  for (const event of events) {
    const id = messageIdOf(event);
    if (knownOnly && !result.transcript.some((entry) => entry.message.id === id || isPending(entry))) continue;
    const applied = applyEvent(result.transcript, event);
    result.transcript = applied.transcript;
    if (applied.missing === "parent") result.orphans.push(id);
    if (applied.missing === "text") result.isTextMissing = true;
  }
  return result;
}

function messageIdOf({ data }: AnswerEvent): string {
  return "answer_id" in data ? data.answer_id : data.id;
}

function applyStart(transcript: Transcript, started: AnswerStarted): Applied {
  const { answer_id, question_id, attempt, from } = started;
  const known = transcript.find(({ message }) => message.id === answer_id);
  if (known) {
    // A stream that begins anew sends the text of the same attempt again.
    if (!isInProgress(known) || attempt < known.attempt) return { transcript };
    return { transcript: replace(transcript, known, restart(known, attempt, from)) };
  }
  const question = transcript.find(({ message }) => message.id === question_id)?.message;
  if (!question) return { transcript, missing: "parent" };
  const message = newMessage({
    id: answer_id,
    role: "assistant",
    text: "",
    parent_id: question_id,
    created_at: question.created_at,
  });
  return insert(transcript, { ...transcriptEntry({ ...message, status: "streaming" }, "accepted"), attempt });
}

/** Changes the answer of an event. Ignores events of earlier attempts and of answers that have ended. */
function changeAnswer(
  transcript: Transcript,
  { answer_id, attempt }: { answer_id: string; attempt: number },
  change: (entry: TranscriptEntry) => Changed,
): Applied {
  const known = transcript.find(({ message }) => message.id === answer_id);
  if (!known) return { transcript, missing: "parent" };
  if (!isInProgress(known) || attempt < known.attempt) return { transcript };
  const current = known.attempt === attempt ? known : restart(known, attempt, 0);
  const { entry, isGap } = change({ ...current, message: { ...current.message, status: "streaming" } });
  const changed = replace(transcript, known, entry);
  return isGap ? { transcript: changed, missing: "text" } : { transcript: changed };
}

/** Keeps the first `from` bytes of the text, and with them their sources. */
function restart(entry: TranscriptEntry, attempt: number, from: number): TranscriptEntry {
  const text = from === 0 ? "" : firstBytes(entry.message.text, from);
  const known = entry.message;
  const message: Message = { ...known, status: "streaming", text, ...(known.reasoning && { reasoning: "" }) };
  const sources = from === 0 ? [] : entry.sources;
  return { ...entry, attempt, bytes: Math.min(from, entry.bytes), reasoningBytes: 0, sources, message };
}

type Changed = { entry: TranscriptEntry; isGap?: boolean };

function applyDelta(entry: TranscriptEntry, delta: AnswerDelta): Changed {
  const grown = append(entry.message.text, entry.bytes, delta);
  if (!grown) return { entry, isGap: true };
  return { entry: { ...entry, bytes: grown.bytes, message: { ...entry.message, text: grown.text } } };
}

function applyReasoning(entry: TranscriptEntry, delta: AnswerDelta): Changed {
  const grown = append(entry.message.reasoning ?? "", entry.reasoningBytes, delta);
  if (!grown) return { entry, isGap: true };
  return { entry: { ...entry, reasoningBytes: grown.bytes, message: { ...entry.message, reasoning: grown.text } } };
}

/** Adds a text at its offset. Skips what is known already. Undefined if there is a gap before it. */
function append(known: string, bytes: number, { offset, text }: AnswerDelta) {
  if (offset > bytes) return undefined;
  const end = offset + byteLength(text);
  if (end <= bytes) return { text: known, bytes };
  return { text: (offset === bytes ? known : firstBytes(known, offset)) + text, bytes: end };
}

function firstBytes(text: string, count: number): string {
  return decoder.decode(encoder.encode(text).subarray(0, count));
}

/** Replaces a known message, or inserts a new one. */
function applyMessage(transcript: Transcript, message: Message): Applied {
  const known = transcript.find((entry) => entry.message.id === message.id);
  if (!known) return insert(transcript, transcriptEntry(message, "accepted"));
  const { attempt, sources } = known;
  const origin = known.origin === "fetched" ? "fetched" : "accepted";
  return { transcript: replace(transcript, known, { ...transcriptEntry(message, origin), attempt, sources }) };
}

function replace(transcript: Transcript, known: TranscriptEntry, entry: TranscriptEntry): Transcript {
  return transcript.map((other) => (other === known ? entry : other));
}

/** Inserts an answer in place of another answer to the same question, or appends a message to its parent. */
function insert(transcript: Transcript, entry: TranscriptEntry): Applied {
  const { role, parent_id } = entry.message;
  const rival = transcript.find(({ message }) => message.role === role && message.parent_id === parent_id);
  if (role === "assistant" && rival) return { transcript: replaceRival(transcript, rival, entry) };
  const last = transcript.at(-1)?.message.id ?? null;
  return (parent_id ?? null) === last ? { transcript: [...transcript, entry] } : { transcript, missing: "parent" };
}

/** An answer that has ended stays as another version, and what follows it belongs to its branch. */
function replaceRival(transcript: Transcript, rival: TranscriptEntry, entry: TranscriptEntry): Transcript {
  const hasEnded = rival.origin === "fetched" && !isInProgress(rival);
  if (!hasEnded) {
    return replace(transcript, rival, { ...entry, origin: rival.origin === "sending" ? "accepted" : rival.origin });
  }
  const known = entry.message.siblings;
  const siblings = known.length > 1 ? known : [...rival.message.siblings, entry.message.id];
  return [...transcript.slice(0, transcript.indexOf(rival)), { ...entry, message: { ...entry.message, siblings } }];
}
