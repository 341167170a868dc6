// The messages of a conversation and the field for the next question.

import { useSuspenseQuery } from "@tanstack/react-query";
import { ArrowDown } from "lucide-react";
import { lazy, type ReactNode, Suspense, useCallback, useState } from "react";
import { userQuery } from "../account/session";
import type { Citation } from "../api/types";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { useShortcut } from "../ui/shortcuts";
import { Answer } from "./Answer";
import { Composer } from "./Composer";
import styles from "./ConversationPage.module.css";
import { Markdown } from "./lazyMarkdown";
import type { ConversationLocation } from "./location";
import { ModelPicker } from "./ModelPicker";
import { useModelName } from "./models";
import { Question } from "./Question";
import { Suggestions } from "./Suggestions";
import {
  answerInProgress,
  entryKey,
  isAwaitingAnswer,
  isPending,
  type Transcript,
  type TranscriptEntry,
} from "./transcriptEntry";
import { type ConversationActions, useConversationActions } from "./useConversationActions";
import { useScrollToMessage } from "./useScrollToMessage";
import { useStickyScroll } from "./useStickyScroll";

const NO_CITATIONS: readonly Citation[] = [];

const PassageDialog = lazy(() => import("../documents/PassageDialog"));

interface ThreadProps {
  location: ConversationLocation;
  transcript: Transcript;
  isConnectionLost: boolean;
}

export function Thread({ location, transcript, isConnectionLost }: ThreadProps) {
  const text = useText();
  const { conversationId, message } = location;
  const { data: user } = useSuspenseQuery(userQuery);
  const [chosen, setModel] = useState<string>();
  const model = useModelName(chosen ?? modelOf(transcript));
  const { actions, stop } = useConversationActions(location, transcript, model);
  const [cited, setCited] = useState<Citation>();
  const { scroller, isAway, scrollToEnd, release } = useStickyScroll();
  const highlighted = useScrollToMessage(scroller, message, release);
  const isBusy = isAwaitingAnswer(transcript);
  const inProgress = answerInProgress(transcript);
  const onStop = useStop(inProgress, stop);
  const suggestible = isBusy ? undefined : lastAnswerWithText(transcript);
  const onAsk = (question: string, documents: readonly string[] = [], tags: readonly string[] = []) => {
    actions.ask(question, documents, tags);
    scrollToEnd();
  };
  return (
    <div className={styles.page}>
      <div className={styles.scroller} ref={scroller}>
        <ol className={styles.thread}>
          {transcript.map((entry) => (
            <li
              key={entryKey(entry.message)}
              data-message={entry.message.id}
              data-highlighted={highlighted === entry.message.id}
            >
              <Entry
                conversationId={conversationId}
                entry={entry}
                isBusy={isBusy}
                isLast={entry === transcript.at(-1)}
                isConnectionLost={isConnectionLost && entry === inProgress}
                actions={actions}
                onCite={setCited}
              />
            </li>
          ))}
        </ol>
        {suggestible && (
          <div className={styles.thread}>
            <Suggestions
              key={suggestible}
              conversationId={conversationId}
              answerId={suggestible}
              onAsk={(question) => onAsk(question)}
            />
          </div>
        )}
      </div>
      <div className={styles.foot}>
        {isAway && (
          <Button size="small" onClick={scrollToEnd}>
            <ArrowDown size={15} aria-hidden="true" /> {text.conversation.latest}
          </Button>
        )}
        <ModelPicker model={model} onChange={setModel} />
        <Composer
          owner={user?.id ?? ""}
          conversationId={conversationId}
          onAsk={onAsk}
          isBusy={isBusy}
          onStop={onStop}
        />
      </div>
      {cited && (
        <Suspense>
          <PassageDialog citation={cited} renderText={renderPassage} onClose={() => setCited(undefined)} />
        </Suspense>
      )}
    </div>
  );
}

/** The id of the last message, if it is an answer that has ended with a text. */
function lastAnswerWithText(transcript: Transcript): string | undefined {
  const message = transcript.at(-1)?.message;
  const hasEnded = message?.status === "completed" || message?.status === "stopped";
  return message?.role === "assistant" && hasEnded && message.text ? message.id : undefined;
}

/** The model of the last answer, as far as the transcript tells. */
function modelOf(transcript: Transcript): string | undefined {
  return transcript.findLast(({ message }) => message.model)?.message.model ?? undefined;
}

function renderPassage(markdown: string): ReactNode {
  return (
    <Suspense fallback={markdown}>
      <Markdown text={markdown} citations={NO_CITATIONS} />
    </Suspense>
  );
}

interface EntryProps {
  conversationId: string;
  entry: TranscriptEntry;
  isBusy: boolean;
  isLast: boolean;
  isConnectionLost: boolean;
  actions: ConversationActions;
  onCite: (citation: Citation) => void;
}

function Entry({ conversationId, entry, isBusy, isLast, isConnectionLost, actions, onCite }: EntryProps) {
  if (entry.message.role === "user") {
    return (
      <Question
        entry={entry}
        isBusy={isBusy}
        onRetry={actions.retry}
        onDiscard={actions.discard}
        onEdit={actions.edit}
      />
    );
  }
  return (
    <Answer
      conversationId={conversationId}
      entry={entry}
      isBusy={isBusy}
      isLast={isLast}
      isConnectionLost={isConnectionLost}
      onCite={onCite}
      onContinue={actions.goOn}
      onRegenerate={actions.regenerate}
      onRate={actions.rate}
    />
  );
}

interface StopCommand {
  mutate: (answerId: string) => void;
  isPending: boolean;
}

/** Stops the answer in progress, also by keyboard. Undefined if there is none, or its id is not known yet. */
function useStop(answer: TranscriptEntry | undefined, stop: StopCommand): (() => void) | undefined {
  const { mutate } = stop;
  const answerId = answer && !isPending(answer) && !stop.isPending ? answer.message.id : undefined;
  const onStop = useCallback(() => answerId && mutate(answerId), [answerId, mutate]);
  useShortcut("stop", answerId ? onStop : undefined);
  return answerId ? onStop : undefined;
}
