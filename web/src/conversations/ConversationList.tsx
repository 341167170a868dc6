// The list of conversations beside the open one. Only what is in sight is drawn, however many there are.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { Pin } from "lucide-react";
import { memo, type RefObject, useCallback, useEffect, useMemo } from "react";
import type { ConversationRow } from "../api/types";
import { inWords } from "../text/failures";
import { useLanguage, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import styles from "./ConversationList.module.css";
import { countOf, type Filters } from "./filters";
import { grouped, type ListItem } from "./groups";
import { conversations } from "./queries";
import { RowMenu } from "./RowMenu";
import { titleOf } from "./title";
import { useToday } from "./useToday";

/** In rem, as the styles say. */
const ROW = 2.5;
const HEADING = 2.25;
/** So many rows before the end the next page is fetched. */
const AHEAD = 40;

interface Props {
  filters: Filters;
  scroller: RefObject<HTMLElement | null>;
}

export function ConversationList({ filters, scroller }: Props) {
  const text = useText();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    conversations(filters),
  );
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
  if (rows.length === 0) {
    return (
      <p className={styles.state}>{countOf(filters) > 0 ? text.conversations.noMatch : text.conversations.empty}</p>
    );
  }
  const more = hasNextPage && !isFetchingNextPage && !error ? () => void fetchNextPage() : undefined;
  return <Rows rows={rows} scroller={scroller} more={more} />;
}

interface RowsProps {
  rows: readonly ConversationRow[];
  scroller: RefObject<HTMLElement | null>;
  /** Fetches the next page, where there is one. */
  more: (() => void) | undefined;
}

export function Rows({ rows, scroller, more }: RowsProps) {
  const text = useText();
  const language = useLanguage();
  const today = useToday();
  const items = useMemo(() => grouped(rows, today, text.conversations, language), [rows, today, text, language]);
  const rem = useMemo(() => Number.parseFloat(getComputedStyle(document.documentElement).fontSize), []);
  const getItemKey = useCallback((index: number) => items[index]?.key ?? index, [items]);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => rem * (items[index]?.type === "heading" ? HEADING : ROW),
    // Another function each time would have every place computed anew each time.
    getItemKey,
    overscan: 8,
    initialRect: { width: 280, height: 600 },
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= items.length - AHEAD) more();
  }, [more, last, items.length]);
  return (
    <ul className={styles.list} style={{ height: virtual.getTotalSize() }}>
      {shown.map(({ key, index, start }) => {
        const item = items[index];
        return item && <Item key={key} item={item} start={start} />;
      })}
    </ul>
  );
}

const Item = memo(function Item({ item, start }: { item: ListItem; start: number }) {
  const style = { transform: `translateY(${start}px)` };
  if (item.type === "heading") {
    return (
      <li className={styles.heading} style={style}>
        {item.label}
      </li>
    );
  }
  return (
    <li className={styles.item} style={style}>
      <Row row={item.row} />
    </li>
  );
});

function Row({ row }: { row: ConversationRow }) {
  const text = useText();
  const title = titleOf(row) ?? text.conversations.untitled;
  return (
    <>
      <Link
        to="/c/$conversationId"
        params={{ conversationId: row.id }}
        search={({ branch: _, m: __, ...search }) => search}
        className={styles.row}
        activeOptions={{ includeSearch: false }}
        activeProps={{ "aria-current": "page" }}
        data-conversation={row.id}
        title={title}
        preload={false}
      >
        <span className={styles.title} dir="auto">
          {title}
        </span>
        {row.tags.length > 0 && <span className={styles.tag}>{row.tags[0]}</span>}
        {row.pinned && <Pin size={13} role="img" aria-label={text.conversations.pinned} />}
        {row.answering && <span className={styles.answering} role="img" aria-label={text.conversations.answering} />}
      </Link>
      <span className={styles.menu}>
        <RowMenu row={row} />
      </span>
    </>
  );
}

function Ghosts() {
  return (
    <div className={styles.ghosts} aria-busy="true">
      {[70, 55, 80, 60].map((width) => (
        <span key={width} className={styles.ghost} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
