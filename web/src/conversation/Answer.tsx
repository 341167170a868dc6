// One answer: what it is waiting for, its text as it arrives, and the sources it stands on.

import { ChevronRight, CircleStop, Quote, RefreshCw } from "lucide-react";
import { lazy, memo, Suspense } from "react";
import type { Citation, Message } from "../api/types";
import { type Texts, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import styles from "./Answer.module.css";
import { type AnswerActions, AnswerTools } from "./AnswerTools";
import { Opening } from "./CitationMark";
import { type Entry, isBeingWritten } from "./entry";

/** Fetches what draws Markdown, ahead of its first use. */
export const loadMarkdown = () => import("./Markdown");

const Markdown = lazy(loadMarkdown);

interface Props extends AnswerActions {
  entry: Entry;
  /** The connection that brings it is lost. */
  lost: boolean;
  /** An answer is being written, this one or another. */
  busy: boolean;
  onCite: (citation: Citation) => void;
}

export const Answer = memo(function Answer({ entry, lost, busy, onCite, onRegenerate, onRate }: Props) {
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
      data-origin={entry.origin}
    >
      {message.quoted && message.citations.length > 0 && <Quoted />}
      {writing && entry.attempt > 1 && <Aside>{text.answer.resumed}</Aside>}
      <Opening value={onCite}>
        {writing && citations.length > 0 && <Sources citations={citations} onCite={onCite} />}
        {message.text && (
          <div className={writing ? styles.writing : undefined}>
            <Suspense fallback={<p className={styles.plain}>{message.text}</p>}>
              <Markdown text={message.text} citations={citations} growing={writing} />
            </Suspense>
          </div>
        )}
      </Opening>
      {writing && !message.text && !lost && <Waiting text={waitingFor(entry, text)} />}
      {writing && lost && <Waiting text={text.answer.lost} />}
      {message.status === "stopped" && (
        <p className={styles.stopped}>
          <CircleStop size={15} aria-hidden="true" /> {text.answer.stopped}
        </p>
      )}
      {message.status === "failed" && <Failed message={message} busy={busy} onAgain={() => onRegenerate(message)} />}
      {!writing && citations.length > 0 && <Sources citations={citations} onCite={onCite} />}
      {!writing && <AnswerTools message={message} busy={busy} onRegenerate={onRegenerate} onRate={onRate} />}
    </article>
  );
});

function Failed({ message, busy, onAgain }: { message: Message; busy: boolean; onAgain: () => void }) {
  const text = useText();
  return (
    <div className={styles.failed}>
      <Alert>{message.failure?.text ?? text.answer.failed}</Alert>
      <Button size="small" disabled={busy} onClick={onAgain}>
        <RefreshCw size={15} aria-hidden="true" /> {text.answer.askAgain}
      </Button>
    </div>
  );
}

function Aside({ children }: { children: string }) {
  return (
    <p className={styles.stopped}>
      <RefreshCw size={14} aria-hidden="true" /> {children}
    </p>
  );
}

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

function Sources({ citations, onCite }: { citations: readonly Citation[]; onCite: (citation: Citation) => void }) {
  const text = useText();
  return (
    <details className={styles.sources}>
      <summary>
        <ChevronRight size={15} aria-hidden="true" className={styles.chevron} />
        {text.answer.sources(citations.length)}
      </summary>
      <ol className={styles.list}>
        {citations.map((citation) => (
          <li key={citation.number}>
            <button type="button" className={styles.source} onClick={() => onCite(citation)}>
              <span className={styles.number}>{citation.number}</span>
              <span className={styles.about}>
                <span className={styles.title} dir="auto">
                  {citation.title}
                </span>
                <span className={styles.snippet}>{citation.snippet}</span>
              </span>
            </button>
          </li>
        ))}
      </ol>
    </details>
  );
}

function waitingFor({ message, sources, origin }: Entry, text: Texts): string {
  if (origin === "asking") return navigator.onLine ? text.answer.waiting : text.answer.offline;
  if (sources.length > 0) return text.answer.reading(sources.length);
  return message.status === "requested" ? text.answer.searching : text.answer.writing;
}
