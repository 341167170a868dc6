// The ledger for auditors: all events in order, with filters and a live view.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Problem } from "../api/problem";
import { errorMessage } from "../text/errorMessage";
import { useLanguage, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Alert, Notice } from "../ui/Notice";
import { Page } from "../ui/Page";
import styles from "./Audit.module.css";
import { EventTable } from "./EventTable";
import { type LedgerFilters, parseFilters } from "./filters";
import { checkpointQuery, ledgerQuery } from "./queries";
import { useLiveLedger } from "./useLiveLedger";

export default function AuditPage() {
  const text = useText();
  const filters = useSearch({ from: "/layout/audit" });
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage, isPending } = useInfiniteQuery(
    ledgerQuery(filters),
  );
  const [isLive, setIsLive] = useState(false);
  const events = data?.pages.flatMap(({ items }) => items) ?? [];
  const liveEvents = useLiveLedger(filters, isLive, events.at(-1)?.position ?? 0);
  if (error instanceof Problem && (error.status === 404 || error.status === 403)) {
    const isForbidden = error.status === 403;
    return (
      <Notice
        title={text.failure.notAvailable}
        hint={isForbidden ? text.audit.forbidden : text.failure.notAvailableHint}
      />
    );
  }
  const allEvents = [...events, ...liveEvents];
  return (
    <Page title={text.audit.title} hint={text.audit.hint} wide>
      <LatestCheckpoint />
      <FilterForm key={JSON.stringify(filters)} filters={filters} />
      <label className={styles.live}>
        <input type="checkbox" checked={isLive} onChange={(event) => setIsLive(event.target.checked)} />
        {text.audit.live}
      </label>
      {error && <Alert>{errorMessage(error, text)}</Alert>}
      {!isPending && !error && allEvents.length === 0 && <p role="status">{text.audit.none}</p>}
      {allEvents.length > 0 && <EventTable events={allEvents} />}
      {hasNextPage && !isLive && (
        <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {text.audit.more}
        </Button>
      )}
    </Page>
  );
}

function LatestCheckpoint() {
  const text = useText();
  const language = useLanguage();
  const { data } = useQuery(checkpointQuery);
  if (!data) return null;
  const dateFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  return (
    <dl className={styles.checkpoint}>
      <div>
        <dt>{text.audit.checkpoint}</dt>
        <dd>
          {data.position.toLocaleString(language)} · {dateFormat.format(new Date(data.at))}
          <br />
          <code>{data.root}</code>
        </dd>
      </div>
      <div>
        <dt>{text.audit.signingKey}</dt>
        <dd>
          <code>{data.key_id}</code>
        </dd>
      </div>
    </dl>
  );
}

function FilterForm({ filters }: { filters: LedgerFilters }) {
  const text = useText();
  const navigate = useNavigate();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const search = parseFilters(Object.fromEntries(new FormData(event.currentTarget)));
    void navigate({ to: "/audit", search });
  };
  return (
    <form className={styles.filter} onSubmit={submit}>
      <Field label={text.audit.type} name="type" defaultValue={filters.type} placeholder="QuestionAsked" />
      <Field label={text.audit.user} name="user" defaultValue={filters.user} spellCheck={false} />
      <Field
        label={text.audit.conversation}
        name="conversation"
        defaultValue={filters.conversation}
        spellCheck={false}
      />
      <Field label={text.audit.from} name="from" type="datetime-local" defaultValue={filters.from} />
      <Field label={text.audit.to} name="to" type="datetime-local" defaultValue={filters.to} />
      <Button kind="primary" type="submit">
        {text.audit.apply}
      </Button>
    </form>
  );
}
