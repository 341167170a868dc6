// One conversation: its messages, and the place to ask on.

import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowDown } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { session } from "../account/session";
import { Problem } from "../api/problem";
import type { Citation, Message } from "../api/types";
import { useShortcut } from "../app/shortcuts";
import { useConversationRow } from "../conversations/queries";
import { titleOf } from "../conversations/title";
import { inWords } from "../text/failures";
import { useText } from "../text/text";
import { Button, buttonLooks } from "../ui/Button";
import { DocumentTitle } from "../ui/DocumentTitle";
import { Notice } from "../ui/Notice";
import { Answer } from "./Answer";
import { Composer } from "./Composer";
import styles from "./ConversationPage.module.css";
import { answerInProgress, isPending, type Transcript } from "./entry";
import { Question } from "./Question";
import { transcriptOf, useFollowing } from "./queries";
import { useActions } from "./useActions";
import { useJump } from "./useJump";
import { useStickyScroll } from "./useStickyScroll";

const PassageDialog = lazy(() => import("../documents/PassageDialog"));

export interface Place {
  conversationId: string;
  /** A message whose branch is shown; without one the newest branch is. */
  branch?: string | undefined;
  /** A message to jump to. */
  message?: string | undefined;
}

export function ConversationPage(place: Place) {
  const { conversationId, branch } = place;
  const { data: transcript, error, refetch } = useQuery(transcriptOf(conversationId, branch));
  const answer = answerInProgress(transcript ?? []);
  const lost = useFollowing(conversationId, branch, answer !== undefined);
  if (!transcript) return error ? <Unreadable error={error} again={() => void refetch()} /> : <Loading />;
  return (
    <>
      <Title conversationId={conversationId} exists={transcript.some(({ origin }) => origin === "fetched")} />
      <Thread place={place} transcript={transcript} lost={lost} />
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

interface ThreadProps {
  place: Place;
  transcript: Transcript;
  lost: boolean;
}

function Thread({ place, transcript, lost }: ThreadProps) {
  const text = useText();
  const { conversationId, message } = place;
  const { data: person } = useSuspenseQuery(session);
  const { actions, stop } = useActions(place, transcript);
  const [cited, setCited] = useState<Citation>();
  const { scroller, away, toNewest, letGo } = useStickyScroll();
  const jumped = useJump(scroller, message, letGo);
  const answer = answerInProgress(transcript);
  const waiting = answer ?? transcript.find((entry) => entry.origin === "asking");
  const answerId = answer && !isPending(answer) && !stop.isPending ? answer.message.id : undefined;
  const stopping = useCallback(() => answerId && stop.mutate(answerId), [answerId, stop]);
  useShortcut("stop", answerId ? stopping : undefined);
  return (
    <div className={styles.page}>
      <div className={styles.scroller} ref={scroller}>
        <ol className={styles.thread}>
          {transcript.map((entry) => (
            <li key={placeOf(entry.message)} data-message={entry.message.id} data-jumped={jumped === entry.message.id}>
              {entry.message.role === "user" ? (
                <Question
                  entry={entry}
                  busy={waiting !== undefined}
                  onAgain={actions.askAgain}
                  onWithdraw={actions.withdraw}
                  onEdit={actions.edit}
                />
              ) : (
                <Answer
                  entry={entry}
                  busy={waiting !== undefined}
                  lost={lost && entry === answer}
                  onCite={setCited}
                  onRegenerate={actions.regenerate}
                  onRate={actions.rate}
                />
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
          owner={person?.id ?? ""}
          conversationId={conversationId}
          onAsk={(question) => {
            actions.ask(question);
            toNewest();
          }}
          stopping={waiting && { stop: answerId ? stopping : undefined }}
        />
      </div>
      <Announcer waiting={waiting !== undefined} />
      {cited && (
        <Suspense>
          <PassageDialog citation={cited} onClose={() => setCited(undefined)} />
        </Suspense>
      )}
    </div>
  );
}

/** Says that an answer has begun and ended, and nothing in between; nothing at all of what was there before. */
function Announcer({ waiting }: { waiting: boolean }) {
  const text = useText();
  const [began, setBegan] = useState(false);
  useEffect(() => {
    if (waiting) setBegan(true);
  }, [waiting]);
  return (
    <p className="visually-hidden" role="status">
      {waiting ? text.answer.writing : began && text.answer.done}
    </p>
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
