// What a search found: each hit shows why, and leads to its message.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Found } from "../api/types";
import { inWords } from "../text/failures";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert } from "../ui/Notice";
import styles from "./FoundList.module.css";
import type { Filters } from "./filters";
import { marked } from "./marked";
import { found } from "./queries";

export function FoundList({ filters }: { filters: Filters }) {
  const text = useText();
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(found(filters));
  if (error) {
    return (
      <div className={styles.state}>
        <Alert>{inWords(error, text)}</Alert>
      </div>
    );
  }
  const hits = data?.pages.flatMap(({ items }) => items);
  if (!hits) return <p className={styles.state} aria-busy="true" />;
  return (
    <>
      <p className={hits.length === 0 ? styles.state : "visually-hidden"} role="status">
        {hits.length === 0 ? text.search.nothing : text.search.results(hits.length)}
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

function Hit({ hit }: { hit: Found }) {
  const text = useText();
  const message = hit.message_id ?? undefined;
  const who = hit.role === "user" ? text.conversation.question : hit.role === "title" ? text.search.inTitle : text.name;
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
        <span className={styles.who}>{who}: </span>
        {marked(hit.snippet, hit.highlights).map(({ from, text: part, found: isFound }) =>
          isFound ? <mark key={from}>{part}</mark> : part,
        )}
      </span>
    </Link>
  );
}
