// A conversation at any position of the ledger, chosen with a slider.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Problem } from "../api/problem";
import type { Message, ReplayedConversation } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { useLanguage, useText } from "../text/text";
import { Alert, Notice } from "../ui/Notice";
import { Page } from "../ui/Page";
import styles from "./Audit.module.css";
import { replayQuery } from "./queries";

const ROUTE = "/layout/audit/c/$conversationId";
/** The ledger is read after the slider has rested for this long, because every access is recorded. */
const SLIDER_DELAY_MS = 300;

export default function ReplayPage() {
  const text = useText();
  const { conversationId } = useParams({ from: ROUTE });
  const { at } = useSearch({ from: ROUTE });
  const { data, error } = useQuery(replayQuery(conversationId, at));
  if (error instanceof Problem && error.status === 403) {
    return <Notice title={text.failure.notAvailable} hint={text.audit.forbidden} />;
  }
  if (error instanceof Problem && error.status === 404) return <Notice title={text.conversation.notFound} />;
  return (
    <Page title={data?.conversation?.title || text.audit.replayTitle} hint={text.audit.replayTitle}>
      <p>
        <Link to="/audit" search={{ conversation: conversationId }}>
          {text.audit.title}
        </Link>
      </p>
      {error && <Alert>{errorMessage(error, text)}</Alert>}
      {data && <Slider replay={data} at={at ?? data.position} conversationId={conversationId} />}
      {data && data.messages.length === 0 && <p role="status">{text.audit.notStarted}</p>}
      <ol className={styles.messages}>
        {data?.messages.map((message) => (
          <li key={message.id}>
            <ReplayedMessage message={message} />
          </li>
        ))}
      </ol>
    </Page>
  );
}

interface SliderProps {
  replay: ReplayedConversation;
  at: number;
  conversationId: string;
}

function Slider({ replay, at, conversationId }: SliderProps) {
  const text = useText();
  const language = useLanguage();
  const navigate = useNavigate();
  const [position, setPosition] = useState(at);
  useEffect(() => {
    if (position === at) return;
    const timer = setTimeout(() => {
      const params = { conversationId };
      void navigate({ to: "/audit/c/$conversationId", params, search: { at: position }, replace: true });
    }, SLIDER_DELAY_MS);
    return () => clearTimeout(timer);
  }, [position, at, conversationId, navigate]);
  const dateFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
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
      {replay.at && <span className={styles.small}>{text.audit.at(dateFormat.format(new Date(replay.at)))}</span>}
    </label>
  );
}

function ReplayedMessage({ message }: { message: Message }) {
  const text = useText();
  const isQuestion = message.role === "user";
  return (
    <article className={styles.message} data-role={message.role}>
      <p className={styles.small}>
        {isQuestion ? text.conversation.question : text.conversation.answer} · {message.status}
      </p>
      <p className={styles.text}>{message.text}</p>
    </article>
  );
}
