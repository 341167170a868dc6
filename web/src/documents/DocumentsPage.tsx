// The user's documents: upload, indexing progress and removal.

import { useInfiniteQuery } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { Problem } from "../api/problem";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert, Notice } from "../ui/Notice";
import { Page } from "../ui/Page";
import { DocumentItem, UploadItem } from "./DocumentItem";
import styles from "./Documents.module.css";
import { ACCEPTED } from "./formats";
import { documentsQuery } from "./queries";
import { useUploads } from "./useUploads";

export default function DocumentsPage() {
  const text = useText();
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage, isPending } = useInfiniteQuery(documentsQuery);
  const { uploads, add, dismiss } = useUploads();
  if (error instanceof Problem && error.status === 404) {
    return <Notice title={text.failure.notAvailable} hint={text.failure.notAvailableHint} />;
  }
  const rows = data?.pages.flatMap(({ items }) => items) ?? [];
  const listed = new Set(rows.map(({ id }) => id));
  const pendingUploads = uploads.filter(({ documentId }) => documentId === undefined || !listed.has(documentId));
  return (
    <Page title={text.documents.title} hint={text.documents.hint}>
      <DropZone onFiles={add} />
      {error && <Alert>{errorMessage(error, text)}</Alert>}
      <ul className={styles.list} aria-busy={isPending}>
        {pendingUploads.map((upload) => (
          <UploadItem key={upload.id} upload={upload} onDismiss={() => dismiss(upload.id)} />
        ))}
        {rows.map((document) => (
          <DocumentItem key={document.id} document={document} />
        ))}
      </ul>
      {data && rows.length === 0 && pendingUploads.length === 0 && (
        <p className={styles.empty}>{text.documents.empty}</p>
      )}
      {hasNextPage && (
        <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {text.documents.more}
        </Button>
      )}
    </Page>
  );
}

function DropZone({ onFiles }: { onFiles: (files: Iterable<File>) => void }) {
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    onFiles([...event.dataTransfer.files]);
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
        ref={input}
        className="visually-hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-label={text.documents.choose}
        accept={ACCEPTED}
        onChange={({ target }) => {
          onFiles([...(target.files ?? [])]);
          target.value = "";
        }}
      />
    </div>
  );
}
