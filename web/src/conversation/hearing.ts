// What a stream adds to a conversation while an answer is being written. Pure: each event gives a new transcript, and
// repeating one changes nothing.

import type { Message } from "../api/types";
import type { AnswerEvent } from "../stream/events";
import { blank, bytesOf, type Entry, entryOf, isBeingWritten, type Transcript } from "./entry";

export interface Heard {
  transcript: Transcript;
  /** Something was missed: text in the middle (`text`), or the place it belongs to (`place`). */
  missing?: "text" | "place";
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Takes in an event of the conversation's stream. */
export function hear(transcript: Transcript, event: AnswerEvent): Heard {
  switch (event.type) {
    case "question":
    case "ended":
      return put(transcript, event.message);
    case "started":
      return started(transcript, event);
    case "sources":
      return change(transcript, event, (entry) => ({ entry: { ...entry, sources: event.sources } }));
    case "delta":
      return change(transcript, event, (entry) => written(entry, event.offset, event.text));
  }
}

function started(transcript: Transcript, event: AnswerEvent & { type: "started" }): Heard {
  const { answerId, questionId, attempt } = event;
  if (transcript.some(({ message }) => message.id === answerId)) {
    return change(transcript, event, (entry) => ({ entry }));
  }
  const question = transcript.find(({ message }) => message.id === questionId);
  if (!question) return { transcript, missing: "place" };
  const message = blank({
    id: answerId,
    role: "assistant",
    text: "",
    parent_id: questionId,
    created_at: question.message.created_at,
  });
  const entry: Entry = { ...entryOf({ ...message, status: "streaming" }, "asked"), attempt };
  return place(transcript, entry);
}

/** Changes the answer an event is about, unless the event is of a voided attempt or the answer has ended. */
function change(
  transcript: Transcript,
  event: { answerId: string; attempt: number },
  to: (entry: Entry) => { entry: Entry; gap?: boolean },
): Heard {
  const known = transcript.find(({ message }) => message.id === event.answerId);
  if (!known) return { transcript, missing: "place" };
  if (!isBeingWritten(known) || event.attempt < known.attempt) return { transcript };
  const current = known.attempt === event.attempt ? known : restarted(known, event.attempt);
  const { entry, gap } = to({ ...current, message: { ...current.message, status: "streaming" } });
  const changed = transcript.map((other) => (other === known ? entry : other));
  return gap ? { transcript: changed, missing: "text" } : { transcript: changed };
}

function restarted(entry: Entry, attempt: number): Entry {
  return { ...entry, attempt, bytes: 0, sources: [], message: { ...entry.message, text: "" } };
}

/** Adds text at an offset; what is there already is not added twice, and nothing is added behind a gap. */
function written(entry: Entry, offset: number, text: string): { entry: Entry; gap?: boolean } {
  if (offset > entry.bytes) return { entry, gap: true };
  const end = offset + bytesOf(text);
  if (end <= entry.bytes) return { entry };
  const before = offset === entry.bytes ? entry.message.text : firstBytes(entry.message.text, offset);
  return { entry: { ...entry, bytes: end, message: { ...entry.message, text: before + text } } };
}

function firstBytes(text: string, count: number): string {
  return decoder.decode(encoder.encode(text).subarray(0, count));
}

/** Puts a whole message in the place it has, or at the place it belongs. */
function put(transcript: Transcript, message: Message): Heard {
  const known = transcript.find((entry) => entry.message.id === message.id);
  if (!known) return place(transcript, entryOf(message, "asked"));
  const { attempt, sources } = known;
  const entry = { ...entryOf(message, known.origin === "fetched" ? "fetched" : "asked"), attempt, sources };
  return { transcript: transcript.map((other) => (other === known ? entry : other)) };
}

/** An answer takes the place of what stands as answer to the same question; a question follows the answer it names. */
function place(transcript: Transcript, entry: Entry): Heard {
  const { id, role, parent_id } = entry.message;
  const rival = transcript.findIndex(({ message }) => message.role === role && message.parent_id === parent_id);
  const other = transcript[rival];
  if (role === "assistant" && other) {
    const before = transcript.slice(0, rival);
    const ended = other.origin === "fetched" && !isBeingWritten(other);
    if (!ended)
      return {
        transcript: [
          ...before,
          { ...entry, origin: other.origin === "asking" ? "asked" : other.origin },
          ...transcript.slice(rival + 1),
        ],
      };
    const siblings = entry.message.siblings.length > 1 ? entry.message.siblings : [...other.message.siblings, id];
    return { transcript: [...before, { ...entry, message: { ...entry.message, siblings } }] };
  }
  const last = transcript.at(-1)?.message.id ?? null;
  return (parent_id ?? null) === last ? { transcript: [...transcript, entry] } : { transcript, missing: "place" };
}
