// The user's documents: upload, indexing progress and removal.

import { useInfiniteQuery } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { Problem } from "../api/problem";
import { parseTags } from "../api/tags";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert, Notice } from "../ui/Notice";
import { Page } from "../ui/Page";
import { DocumentItem, UploadItem } from "./DocumentItem";
import styles from "./Documents.module.css";
import { FileInput } from "./FileInput";
import { type Arrangement, documentsQuery, NEWEST, ORDERS } from "./queries";
import { useSettled } from "./useSettled";
import { useUploads } from "./useUploads";

/** Time without typing after which a search begins. */
const SEARCH_DELAY_MS = 250;

export default function DocumentsPage() {
  const text = useText();
  const [{ words, order }, setArrangement] = useState(NEWEST);
  const searched = useSettled(words.trim(), SEARCH_DELAY_MS);
  const query = useInfiniteQuery(documentsQuery({ words: searched, order }));
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage, isPending, isPlaceholderData } = query;
  const { uploads, add, dismiss } = useUploads();
  if (error instanceof Problem && error.status === 404) {
    return <Notice title={text.failure.notAvailable} hint={text.failure.notAvailableHint} />;
  }
  const rows = data?.pages.flatMap(({ items }) => items) ?? [];
  const listed = new Set(rows.map(({ id }) => id));
  const pendingUploads = uploads.filter(({ documentId }) => documentId === undefined || !listed.has(documentId));
  const isArranged = words !== "" || searched !== "" || isPlaceholderData || order !== NEWEST.order;
  const isSearching = isPlaceholderData || searched !== words.trim();
  return (
    <Page title={text.documents.title} hint={text.documents.hint}>
      <DropZone onFiles={add} />
      {error && <Alert>{errorMessage(error, text)}</Alert>}
      {(rows.length > 0 || isArranged) && <ArrangementForm words={words} order={order} onChange={setArrangement} />}
      <ul className={styles.list} aria-busy={isPending || isSearching}>
        {pendingUploads.map((upload) => (
          <UploadItem key={upload.id} upload={upload} onDismiss={() => dismiss(upload.id)} />
        ))}
        {rows.map((document) => (
          <DocumentItem key={document.id} document={document} />
        ))}
      </ul>
      {data && rows.length + pendingUploads.length === 0 && !isSearching && (
        <p className={styles.empty} role="status">
          {isArranged ? text.search.noResults : text.documents.empty}
        </p>
      )}
      {hasNextPage && !isSearching && (
        <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {text.documents.more}
        </Button>
      )}
    </Page>
  );
}

interface FormProps extends Arrangement {
  onChange: (arrangement: Arrangement) => void;
}

function ArrangementForm({ words, order, onChange }: FormProps) {
  const text = useText();
  return (
    <search className={styles.arrangement}>
      <input
        type="search"
        className={styles.words}
        aria-label={text.documents.search}
        placeholder={text.documents.search}
        value={words}
        maxLength={200}
        onChange={({ target }) => onChange({ words: target.value, order })}
      />
      <label>
        {text.documents.order}{" "}
        <select
          className={styles.order}
          value={order}
          onChange={({ target }) => onChange({ words, order: ORDERS.find((one) => one === target.value) ?? "newest" })}
        >
          {ORDERS.map((one) => (
            <option key={one} value={one}>
              {text.documents.orders[one]}
            </option>
          ))}
        </select>
      </label>
    </search>
  );
}

function DropZone({ onFiles }: { onFiles: (files: Iterable<File>, tags: readonly string[]) => void }) {
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const [tags, setTags] = useState("");
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    onFiles([...event.dataTransfer.files], parseTags(tags));
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button offers the same to keyboard users
    <div
      className={styles.drop}
      data-over={isOver}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={onDrop}
    >
      <FileUp size={28} aria-hidden="true" />
      <p>{isOver ? text.documents.dropNow : text.documents.drop}</p>
      <Button kind="primary" onClick={() => input.current?.click()}>
        {text.documents.choose}
      </Button>
      <p className={styles.small}>{text.documents.formats}</p>
      <input
        className={styles.tags}
        aria-label={text.documents.uploadTags}
        placeholder={text.documents.uploadTags}
        title={text.documents.tagsHint}
        value={tags}
        maxLength={1000}
        onChange={({ target }) => setTags(target.value)}
      />
      <FileInput ref={input} label={text.documents.choose} onFiles={(files) => onFiles(files, parseTags(tags))} />
    </div>
  );
}
