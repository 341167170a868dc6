// The list of conversations. Renders only the visible rows.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { Pin } from "lucide-react";
import { memo, type RefObject, useCallback, useEffect, useMemo } from "react";
import type { ConversationRow } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { useLanguage, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import styles from "./ConversationList.module.css";
import { countFilters, type Filters } from "./filters";
import { groupRows, type ListItem } from "./groupRows";
import { listQuery } from "./queries";
import { RowMenu } from "./RowMenu";
import { titleOf } from "./title";
import { useToday } from "./useToday";

/** Heights in rem, as in the stylesheet. */
const ROW_HEIGHT_REM = 2.5;
const HEADING_HEIGHT_REM = 2.25;
/** The next page is fetched when fewer rows than this follow the last visible one. */
const FETCH_AHEAD_ROWS = 40;

interface Props {
  filters: Filters;
  scroller: RefObject<HTMLElement | null>;
}

export function ConversationList({ filters, scroller }: Props) {
  const text = useText();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(listQuery(filters));
  if (!data && error) {
    return (
      <div className={styles.state}>
        <Alert>{errorMessage(error, text)}</Alert>
        <Button size="small" onClick={() => void refetch()}>
          {text.failure.retry}
        </Button>
      </div>
    );
  }
  if (!data) return <Placeholder />;
  const rows = data.pages.flatMap(({ items }) => items);
  if (rows.length === 0) {
    return (
      <p className={styles.state}>
        {countFilters(filters) > 0 ? text.conversations.noMatch : text.conversations.empty}
      </p>
    );
  }
  const fetchMore = hasNextPage && !isFetchingNextPage && !error ? () => void fetchNextPage() : undefined;
  return <Rows rows={rows} scroller={scroller} fetchMore={fetchMore} />;
}

interface RowsProps {
  rows: readonly ConversationRow[];
  scroller: RefObject<HTMLElement | null>;
  /** Undefined if there is no next page or it is being fetched. */
  fetchMore: (() => void) | undefined;
}

export function Rows({ rows, scroller, fetchMore }: RowsProps) {
  const text = useText();
  const language = useLanguage();
  const today = useToday();
  const items = useMemo(() => groupRows(rows, today, text.conversations, language), [rows, today, text, language]);
  const rem = useMemo(() => Number.parseFloat(getComputedStyle(document.documentElement).fontSize), []);
  const getItemKey = useCallback((index: number) => items[index]?.key ?? index, [items]);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => rem * (items[index]?.type === "heading" ? HEADING_HEIGHT_REM : ROW_HEIGHT_REM),
    // A new function on each render would make the virtualizer compute all positions again.
    getItemKey,
    overscan: 8,
    initialRect: { width: 280, height: 600 },
  });
  const visible = virtual.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;
  useEffect(() => {
    if (fetchMore && last >= items.length - FETCH_AHEAD_ROWS) fetchMore();
  }, [fetchMore, last, items.length]);
  return (
    <ul className={styles.list} style={{ height: virtual.getTotalSize() }}>
      {visible.map(({ key, index, start }) => {
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

function Placeholder() {
  return (
    <div aria-busy="true">
      {[70, 55, 80, 60].map((width) => (
        <span key={width} className={styles.placeholderRow} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
