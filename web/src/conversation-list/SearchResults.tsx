// The results of a search. Each links to its message and shows a snippet with the highlights.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { SearchHit } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import type { Filters } from "./filters";
import { splitHighlights } from "./highlight";
import { searchQuery } from "./queries";
import styles from "./SearchResults.module.css";

export function SearchResults({ filters }: { filters: Filters }) {
  const text = useText();
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(searchQuery(filters));
  if (error) {
    return (
      <div className={styles.state}>
        <Alert>{errorMessage(error, text)}</Alert>
      </div>
    );
  }
  const hits = data?.pages.flatMap(({ items }) => items);
  if (!hits) return <p className={styles.state} aria-busy="true" />;
  return (
    <>
      <p className={hits.length === 0 ? styles.state : "visually-hidden"} role="status">
        {hits.length === 0 ? text.search.noResults : text.search.results(hits.length)}
      </p>
      <ul className={styles.list}>
        {hits.map((hit) => (
          <li key={`${hit.conversation_id} ${hit.message_id}`}>
            <Hit hit={hit} />
          </li>
        ))}
      </ul>
      {hasNextPage && (
        <Button size="small" kind="quiet" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {text.documents.more}
        </Button>
      )}
    </>
  );
}

function Hit({ hit }: { hit: SearchHit }) {
  const text = useText();
  const message = hit.message_id ?? undefined;
  const origin =
    hit.role === "user" ? text.conversation.question : hit.role === "title" ? text.search.inTitle : text.name;
  return (
    <Link
      to="/c/$conversationId"
      params={{ conversationId: hit.conversation_id }}
      search={({ branch: _, m: __, ...search }) => ({ ...search, ...(message && { branch: message, m: message }) })}
      className={styles.hit}
    >
      <span className={styles.title} dir="auto">
        {hit.title || text.conversations.untitled}
      </span>
      <span className={styles.snippet}>
        <span className={styles.origin}>{origin}: </span>
        {splitHighlights(hit.snippet, hit.highlights).map(({ start, text: part, isHighlight }) =>
          isHighlight ? <mark key={start}>{part}</mark> : part,
        )}
      </span>
    </Link>
  );
}
