// A person's own documents: adding them, watching them being read, removing them.

import { useInfiniteQuery } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { Problem } from "../api/problem";
import { inWords } from "../text/failures";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Alert, Notice } from "../ui/Notice";
import { Page } from "../ui/Page";
import { DocumentItem, UploadItem } from "./DocumentItem";
import styles from "./Documents.module.css";
import { documents } from "./queries";
import { useUploads } from "./useUploads";

const ACCEPTED = ".pdf,.docx,.html,.htm,.md,.markdown,.txt,text/plain,text/markdown,text/html,application/pdf";

export default function DocumentsPage() {
  const text = useText();
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage, isPending } = useInfiniteQuery(documents);
  const { uploads, add, dismiss } = useUploads();
  if (error instanceof Problem && error.status === 404) {
    return <Notice title={text.failure.notAvailable} hint={text.failure.notAvailableHint} />;
  }
  const rows = data?.pages.flatMap(({ items }) => items) ?? [];
  const known = new Set(rows.map(({ id }) => id));
  const onTheirWay = uploads.filter(({ documentId }) => documentId === undefined || !known.has(documentId));
  return (
    <Page title={text.documents.title} hint={text.documents.hint}>
      <DropPlace onFiles={add} />
      {error && <Alert>{inWords(error, text)}</Alert>}
      <ul className={styles.list} aria-busy={isPending}>
        {onTheirWay.map((upload) => (
          <UploadItem key={upload.id} upload={upload} onDismiss={() => dismiss(upload.id)} />
        ))}
        {rows.map((document) => (
          <DocumentItem key={document.id} document={document} />
        ))}
      </ul>
      {data && rows.length === 0 && onTheirWay.length === 0 && <p className={styles.empty}>{text.documents.empty}</p>}
      {hasNextPage && (
        <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {text.documents.more}
        </Button>
      )}
    </Page>
  );
}

function DropPlace({ onFiles }: { onFiles: (files: Iterable<File>) => void }) {
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onFiles([...event.dataTransfer.files]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is beside choosing, which the button does for everybody
    <div
      className={styles.drop}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <FileUp size={28} aria-hidden="true" />
      <p>{over ? text.documents.dropNow : text.documents.drop}</p>
      <Button kind="primary" onClick={() => input.current?.click()}>
        {text.documents.choose}
      </Button>
      <p className={styles.small}>{text.documents.kinds}</p>
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
