// Changes of a transcript by the user, shown at once, and the merge with fetched messages. Pure. Events of a
// stream are applied by `applyEvent`.

import type { Message, Rating } from "../api/types";
import {
  byteLength,
  type Choice,
  isInProgress,
  isPending,
  newMessage,
  pendingId,
  questionIdOf,
  type Transcript,
  type TranscriptEntry,
  transcriptEntry,
} from "./transcriptEntry";

export interface NewQuestion {
  questionId: string;
  text: string;
  createdAt: string;
  choice?: Choice | undefined;
}

export interface NewAnswer {
  answerId: string;
  createdAt: string;
}

/** Appends a question and its pending answer. */
export function ask(transcript: Transcript, question: NewQuestion): Transcript {
  const parent = transcript.findLast(({ message }) => message.role === "assistant");
  return [...transcript, ...questionAndAnswer(question, parent?.message.id ?? null, [])];
}

/** Replaces a question by a new version. The entries after it belong to the branch of the old version. */
export function edit(transcript: Transcript, editedId: string, question: NewQuestion): Transcript {
  const index = transcript.findIndex(({ message }) => message.id === editedId);
  const edited = transcript[index]?.message;
  if (!edited) return ask(transcript, question);
  return [...transcript.slice(0, index), ...questionAndAnswer(question, edited.parent_id ?? null, edited.siblings)];
}

/** Replaces an answer by a new version. The entries after it belong to the branch of the old version. */
export function regenerate(transcript: Transcript, replacedId: string, answer: NewAnswer): Transcript {
  const index = transcript.findIndex(({ message }) => message.id === replacedId);
  const replaced = transcript[index]?.message;
  if (!replaced) return transcript;
  const message = newMessage({
    id: answer.answerId,
    role: "assistant",
    text: "",
    parent_id: replaced.parent_id ?? null,
    created_at: answer.createdAt,
    siblings: [...replaced.siblings, answer.answerId],
  });
  return [...transcript.slice(0, index), transcriptEntry(message, "sending")];
}

/** The service accepted the command with the question. */
export function accept(transcript: Transcript, questionId: string): Transcript {
  return transcript.map((entry) =>
    questionIdOf(entry) === questionId && entry.origin === "sending" ? { ...entry, origin: "accepted" } : entry,
  );
}

/**
 * The service refused the command with the question. The question stays visible, so that its text
 * is not lost.
 */
export function refuse(transcript: Transcript, questionId: string, refusal: Error): Transcript {
  return transcript
    .filter((entry) => !(questionIdOf(entry) === questionId && isPending(entry)))
    .map((entry) =>
      entry.message.id === questionId && entry.origin === "sending" ? { ...entry, origin: "refused", refusal } : entry,
    );
}

/** Sends a refused question again. */
export function retry(transcript: Transcript, questionId: string): Transcript {
  const question = transcript.find((entry) => entry.message.id === questionId && entry.origin === "refused");
  if (!question) return transcript;
  const { choice } = question;
  const { text, created_at, parent_id, siblings } = question.message;
  const others = siblings.filter((id) => id !== questionId);
  const again = questionAndAnswer({ questionId, text, createdAt: created_at, choice }, parent_id ?? null, others);
  return [...discard(transcript, questionId), ...again];
}

/** Removes a refused question. */
export function discard(transcript: Transcript, questionId: string): Transcript {
  return transcript.filter((entry) => !(entry.message.id === questionId && entry.origin === "refused"));
}

export function rate(transcript: Transcript, answerId: string, rating: Rating): Transcript {
  return transcript.map((entry) =>
    entry.message.id === answerId ? { ...entry, message: { ...entry.message, rating } } : entry,
  );
}

/** Merges fetched messages into a transcript, keeping what the transcript knows and the fetch does not. */
export function merge(transcript: Transcript, fetched: readonly Message[]): Transcript {
  const known = new Map(transcript.map((entry) => [entry.message.id, entry]));
  const merged = fetched.map((message) => mergeMessage(known.get(message.id), message));
  // A sibling of a fetched message is known to the service too.
  const fetchedIds = new Set(fetched.flatMap(({ id, siblings }) => [id, ...siblings]));
  const unfetched = transcript.filter((entry) => entry.origin !== "fetched" && !isFetched(entry, fetchedIds));
  return [...upToParent(merged, unfetched[0]), ...unfetched];
}

function mergeMessage(known: TranscriptEntry | undefined, message: Message): TranscriptEntry {
  if (known && isAhead(known, message)) return { ...known, origin: "fetched" };
  const entry = transcriptEntry(message, "fetched");
  // Only the stream reports the retrieved passages of an answer in progress.
  return known && message.citations.length === 0 ? { ...entry, sources: known.sources } : entry;
}

/** Whether the entry is further than the fetched message: it has ended, or has more text. */
function isAhead(known: TranscriptEntry, fetched: Message): boolean {
  if (!isInProgress({ message: fetched })) return false;
  return !isInProgress(known) || known.bytes >= byteLength(fetched.text);
}

/** Whether the fetch returned the entry, or the answer that a pending entry stands for. */
function isFetched(entry: TranscriptEntry, fetchedIds: ReadonlySet<string>): boolean {
  return fetchedIds.has(entry.message.id) || (isPending(entry) && fetchedIds.has(questionIdOf(entry)));
}

/** The entries up to the parent of an entry that was not fetched: it replaces those after its parent. */
function upToParent(merged: TranscriptEntry[], unfetched: TranscriptEntry | undefined): TranscriptEntry[] {
  if (!unfetched) return merged;
  const parent = unfetched.message.parent_id;
  if (!parent) return [];
  const index = merged.findIndex(({ message }) => message.id === parent);
  return index === -1 ? merged : merged.slice(0, index + 1);
}

/** The fields of a message that tell what a question named. */
function namedBy({ documents = [], tags = [] }: Choice = {}): Partial<Message> {
  if (tags.length > 0) return { document_tags: [...tags], named_documents: [...documents] };
  return documents.length > 0 ? { documents: [...documents] } : {};
}

/** A new question and its pending answer. `others` are the question's other versions. */
function questionAndAnswer(question: NewQuestion, parent: string | null, others: readonly string[]): TranscriptEntry[] {
  const { questionId, text, createdAt, choice } = question;
  const asked = newMessage({
    id: questionId,
    role: "user",
    text,
    parent_id: parent,
    created_at: createdAt,
    siblings: [...others, questionId],
    ...namedBy(choice),
  });
  const answer = newMessage({
    id: pendingId(questionId),
    role: "assistant",
    text: "",
    parent_id: questionId,
    created_at: createdAt,
  });
  return [{ ...transcriptEntry(asked, "sending"), choice }, transcriptEntry(answer, "sending")];
}
