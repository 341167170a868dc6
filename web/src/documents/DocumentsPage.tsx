// The user's documents: upload, indexing progress and removal.

import { useInfiniteQuery } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { Problem } from "../api/problem";
import { errorMessage } from "../text/errorMessage";
import { useLanguage, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert, Notice } from "../ui/Notice";
import { Page } from "../ui/Page";
import { arrangeRows, ORDERS, type Order } from "./arrangeRows";
import { DocumentItem, UploadItem } from "./DocumentItem";
import styles from "./Documents.module.css";
import { FileInput } from "./FileInput";
import { documentsQuery } from "./queries";
import { parseTags } from "./tagsOf";
import { useUploads } from "./useUploads";

export default function DocumentsPage() {
  const text = useText();
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage, isPending } = useInfiniteQuery(documentsQuery);
  const { uploads, add, dismiss } = useUploads();
  const [{ words, order }, setArrangement] = useState<Arranged>({ words: "", order: "newest" });
  const language = useLanguage();
  // Only all documents together can be searched and sorted.
  const needsAll = words.trim() !== "" || order !== "newest";
  const needsMore = needsAll && hasNextPage;
  useEffect(() => {
    if (needsMore && !isFetchingNextPage && !error) void fetchNextPage();
  }, [needsMore, isFetchingNextPage, error, fetchNextPage]);
  if (error instanceof Problem && error.status === 404) {
    return <Notice title={text.failure.notAvailable} hint={text.failure.notAvailableHint} />;
  }
  const rows = data?.pages.flatMap(({ items }) => items) ?? [];
  const listed = new Set(rows.map(({ id }) => id));
  const pendingUploads = uploads.filter(({ documentId }) => documentId === undefined || !listed.has(documentId));
  const shown = arrangeRows(rows, words, order, language);
  return (
    <Page title={text.documents.title} hint={text.documents.hint}>
      <DropZone onFiles={add} />
      {error && <Alert>{errorMessage(error, text)}</Alert>}
      {rows.length > 0 && <Arrangement words={words} order={order} onChange={setArrangement} />}
      <ul className={styles.list} aria-busy={isPending || needsMore}>
        {pendingUploads.map((upload) => (
          <UploadItem key={upload.id} upload={upload} onDismiss={() => dismiss(upload.id)} />
        ))}
        {shown.map((document) => (
          <DocumentItem key={document.id} document={document} />
        ))}
      </ul>
      {data && shown.length + pendingUploads.length === 0 && !needsMore && (
        <p className={styles.empty} role="status">
          {rows.length === 0 ? text.documents.empty : text.search.noResults}
        </p>
      )}
      {hasNextPage && !needsAll && (
        <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {text.documents.more}
        </Button>
      )}
    </Page>
  );
}

interface Arranged {
  words: string;
  order: Order;
}

function Arrangement({ words, order, onChange }: Arranged & { onChange: (arranged: Arranged) => void }) {
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
