// A conversation as the page shows it: what was fetched, what was just asked here, and what a stream adds while an
// answer is being written. Pure: each function gives a new transcript, and repeating an event changes nothing.

import type { Citation, Message } from "../api/types";
import type { AnswerEvent } from "../stream/events";

export interface Entry {
  readonly message: Message;
  /** The attempt the text is of; a higher one voids it. 0 when it was fetched rather than streamed. */
  readonly attempt: number;
  /** The text's length in UTF-8, which is what the stream counts in. */
  readonly bytes: number;
  /** The passages found, known before the first word. */
  readonly sources: readonly Citation[];
  /**
   * `asking` until the service has said that the question is kept, or `refused` it; `asked` until it is seen in what was
   * fetched.
   */
  readonly origin: "asking" | "refused" | "asked" | "fetched";
}

export type Transcript = readonly Entry[];

export interface Heard {
  transcript: Transcript;
  /** Something was missed: text in the middle (`text`), or the question that is answered (`question`). */
  missing?: "text" | "question";
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The id an answer has here until the service gives it one. */
const PENDING = "pending:";

export function isPending(entry: Entry): boolean {
  return entry.message.id.startsWith(PENDING);
}

export function isBeingWritten({ message }: Entry): boolean {
  return message.status === "requested" || message.status === "streaming";
}

/** The answer that the service is writing or about to write, if there is one. */
export function answerInProgress(transcript: Transcript): Entry | undefined {
  return transcript.findLast(
    (entry) => entry.origin !== "asking" && entry.message.role === "assistant" && isBeingWritten(entry),
  );
}

/** Shows a question at once, and the place where its answer will be. */
export function ask(transcript: Transcript, asked: { questionId: string; text: string; at: string }): Transcript {
  const { questionId, text, at } = asked;
  const parent = transcript.findLast(({ message }) => message.role === "assistant");
  const question = blank({ id: questionId, role: "user", text, parent_id: parent?.message.id ?? null, created_at: at });
  const answer = blank({
    id: PENDING + questionId,
    role: "assistant",
    text: "",
    parent_id: questionId,
    created_at: at,
  });
  return [...transcript, entryOf(question, "asking"), entryOf({ ...answer, status: "requested" }, "asking")];
}

/** The service keeps the question. */
export function accepted(transcript: Transcript, questionId: string): Transcript {
  return transcript.map((entry) =>
    belongsTo(entry, questionId) && entry.origin === "asking" ? { ...entry, origin: "asked" } : entry,
  );
}

/** The service did not take the question. It stays in sight, so that no word is lost. */
export function refused(transcript: Transcript, questionId: string): Transcript {
  return transcript
    .filter((entry) => !(belongsTo(entry, questionId) && isPending(entry)))
    .map((entry) =>
      entry.message.id === questionId && entry.origin === "asking" ? { ...entry, origin: "refused" } : entry,
    );
}

/** The same question once more. */
export function askAgain(transcript: Transcript, questionId: string): Transcript {
  const question = transcript.find((entry) => entry.message.id === questionId && entry.origin === "refused");
  if (!question) return transcript;
  const { text, created_at } = question.message;
  return ask(withdraw(transcript, questionId), { questionId, text, at: created_at });
}

/** Takes a refused question away. */
export function withdraw(transcript: Transcript, questionId: string): Transcript {
  return transcript.filter((entry) => !(entry.message.id === questionId && entry.origin === "refused"));
}

/** Takes in what was fetched, without losing what is newer here. */
export function merge(transcript: Transcript, fetched: readonly Message[]): Transcript {
  const here = new Map(transcript.map((entry) => [entry.message.id, entry]));
  const merged = fetched.map((message): Entry => {
    const known = here.get(message.id);
    const newer = known && knowsMore(known, message);
    return newer ? { ...known, origin: "fetched" } : entryOf(message, "fetched");
  });
  const seen = new Set(fetched.map(({ id }) => id));
  const waiting = transcript.filter((entry) => entry.origin !== "fetched" && !seen.has(questionOf(entry)));
  return [...merged, ...waiting];
}

/** Takes in an event of the conversation's stream. */
export function hear(transcript: Transcript, event: AnswerEvent): Heard {
  switch (event.type) {
    case "question":
      return { transcript: put(transcript, event.message) };
    case "ended":
      return { transcript: put(transcript, event.message) };
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
  if (!question) return { transcript, missing: "question" };
  const message = blank({
    id: answerId,
    role: "assistant",
    text: "",
    parent_id: questionId,
    created_at: question.message.created_at,
  });
  const entry: Entry = { ...entryOf({ ...message, status: "streaming" }, "asked"), attempt };
  return { transcript: place(transcript, entry) };
}

/** Changes the answer an event is about, unless the event is of a voided attempt or the answer has ended. */
function change(
  transcript: Transcript,
  event: { answerId: string; attempt: number },
  to: (entry: Entry) => { entry: Entry; gap?: boolean },
): Heard {
  const known = transcript.find(({ message }) => message.id === event.answerId);
  if (!known) return { transcript, missing: "question" };
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
  const end = offset + encoder.encode(text).length;
  if (end <= entry.bytes) return { entry };
  const before = offset === entry.bytes ? entry.message.text : firstBytes(entry.message.text, offset);
  return { entry: { ...entry, bytes: end, message: { ...entry.message, text: before + text } } };
}

function firstBytes(text: string, count: number): string {
  return decoder.decode(encoder.encode(text).subarray(0, count));
}

/** Puts a whole message in the place it has, or at the place it belongs. */
function put(transcript: Transcript, message: Message): Transcript {
  const known = transcript.find((entry) => entry.message.id === message.id);
  const entry = {
    ...entryOf(message, known?.origin ?? "asked"),
    ...(known && { attempt: known.attempt, sources: known.sources }),
  };
  return known ? transcript.map((other) => (other === known ? entry : other)) : place(transcript, entry);
}

/** An answer takes the place of what stands as answer to the same question; all else comes last. */
function place(transcript: Transcript, entry: Entry): Transcript {
  const { role, parent_id } = entry.message;
  const rival = transcript.find(({ message }) => message.role === role && message.parent_id === parent_id);
  if (role !== "assistant" || !rival) return [...transcript, entry];
  return transcript.map((other) => (other === rival ? { ...entry, origin: other.origin } : other));
}

/** Whether what is here is further than what was fetched: ended, or with more of the text. */
function knowsMore(known: Entry, fetched: Message): boolean {
  const unfinished = fetched.status === "requested" || fetched.status === "streaming";
  return unfinished && (!isBeingWritten(known) || known.bytes >= encoder.encode(fetched.text).length);
}

function belongsTo(entry: Entry, questionId: string): boolean {
  return questionOf(entry) === questionId;
}

function questionOf({ message }: Entry): string {
  return message.role === "user" ? message.id : (message.parent_id ?? message.id);
}

function entryOf(message: Message, origin: Entry["origin"]): Entry {
  return { message, attempt: 0, bytes: encoder.encode(message.text).length, sources: message.citations, origin };
}

type Known = Pick<Message, "id" | "role" | "text" | "parent_id" | "created_at">;

/** A message of which no more is known yet. */
function blank(known: Known): Message {
  return {
    ...known,
    status: "completed",
    siblings: [known.id],
    citations: [],
    model: null,
    quoted: false,
    usage: null,
    rating: "none",
  };
}
