// The ledger for auditors: what happened, in order, filtered, and live.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Problem } from "../api/problem";
import { inWords } from "../text/failures";
import { useLanguage, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Alert, Notice } from "../ui/Notice";
import { Page } from "../ui/Page";
import styles from "./Audit.module.css";
import { EventTable } from "./EventTable";
import { type Look, lookOf } from "./look";
import { checkpoint, ledger } from "./queries";
import { useLiveLedger } from "./useLiveLedger";

export default function AuditPage() {
  const text = useText();
  const look = lookOf(useSearch({ strict: false }) as Record<string, unknown>);
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage, isPending } = useInfiniteQuery(ledger(look));
  const [live, setLive] = useState(false);
  const events = data?.pages.flatMap(({ items }) => items) ?? [];
  const latest = useLiveLedger(look, live, events.at(-1)?.position ?? 0);
  if (error instanceof Problem && (error.status === 404 || error.status === 403)) {
    const forbidden = error.status === 403;
    return (
      <Notice
        title={text.failure.notAvailable}
        hint={forbidden ? text.audit.forbidden : text.failure.notAvailableHint}
      />
    );
  }
  const shown = [...events, ...latest];
  return (
    <Page title={text.audit.title} hint={text.audit.hint} wide>
      <Head />
      <Filter key={JSON.stringify(look)} look={look} />
      <label className={styles.live}>
        <input type="checkbox" checked={live} onChange={(event) => setLive(event.target.checked)} />
        {text.audit.live}
      </label>
      {error && <Alert>{inWords(error, text)}</Alert>}
      {!isPending && !error && shown.length === 0 && <p role="status">{text.audit.none}</p>}
      {shown.length > 0 && <EventTable events={shown} />}
      {hasNextPage && !live && (
        <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {text.audit.more}
        </Button>
      )}
    </Page>
  );
}

function Head() {
  const text = useText();
  const language = useLanguage();
  const { data } = useQuery(checkpoint);
  if (!data) return null;
  const when = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  return (
    <dl className={styles.head}>
      <div>
        <dt>{text.audit.checkpoint}</dt>
        <dd>
          {data.position.toLocaleString(language)} · {when.format(new Date(data.at))}
          <br />
          <code>{data.root}</code>
        </dd>
      </div>
      <div>
        <dt>{text.audit.signedBy}</dt>
        <dd>
          <code>{data.key_id}</code>
        </dd>
      </div>
    </dl>
  );
}

function Filter({ look }: { look: Look }) {
  const text = useText();
  const navigate = useNavigate();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = lookOf(Object.fromEntries(new FormData(event.currentTarget)));
    void navigate({ to: "/audit", search: given });
  };
  return (
    <form className={styles.filter} onSubmit={submit}>
      <Field label={text.audit.type} name="type" defaultValue={look.type} placeholder="QuestionAsked" />
      <Field label={text.audit.user} name="user" defaultValue={look.user} spellCheck={false} />
      <Field label={text.audit.conversation} name="conversation" defaultValue={look.conversation} spellCheck={false} />
      <Field label={text.audit.from} name="from" type="datetime-local" defaultValue={look.from} />
      <Field label={text.audit.to} name="to" type="datetime-local" defaultValue={look.to} />
      <Button kind="primary" type="submit">
        {text.audit.apply}
      </Button>
    </form>
  );
}
