// A table of ledger events. Each row expands to the whole event.

import { Link } from "@tanstack/react-router";
import { History } from "lucide-react";
import { memo, useState } from "react";
import type { LedgerEvent } from "../api/types";
import { useLanguage, useText } from "../text/text";
import styles from "./Audit.module.css";

export function EventTable({ events }: { events: readonly LedgerEvent[] }) {
  const text = useText();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable table must be focusable
    <div className={styles.wide} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{text.audit.position}</th>
            <th scope="col">{text.audit.time}</th>
            <th scope="col">{text.audit.type}</th>
            <th scope="col">{text.audit.actor}</th>
            <th scope="col">{text.audit.user}</th>
            <th scope="col">{text.audit.replay}</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <Row key={event.position} event={event} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Row = memo(function Row({ event }: { event: LedgerEvent }) {
  const text = useText();
  const language = useLanguage();
  const [isOpen, setIsOpen] = useState(false);
  const dateFormat = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium" });
  const isConversation = event.aggregate.toLowerCase() === "conversation";
  return (
    <>
      <tr>
        <td className={styles.number}>{event.position}</td>
        <td>{dateFormat.format(new Date(event.recorded_at))}</td>
        <td>
          <button type="button" className={styles.expand} aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
            {event.type}
          </button>
          {event.erased && <span className={styles.erased}>{text.audit.erased}</span>}
        </td>
        <td>{event.actor.kind}</td>
        <td>
          <code title={event.owner}>{event.owner.slice(-8)}</code>
        </td>
        <td>
          {isConversation && (
            <Link
              to="/audit/c/$conversationId"
              params={{ conversationId: event.aggregate_id }}
              search={{ at: event.position }}
              className={styles.replay}
              aria-label={`${text.audit.replay}: ${event.position}`}
            >
              <History size={16} aria-hidden="true" />
            </Link>
          )}
        </td>
      </tr>
      {isOpen && (
        <tr>
          <td colSpan={6}>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable text must be focusable */}
            <pre className={styles.details} tabIndex={0}>
              {JSON.stringify(event, null, 2)}
            </pre>
          </td>
        </tr>
      )}
    </>
  );
});
