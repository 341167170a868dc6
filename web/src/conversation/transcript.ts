// What the person does to a conversation, shown at once, and what is fetched merged into it. Pure: each function gives a
// new transcript. What a stream adds is in `hearing`.

import type { Message } from "../api/types";
import {
  blank,
  bytesOf,
  type Entry,
  entryOf,
  isBeingWritten,
  isPending,
  pendingId,
  questionOf,
  type Transcript,
} from "./entry";

export interface Asked {
  questionId: string;
  text: string;
  at: string;
}

/** Shows a question at once behind all there is, and the place where its answer will be. */
export function ask(transcript: Transcript, asked: Asked): Transcript {
  const parent = transcript.findLast(({ message }) => message.role === "assistant");
  return [...transcript, ...questionAndAnswer(asked, parent?.message.id ?? null, [])];
}

/** Asks another question in place of one; what stood from there on belongs to the other version. */
export function edit(transcript: Transcript, editedId: string, asked: Asked): Transcript {
  const at = transcript.findIndex(({ message }) => message.id === editedId);
  const edited = transcript[at]?.message;
  if (!edited) return ask(transcript, asked);
  return [...transcript.slice(0, at), ...questionAndAnswer(asked, edited.parent_id ?? null, edited.siblings)];
}

/** One more answer in place of one. */
export function regenerate(
  transcript: Transcript,
  replacedId: string,
  asked: { answerId: string; at: string },
): Transcript {
  const at = transcript.findIndex(({ message }) => message.id === replacedId);
  const replaced = transcript[at]?.message;
  if (!replaced) return transcript;
  const answer = blank({
    id: asked.answerId,
    role: "assistant",
    text: "",
    parent_id: replaced.parent_id ?? null,
    created_at: asked.at,
    siblings: [...replaced.siblings, asked.answerId],
  });
  return [...transcript.slice(0, at), entryOf(answer, "asking")];
}

/** The service keeps the question. */
export function accepted(transcript: Transcript, questionId: string): Transcript {
  return transcript.map((entry) =>
    questionOf(entry) === questionId && entry.origin === "asking" ? { ...entry, origin: "asked" } : entry,
  );
}

/** The service did not take the question. It stays in sight, so that no word is lost. */
export function refused(transcript: Transcript, questionId: string): Transcript {
  return transcript
    .filter((entry) => !(questionOf(entry) === questionId && isPending(entry)))
    .map((entry) =>
      entry.message.id === questionId && entry.origin === "asking" ? { ...entry, origin: "refused" } : entry,
    );
}

/** The same question once more, where it stands. */
export function askAgain(transcript: Transcript, questionId: string): Transcript {
  const question = transcript.find((entry) => entry.message.id === questionId && entry.origin === "refused");
  if (!question) return transcript;
  const { text, created_at, parent_id, siblings } = question.message;
  const others = siblings.filter((id) => id !== questionId);
  const again = questionAndAnswer({ questionId, text, at: created_at }, parent_id ?? null, others);
  return [...withdraw(transcript, questionId), ...again];
}

/** Takes a refused question away. */
export function withdraw(transcript: Transcript, questionId: string): Transcript {
  return transcript.filter((entry) => !(entry.message.id === questionId && entry.origin === "refused"));
}

/** Shows a judgement at once. */
export function rate(transcript: Transcript, answerId: string, rating: string): Transcript {
  return transcript.map((entry) =>
    entry.message.id === answerId ? { ...entry, message: { ...entry.message, rating } } : entry,
  );
}

/** Takes in what was fetched, without losing what is newer here. */
export function merge(transcript: Transcript, fetched: readonly Message[]): Transcript {
  const here = new Map(transcript.map((entry) => [entry.message.id, entry]));
  const merged = fetched.map((message): Entry => {
    const known = here.get(message.id);
    const newer = known && knowsMore(known, message);
    return newer ? { ...known, origin: "fetched" } : { ...entryOf(message, "fetched"), ...streamed(known, message) };
  });
  // Another version of a message that is shown is known too.
  const seen = new Set(fetched.flatMap(({ id, siblings }) => [id, ...siblings]));
  const waiting = transcript.filter((entry) => entry.origin !== "fetched" && !isSeen(entry, seen));
  return [...before(merged, waiting[0]), ...waiting];
}

/** A question that was just asked, and the place of its answer. `others` are the versions it stands beside. */
function questionAndAnswer({ questionId, text, at }: Asked, parent: string | null, others: readonly string[]): Entry[] {
  const siblings = [...others, questionId];
  const question = blank({ id: questionId, role: "user", text, parent_id: parent, created_at: at, siblings });
  const answer = blank({
    id: pendingId(questionId),
    role: "assistant",
    text: "",
    parent_id: questionId,
    created_at: at,
  });
  return [entryOf(question, "asking"), entryOf(answer, "asking")];
}

/** Whether what was fetched has this entry, or the answer that took the place of it. */
function isSeen(entry: Entry, seen: ReadonlySet<string>): boolean {
  return seen.has(entry.message.id) || (isPending(entry) && seen.has(questionOf(entry)));
}

/** What of a fetched branch stands before an entry that is not in it yet. */
function before(merged: Entry[], next: Entry | undefined): Entry[] {
  if (!next) return merged;
  const parent = next.message.parent_id;
  if (!parent) return [];
  const at = merged.findIndex(({ message }) => message.id === parent);
  return at === -1 ? merged : merged.slice(0, at + 1);
}

/** The passages found are known to the stream alone. */
function streamed(known: Entry | undefined, fetched: Message): Partial<Entry> {
  return known && fetched.citations.length === 0 ? { sources: known.sources } : {};
}

/** Whether what is here is further than what was fetched: ended, or with more of the text. */
function knowsMore(known: Entry, fetched: Message): boolean {
  const unfinished = fetched.status === "requested" || fetched.status === "streaming";
  return unfinished && (!isBeingWritten(known) || known.bytes >= bytesOf(fetched.text));
}
