// An entry of the list of documents: a document, or a file that is being uploaded.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, FileText, Trash2, Users } from "lucide-react";
import { useState } from "react";
import type { DocumentProgress, DocumentRow } from "../api/types";
import { errorMessage } from "../text/errorMessage";
import { type Texts, useLanguage, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { IconButton } from "../ui/IconButton";
import { useToast } from "../ui/Toasts";
import { applyDocumentEvent } from "./applyDocumentEvent";
import styles from "./Documents.module.css";
import { formatBytes } from "./formatBytes";
import { documentsQuery, progressQuery, removeDocument } from "./queries";
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
  const [isConfirming, setIsConfirming] = useState(false);
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
          {[statusText(document, progress ?? null, text), formatBytes(document.size, language), when].join(" · ")}
        </p>
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
        <IconButton label={`${text.documents.remove}: ${document.title}`} onClick={() => setIsConfirming(true)}>
          <Trash2 size={17} />
        </IconButton>
      )}
      {isConfirming && <RemoveDialog document={document} onClose={() => setIsConfirming(false)} />}
    </li>
  );
}

function RemoveDialog({ document, onClose }: { document: DocumentRow; onClose: () => void }) {
  const text = useText();
  const queries = useQueryClient();
  const toast = useToast();
  const removal = useMutation({
    mutationFn: () => removeDocument(document.id),
    onSuccess: () => {
      applyDocumentEvent(queries, { id: document.id, deleted: true });
      toast({ text: text.documents.removed });
      onClose();
    },
    onError: (error) => {
      void queries.invalidateQueries({ queryKey: documentsQuery.queryKey });
      toast({ text: errorMessage(error, text) });
      onClose();
    },
  });
  return (
    <Dialog title={text.documents.confirmRemove(document.title)} onClose={onClose}>
      <p>{text.documents.removeHint}</p>
      <div className={styles.actions}>
        <Button kind="quiet" onClick={onClose}>
          {text.cancel}
        </Button>
        <Button kind="danger" disabled={removal.isPending} onClick={() => removal.mutate()}>
          {text.documents.remove}
        </Button>
      </div>
    </Dialog>
  );
}

function statusText({ status, passages, reason }: DocumentRow, progress: DocumentProgress | null, text: Texts): string {
  if (status === "indexed") return text.documents.indexed(passages);
  if (status === "rejected") return reason ? `${text.documents.rejected}. ${reason}` : text.documents.rejected;
  return progress ? text.documents.stages[progress.stage] : text.documents.queued;
}
