// An entry of the list of documents: a document, or a file that is being uploaded.

import { useQuery } from "@tanstack/react-query";
import { CircleAlert, FileText, Users } from "lucide-react";
import type { DocumentProgress, DocumentRow } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { type Texts, useLanguage, useText } from "../text/text";
import { Button } from "../ui/Button";
import { DocumentActions } from "./DocumentActions";
import styles from "./Documents.module.css";
import { formatBytes } from "./formatBytes";
import { omissionText } from "./omissionText";
import { progressQuery } from "./queries";
import type { Upload } from "./useUploads";

export function UploadItem({ upload, onDismiss }: { upload: Upload; onDismiss: () => void }) {
  const text = useText();
  const { file, percent, error } = upload;
  return (
    <li className={styles.item}>
      <FileText size={20} aria-hidden="true" />
      <div className={styles.about}>
        <p className={styles.title} dir="auto">
          {file.name}
        </p>
        {error ? (
          <p className={styles.error}>{errorMessage(error, text)}</p>
        ) : (
          <>
            <p className={styles.small}>{text.documents.uploading(percent)}</p>
            <progress className={styles.progress} value={percent} max={100} aria-label={file.name} />
          </>
        )}
      </div>
      {error && (
        <Button size="small" kind="quiet" onClick={onDismiss}>
          {text.documents.dismiss}
        </Button>
      )}
    </li>
  );
}

export function DocumentItem({ document }: { document: DocumentRow }) {
  const text = useText();
  const language = useLanguage();
  const { data: progress } = useQuery(progressQuery(document.id));
  const when = new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(document.created_at));
  return (
    <li className={styles.item} data-status={document.status}>
      {document.status === "rejected" ? (
        <CircleAlert size={20} aria-hidden="true" />
      ) : (
        <FileText size={20} aria-hidden="true" />
      )}
      <div className={styles.about}>
        <p className={styles.title} dir="auto">
          {document.title}
        </p>
        <p className={document.status === "rejected" ? styles.error : styles.small}>
          {[
            statusText(document, progress ?? null, text),
            document.pages !== null && text.documents.pages(document.pages),
            document.language !== null && languageName(document.language, language),
            formatBytes(document.size, language),
            when,
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
        {document.omissions.length > 0 && (
          <ul className={styles.warning} aria-label={text.documents.omitted}>
            {document.omissions.map((omission) => {
              const words = omissionText(omission, text);
              return <li key={words}>{words}</li>;
            })}
          </ul>
        )}
        {document.tags.length > 0 && <p className={styles.small}>{document.tags.map((tag) => `#${tag}`).join(" ")}</p>}
        {document.status === "added" && progress && progress.total > 0 && (
          <progress
            className={styles.progress}
            value={progress.done}
            max={progress.total}
            aria-label={document.title}
          />
        )}
      </div>
      {document.scope === "shared" ? (
        <span className={styles.shared}>
          <Users size={14} aria-hidden="true" /> {text.documents.shared}
        </span>
      ) : (
        <DocumentActions document={document} />
      )}
    </li>
  );
}

function statusText({ status, passages, reason }: DocumentRow, progress: DocumentProgress | null, text: Texts): string {
  if (status === "indexed") return text.documents.indexed(passages);
  if (status === "rejected") return reason ? `${text.documents.rejected}. ${reason}` : text.documents.rejected;
  return progress ? text.documents.stages[progress.stage] : text.documents.queued;
}

function languageName(code: string, language: string): string {
  return new Intl.DisplayNames(language, { type: "language" }).of(code) ?? code;
}
