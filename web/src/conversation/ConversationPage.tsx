// One conversation: its messages, and the place to ask on.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowDown } from "lucide-react";
import { useCallback } from "react";
import { Problem } from "../api/problem";
import type { Message } from "../api/types";
import { useConversationRow } from "../conversations/queries";
import { titleOf } from "../conversations/title";
import { inWords } from "../text/failures";
import { useText } from "../text/text";
import { Button, buttonLooks } from "../ui/Button";
import { Notice } from "../ui/Notice";
import { Answer } from "./Answer";
import { Composer } from "./Composer";
import styles from "./ConversationPage.module.css";
import { Question } from "./Question";
import { transcriptOf, useAsking, useFollowing, useStopping } from "./queries";
import { answerInProgress, isPending, type Transcript } from "./transcript";
import { useStickyScroll } from "./useStickyScroll";

export function ConversationPage({ conversationId }: { conversationId: string }) {
  const { data: transcript, error, refetch } = useQuery(transcriptOf(conversationId));
  const answer = answerInProgress(transcript ?? []);
  useFollowing(conversationId, answer !== undefined);
  if (!transcript) return error ? <Unreadable error={error} again={() => void refetch()} /> : <Loading />;
  return (
    <>
      <Title conversationId={conversationId} exists={transcript.some(({ origin }) => origin === "fetched")} />
      <Thread conversationId={conversationId} transcript={transcript} />
    </>
  );
}

function Title({ conversationId, exists }: { conversationId: string; exists: boolean }) {
  const text = useText();
  const row = useConversationRow(conversationId, exists);
  return <title>{`${titleOf(row) ?? text.conversations.untitled} · ${text.name}`}</title>;
}

function Thread({ conversationId, transcript }: { conversationId: string; transcript: Transcript }) {
  const text = useText();
  const asking = useAsking();
  const stop = useStopping(conversationId);
  const { scroller, away, toNewest } = useStickyScroll(transcript);
  const answer = answerInProgress(transcript);
  const waiting = answer ?? transcript.find((entry) => entry.origin === "asking");
  const again = useCallback((message: Message) => asking.askAgain(conversationId, message), [asking, conversationId]);
  const withdraw = useCallback(
    (message: Message) => asking.withdraw(conversationId, message),
    [asking, conversationId],
  );
  const answerId = answer && !isPending(answer) && !stop.isPending ? answer.message.id : undefined;
  return (
    <div className={styles.page}>
      <div className={styles.scroller} ref={scroller}>
        <ol className={styles.thread}>
          {transcript.map((entry) => (
            <li key={placeOf(entry.message)}>
              {entry.message.role === "user" ? (
                <Question entry={entry} onAgain={again} onWithdraw={withdraw} />
              ) : (
                <Answer entry={entry} />
              )}
            </li>
          ))}
        </ol>
      </div>
      <div className={styles.foot}>
        {away && (
          <Button size="small" onClick={toNewest}>
            <ArrowDown size={15} aria-hidden="true" /> {text.conversation.newest}
          </Button>
        )}
        <Composer
          onAsk={(question) => {
            asking.ask(conversationId, question);
            toNewest();
          }}
          stopping={waiting && { stop: answerId ? () => stop.mutate(answerId) : undefined }}
        />
      </div>
      <p className="visually-hidden" role="status">
        {waiting ? text.answer.writing : transcript.length > 0 && text.answer.done}
      </p>
    </div>
  );
}

/** An answer keeps its place on the page when its id becomes known. */
function placeOf({ id, role, parent_id }: Message): string {
  return role === "assistant" && parent_id ? `answer to ${parent_id}` : id;
}

function Unreadable({ error, again }: { error: Error; again: () => void }) {
  const text = useText();
  if (error instanceof Problem && (error.status === 404 || error.status === 400)) {
    return (
      <Notice title={text.conversation.missing} hint={text.conversation.missingHint}>
        <Link to="/" className={buttonLooks()}>
          {text.conversation.toStart}
        </Link>
      </Notice>
    );
  }
  return (
    <Notice title={text.failure.title} hint={inWords(error, text)}>
      <Button onClick={again}>{text.failure.again}</Button>
    </Notice>
  );
}

function Loading() {
  return (
    <div className={styles.scroller} aria-busy="true">
      <div className={styles.thread}>
        <span className={styles.ghostQuestion} />
        <span className={styles.ghostAnswer} />
        <span className={styles.ghostAnswer} />
      </div>
    </div>
  );
}
