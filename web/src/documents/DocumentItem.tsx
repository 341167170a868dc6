// One document of the list, or one on its way there.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, FileText, Trash2, Users } from "lucide-react";
import { useState } from "react";
import { fetchAnswer } from "../api/client";
import { inWords } from "../text/failures";
import { type Texts, useLanguage, useText } from "../text/text";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { IconButton } from "../ui/IconButton";
import { useToast } from "../ui/Toasts";
import styles from "./Documents.module.css";
import { takeInDocument } from "./live";
import { documents, type Progress, progressOf } from "./queries";
import { inUnits } from "./size";
import type { DocumentRow } from "./types";
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
          <p className={styles.bad}>{inWords(error, text)}</p>
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
  const { data: progress } = useQuery(progressOf(document.id));
  const [asking, setAsking] = useState(false);
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
        <p className={document.status === "rejected" ? styles.bad : styles.small}>
          {[stateOf(document, progress ?? null, text), inUnits(document.size, language), when].join(" · ")}
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
        <IconButton label={`${text.documents.remove}: ${document.title}`} onClick={() => setAsking(true)}>
          <Trash2 size={17} />
        </IconButton>
      )}
      {asking && <RemoveDialog document={document} onClose={() => setAsking(false)} />}
    </li>
  );
}

function RemoveDialog({ document, onClose }: { document: DocumentRow; onClose: () => void }) {
  const text = useText();
  const queries = useQueryClient();
  const toast = useToast();
  const removing = useMutation({
    mutationFn: () => fetchAnswer(`/v1/documents/${document.id}`, { method: "DELETE" }),
    onSuccess: () => {
      takeInDocument(queries, { type: "documentGone", id: document.id });
      toast({ text: text.documents.removed });
      onClose();
    },
    onError: (error) => {
      void queries.invalidateQueries({ queryKey: documents.queryKey });
      toast({ text: inWords(error, text) });
      onClose();
    },
  });
  return (
    <Dialog title={text.documents.removeAsk(document.title)} onClose={onClose}>
      <p>{text.documents.removeHint}</p>
      <div className={styles.actions}>
        <Button kind="quiet" onClick={onClose}>
          {text.cancel}
        </Button>
        <Button kind="danger" disabled={removing.isPending} onClick={() => removing.mutate()}>
          {text.documents.remove}
        </Button>
      </div>
    </Dialog>
  );
}

function stateOf({ status, passages, reason }: DocumentRow, progress: Progress | null, text: Texts): string {
  if (status === "indexed") return text.documents.indexed(passages ?? 0);
  if (status === "rejected") return reason ? `${text.documents.rejected}. ${reason}` : text.documents.rejected;
  const stages: Record<string, string> = text.documents.stages;
  return (progress && stages[progress.stage]) ?? text.documents.waiting;
}
