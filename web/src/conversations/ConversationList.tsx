// The list of conversations beside the open one.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Pin } from "lucide-react";
import type { ConversationRow } from "../api/types";
import { inWords } from "../text/failures";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import styles from "./ConversationList.module.css";
import { conversations } from "./queries";
import { titleOf } from "./title";

export function ConversationList() {
  const text = useText();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(conversations);
  if (!data && error) {
    return (
      <div className={styles.state}>
        <Alert>{inWords(error, text)}</Alert>
        <Button size="small" onClick={() => void refetch()}>
          {text.failure.again}
        </Button>
      </div>
    );
  }
  if (!data) return <Ghosts />;
  const rows = data.pages.flatMap(({ items }) => items);
  if (rows.length === 0) return <p className={styles.state}>{text.conversations.empty}</p>;
  return (
    <ul className={styles.list}>
      {rows.map((row) => (
        <Row key={row.id} row={row} />
      ))}
      {hasNextPage && (
        <li className={styles.more}>
          <Button size="small" kind="quiet" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {text.conversations.more}
          </Button>
        </li>
      )}
    </ul>
  );
}

function Row({ row }: { row: ConversationRow }) {
  const text = useText();
  return (
    <li>
      <Link
        to="/c/$conversationId"
        params={{ conversationId: row.id }}
        className={styles.row}
        activeProps={{ "aria-current": "page" }}
      >
        <span className={styles.title}>{titleOf(row) ?? text.conversations.untitled}</span>
        {row.pinned && <Pin size={13} role="img" aria-label={text.conversations.pinned} />}
        {row.answering && <span className={styles.answering} role="img" aria-label={text.conversations.answering} />}
      </Link>
    </li>
  );
}

function Ghosts() {
  return (
    <div className={styles.list} aria-busy="true">
      {[70, 55, 80, 60].map((width) => (
        <span key={width} className={styles.ghost} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
