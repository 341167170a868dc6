// The page of a conversation.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Problem } from "../api/problem";
import { useConversationRow } from "../conversation-list/queries";
import { titleOf } from "../conversation-list/title";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button, buttonClass } from "../ui/Button";
import { DocumentTitle } from "../ui/DocumentTitle";
import { Notice } from "../ui/Notice";
import styles from "./ConversationPage.module.css";
import type { ConversationLocation } from "./location";
import { transcriptQuery } from "./queries";
import { Thread } from "./Thread";
import { answerInProgress, isAwaitingAnswer } from "./transcriptEntry";
import { useConversationStream } from "./useConversationStream";

export function ConversationPage(location: ConversationLocation) {
  const { conversationId, branch } = location;
  const { data: transcript, error, refetch } = useQuery(transcriptQuery(conversationId, branch));
  const hasAnswerInProgress = answerInProgress(transcript ?? []) !== undefined;
  const isConnectionLost = useConversationStream(conversationId, hasAnswerInProgress);
  if (!transcript) return error ? <LoadError error={error} onRetry={() => void refetch()} /> : <Loading />;
  return (
    <>
      <Title conversationId={conversationId} exists={transcript.some(({ origin }) => origin === "fetched")} />
      <Thread location={location} transcript={transcript} isConnectionLost={isConnectionLost} />
      <Announcement isAwaitingAnswer={isAwaitingAnswer(transcript)} />
    </>
  );
}

function Title({ conversationId, exists }: { conversationId: string; exists: boolean }) {
  const text = useText();
  const row = useConversationRow(conversationId, exists);
  const title = titleOf(row) ?? text.conversations.untitled;
  return (
    <>
      <DocumentTitle>{`${title} · ${text.name}`}</DocumentTitle>
      <h1 className="visually-hidden">{title}</h1>
    </>
  );
}

/**
 * Tells screen readers that an answer has started and ended. Does not announce answers that had ended before.
 */
function Announcement({ isAwaitingAnswer }: { isAwaitingAnswer: boolean }) {
  const text = useText();
  const [hasStarted, setHasStarted] = useState(false);
  useEffect(() => {
    if (isAwaitingAnswer) setHasStarted(true);
  }, [isAwaitingAnswer]);
  return (
    <p className="visually-hidden" role="status">
      {isAwaitingAnswer ? text.answer.writing : hasStarted && text.answer.completed}
    </p>
  );
}

function LoadError({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const text = useText();
  if (error instanceof Problem && (error.status === 404 || error.status === 400)) {
    return (
      <Notice title={text.conversation.notFound} hint={text.conversation.notFoundHint}>
        <Link to="/" className={buttonClass()}>
          {text.conversation.startNew}
        </Link>
      </Notice>
    );
  }
  return (
    <Notice title={text.failure.title} hint={errorMessage(error, text)}>
      <Button onClick={onRetry}>{text.failure.retry}</Button>
    </Notice>
  );
}

function Loading() {
  return (
    <div className={styles.scroller} aria-busy="true">
      <div className={styles.thread}>
        <span className={styles.questionPlaceholder} />
        <span className={styles.answerPlaceholder} />
        <span className={styles.answerPlaceholder} />
      </div>
    </div>
  );
}
