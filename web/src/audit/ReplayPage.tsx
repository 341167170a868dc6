// One conversation as it stood at any moment: a slider over the ledger.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Problem } from "../api/problem";
import type { Message } from "../api/types";
import { inWords } from "../text/failures";
import { useLanguage, useText } from "../text/text";
import { Alert, Notice } from "../ui/Notice";
import { Page } from "../ui/Page";
import styles from "./Audit.module.css";
import { type Replay, replayOf } from "./queries";

/** The slider must rest before the ledger is read: each look is recorded. */
const REST_MS = 300;

export default function ReplayPage() {
  const text = useText();
  const { conversationId = "" } = useParams({ strict: false });
  const { at } = useSearch({ strict: false }) as { at?: number };
  const { data, error } = useQuery(replayOf(conversationId, at));
  if (error instanceof Problem && (error.status === 404 || error.status === 403)) {
    return <Notice title={text.failure.notFound} hint={error.status === 403 ? text.audit.forbidden : ""} />;
  }
  return (
    <Page title={data?.conversation?.title || text.audit.replayTitle} hint={text.audit.replayTitle}>
      <p>
        <Link to="/audit" search={{ conversation: conversationId }}>
          {text.audit.title}
        </Link>
      </p>
      {error && <Alert>{inWords(error, text)}</Alert>}
      {data && <Slider replay={data} at={at ?? data.position} conversationId={conversationId} />}
      {data && data.messages.length === 0 && <p role="status">{text.audit.notYet}</p>}
      <ol className={styles.messages}>
        {data?.messages.map((message) => (
          <li key={message.id}>
            <OneMessage message={message} />
          </li>
        ))}
      </ol>
    </Page>
  );
}

function Slider({ replay, at, conversationId }: { replay: Replay; at: number; conversationId: string }) {
  const text = useText();
  const language = useLanguage();
  const navigate = useNavigate();
  const [position, setPosition] = useState(at);
  useEffect(() => {
    if (position === at) return;
    const timer = setTimeout(() => {
      const params = { conversationId };
      void navigate({ to: "/audit/c/$conversationId", params, search: { at: position }, replace: true });
    }, REST_MS);
    return () => clearTimeout(timer);
  }, [position, at, conversationId, navigate]);
  const when = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  return (
    <label className={styles.slider}>
      {text.audit.asOf}: <output>{position.toLocaleString(language)}</output>
      <input
        type="range"
        min={replay.first_position}
        max={replay.last_position}
        value={position}
        onChange={(event) => setPosition(Number(event.target.value))}
      />
      <span className={styles.small}>{text.audit.at(when.format(new Date(replay.at)))}</span>
    </label>
  );
}

function OneMessage({ message }: { message: Message }) {
  const text = useText();
  const isQuestion = message.role === "user";
  return (
    <article className={styles.message} data-role={message.role}>
      <p className={styles.small}>
        {isQuestion ? text.conversation.question : text.conversation.answer} · {message.status}
      </p>
      <p className={styles.said}>{message.text}</p>
    </article>
  );
}
