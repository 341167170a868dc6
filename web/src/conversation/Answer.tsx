// One answer: what it is waiting for, its text as it arrives, and the sources it stands on.

import { ChevronRight, CircleStop, Quote } from "lucide-react";
import { lazy, memo, Suspense } from "react";
import type { Citation, Message } from "../api/types";
import { type Texts, useText } from "../text/text";
import { Alert } from "../ui/Notice";
import styles from "./Answer.module.css";
import { type Entry, isBeingWritten } from "./transcript";

/** Fetches what draws Markdown, ahead of its first use. */
export const loadMarkdown = () => import("./Markdown");

const Markdown = lazy(loadMarkdown);

export const Answer = memo(function Answer({ entry }: { entry: Entry }) {
  const text = useText();
  const { message } = entry;
  const writing = isBeingWritten(entry);
  // What is being written may cite any passage found; what is finished says itself what it cites.
  const citations = writing || message.citations.length === 0 ? entry.sources : message.citations;
  return (
    <article
      className={styles.answer}
      aria-label={text.conversation.answer}
      aria-busy={writing}
      data-status={message.status}
    >
      {message.quoted && message.citations.length > 0 && <Quoted />}
      {message.text && (
        <div className={writing ? styles.writing : undefined}>
          <Suspense fallback={<p className={styles.plain}>{message.text}</p>}>
            <Markdown text={message.text} citations={citations} />
          </Suspense>
        </div>
      )}
      {writing && !message.text && <Waiting text={waitingFor(entry, text)} />}
      {message.status === "stopped" && (
        <p className={styles.stopped}>
          <CircleStop size={15} aria-hidden="true" /> {text.answer.stopped}
        </p>
      )}
      {message.status === "failed" && <Alert>{failureOf(message, text)}</Alert>}
      {citations.length > 0 && <Sources citations={citations} />}
    </article>
  );
});

function Waiting({ text }: { text: string }) {
  return (
    <p className={styles.waiting}>
      <span className={styles.dots} aria-hidden="true" />
      {text}
    </p>
  );
}

function Quoted() {
  const text = useText();
  return (
    <p className={styles.quoted} title={text.answer.quotedHint}>
      <Quote size={13} aria-hidden="true" /> {text.answer.quoted}
      <span className={styles.quotedHint}>{text.answer.quotedHint}</span>
    </p>
  );
}

function Sources({ citations }: { citations: readonly Citation[] }) {
  const text = useText();
  return (
    <details className={styles.sources}>
      <summary>
        <ChevronRight size={15} aria-hidden="true" className={styles.chevron} />
        {text.answer.sources(citations.length)}
      </summary>
      <ol className={styles.list}>
        {citations.map((citation) => (
          <li key={citation.number} className={styles.source}>
            <span className={styles.number}>{citation.number}</span>
            <div>
              <p className={styles.title}>{citation.title}</p>
              <p className={styles.snippet}>{citation.snippet}</p>
            </div>
          </li>
        ))}
      </ol>
    </details>
  );
}

function waitingFor({ message, sources }: Entry, text: Texts): string {
  if (sources.length > 0) return text.answer.reading(sources.length);
  return message.status === "requested" ? text.answer.searching : text.answer.writing;
}

function failureOf({ failure }: Message, text: Texts): string {
  const why = failure?.text ?? text.answer.failed;
  return failure?.retryable ? `${why} ${text.answer.failedRetryable}` : why;
}
