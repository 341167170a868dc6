// The files that are attached to a question, each with its progress.

import { useQuery } from "@tanstack/react-query";
import { CircleAlert, FileText, X } from "lucide-react";
import { errorMessage } from "../text/errorMessage";
import { type Texts, useText } from "../text/text";
import { IconButton } from "../ui/IconButton";
import styles from "./Attachments.module.css";
import { omissionText } from "./omissionText";
import { progressQuery } from "./queries";
import type { Attachment } from "./useAttachments";

interface Props {
  attachments: readonly Attachment[];
  onRemove: (id: string) => void;
}

export function Attachments({ attachments, onRemove }: Props) {
  const text = useText();
  if (attachments.length === 0) return null;
  return (
    <ul className={styles.list} aria-label={text.composer.attachments}>
      {attachments.map((attachment) => (
        <Item key={attachment.id} attachment={attachment} onRemove={() => onRemove(attachment.id)} />
      ))}
    </ul>
  );
}

function Item({ attachment, onRemove }: { attachment: Attachment; onRemove: () => void }) {
  const text = useText();
  const { file, state, percent, documentId } = attachment;
  const { data: progress } = useQuery({ ...progressQuery(documentId ?? ""), enabled: documentId !== undefined });
  const isIndexing = state === "indexing" && progress && progress.total > 0;
  const [done, total] = isIndexing ? [progress.done, progress.total] : [percent, 100];
  return (
    <li className={styles.item} data-state={state}>
      {state === "failed" ? <CircleAlert size={16} aria-hidden="true" /> : <FileText size={16} aria-hidden="true" />}
      <span className={styles.name} dir="auto" title={file.name}>
        {file.name}
      </span>
      <span className={styles.state}>{stateText(attachment, text)}</span>
      {(state === "uploading" || isIndexing) && (
        <progress className={styles.progress} value={done} max={total} aria-label={file.name} />
      )}
      <IconButton label={`${text.composer.detach}: ${file.name}`} onClick={onRemove}>
        <X size={14} />
      </IconButton>
    </li>
  );
}

function stateText({ state, percent, error, document }: Attachment, text: Texts): string {
  if (error) return errorMessage(error, text);
  if (state === "failed") return document?.reason ?? text.documents.rejected;
  if (state === "uploading") return text.documents.uploading(percent);
  if (state === "indexing") return text.composer.reading;
  const omissions = document?.omissions ?? [];
  return omissions.length > 0
    ? omissions.map((omission) => omissionText(omission, text)).join(" ")
    : text.composer.ready;
}
