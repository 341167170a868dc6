// An answer: its state while it is in progress, its text and its sources.

import { ChevronRight, CircleStop, Quote, RefreshCw } from "lucide-react";
import { lazy, memo, Suspense, useState } from "react";
import type { Citation, Message } from "../api/types";
import { type Texts, useText } from "../text/text";
import { Button } from "../ui/Button";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { Alert } from "../ui/Notice";
import styles from "./Answer.module.css";
import { AnswerActions, type AnswerHandlers } from "./AnswerActions";
import beside from "./Beside.module.css";
import { OpenCitation } from "./CitationMark";
import { CutOff } from "./CutOff";
import { Markdown } from "./lazyMarkdown";
import { Reasoning } from "./Reasoning";
import { isInProgress, type TranscriptEntry } from "./transcriptEntry";

const Beside = lazy(() => import("./Beside"));

interface Props extends AnswerHandlers {
  conversationId: string;
  entry: TranscriptEntry;
  /** The connection of the stream is lost. */
  isConnectionLost: boolean;
  /** An answer of the conversation is in progress. */
  isBusy: boolean;
  /** No message follows in this branch. */
  isLast: boolean;
  onCite: (citation: Citation) => void;
  /** Asks to continue an answer that ends early. */
  onContinue: () => void;
}

export const Answer = memo(function Answer(props: Props) {
  const { conversationId, entry, onCite } = props;
  const [isCompared, setIsCompared] = useState(false);
  const { message } = entry;
  const canCompare = message.siblings.length > 1;
  const toggle = () => setIsCompared((compared) => !compared);
  if (!isCompared || !canCompare) return <Version {...props} onCompare={canCompare ? toggle : undefined} />;
  return (
    <div className={beside.pair}>
      <Version {...props} onCompare={toggle} isCompared />
      <Suspense>
        <Beside conversationId={conversationId} message={message} onCite={onCite} onClose={toggle} />
      </Suspense>
    </div>
  );
});

interface VersionProps extends Props {
  /** Shows another version beside this one, or hides it. Undefined if there is none. */
  onCompare: (() => void) | undefined;
  isCompared?: boolean;
}

function Version(props: VersionProps) {
  const { onCompare, isCompared = false } = props;
  const { conversationId, entry, isLast, isConnectionLost, isBusy, onCite, onContinue, onRegenerate, onRate } = props;
  const text = useText();
  const { message } = entry;
  const inProgress = isInProgress(entry);
  // An answer in progress may cite any retrieved passage. A completed one lists its citations.
  const citations = inProgress || message.citations.length === 0 ? entry.sources : message.citations;
  return (
    <article
      className={styles.answer}
      aria-label={text.conversation.answer}
      aria-busy={inProgress}
      data-status={message.status}
      data-origin={entry.origin}
    >
      {isCompared && !message.quoted && message.model && (
        <p className={beside.name}>
          <strong dir="auto">{message.model}</strong>
        </p>
      )}
      {message.quoted && message.citations.length > 0 && <QuotedLabel />}
      {inProgress && entry.attempt > 1 && <Restarted />}
      {message.reasoning && <Reasoning reasoning={message.reasoning} isThinking={inProgress && !message.text} />}
      <OpenCitation value={onCite}>
        {inProgress && citations.length > 0 && <Sources citations={citations} onCite={onCite} />}
        {message.text && (
          <div className={inProgress ? styles.writing : undefined}>
            <ErrorBoundary fallback={<p className={styles.plainText}>{message.text}</p>} resetKey={message.text}>
              <Suspense fallback={<p className={styles.plainText}>{message.text}</p>}>
                <Markdown text={message.text} citations={citations} isGrowing={inProgress} />
              </Suspense>
            </ErrorBoundary>
          </div>
        )}
      </OpenCitation>
      {inProgress && !message.text && !isConnectionLost && <Waiting text={progressText(entry, text)} />}
      {inProgress && isConnectionLost && <Waiting text={text.answer.connectionLost} />}
      {message.status === "stopped" && (
        <p className={styles.stopped}>
          <CircleStop size={15} aria-hidden="true" /> {text.answer.stopped}
        </p>
      )}
      {message.cut_off && (
        <CutOff reason={message.cut_off} isBusy={isBusy} onContinue={isLast ? onContinue : undefined} />
      )}
      {message.status === "failed" && (
        <Failed message={message} isBusy={isBusy} onRetry={() => onRegenerate(message)} />
      )}
      {!inProgress && citations.length > 0 && <Sources citations={citations} onCite={onCite} />}
      {!inProgress && (
        <AnswerActions
          conversationId={conversationId}
          message={message}
          isBusy={isBusy}
          onRegenerate={onRegenerate}
          onRate={onRate}
          onCompare={onCompare}
          isCompared={isCompared}
        />
      )}
    </article>
  );
}

interface FailedProps {
  message: Message;
  isBusy: boolean;
  onRetry: () => void;
}

function Failed({ message: { failure }, isBusy, onRetry }: FailedProps) {
  const text = useText();
  return (
    <div className={styles.failed}>
      <Alert>{failure ? (text.answer.failures[failure.reason] ?? failure.text) : text.answer.failed}</Alert>
      <Button size="small" disabled={isBusy} onClick={onRetry}>
        <RefreshCw size={15} aria-hidden="true" /> {text.answer.retry}
      </Button>
    </div>
  );
}

/** Shown if an earlier attempt was interrupted. */
function Restarted() {
  const text = useText();
  return (
    <p className={styles.stopped}>
      <RefreshCw size={14} aria-hidden="true" /> {text.answer.restarted}
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

function QuotedLabel() {
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

function progressText({ message, sources, origin }: TranscriptEntry, text: Texts): string {
  if (origin === "sending") return navigator.onLine ? text.answer.sending : text.answer.offline;
  if (sources.length > 0) return text.answer.reading(sources.length);
  return message.status === "requested" ? text.answer.searching : text.answer.writing;
}
