// What can be done with a document of one's own: tags, download, indexing again, removal.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Download, RotateCw, Tag, Trash2 } from "lucide-react";
import { useState } from "react";
import { parseTags } from "../api/tags";
import type { DocumentCommand, DocumentRow } from "../api/types";
import { downloadFile } from "../settings/downloadFile";
import { errorMessage } from "../text/errorMessage";
import { useText } from "../text/text";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { IconButton } from "../ui/IconButton";
import { useToast } from "../ui/Toasts";
import { applyDocumentEvent } from "./applyDocumentEvent";
import styles from "./Documents.module.css";
import { changeDocument, DOCUMENT_LISTS, fetchDocument, fetchOriginal, removeDocument } from "./queries";

interface Props {
  document: DocumentRow;
}

export function DocumentActions({ document }: Props) {
  const text = useText();
  const toast = useToast();
  const change = useDocumentChange(document.id);
  const [open, setOpen] = useState<"tags" | "remove">();
  const download = useMutation({
    mutationFn: () => fetchOriginal(document.id),
    onSuccess: (file) => downloadFile(file, document.title),
    onError: (error) => toast({ text: errorMessage(error, text) }),
  });
  const label = (action: string) => `${action}: ${document.title}`;
  return (
    <>
      <IconButton label={label(text.documents.tags)} onClick={() => setOpen("tags")}>
        <Tag size={17} />
      </IconButton>
      <IconButton
        label={label(text.documents.download)}
        disabled={download.isPending}
        onClick={() => download.mutate()}
      >
        <Download size={17} />
      </IconButton>
      <IconButton
        label={label(text.documents.reindex)}
        disabled={change.isPending || document.status === "added"}
        onClick={() => change.mutate({ type: "reindex" })}
      >
        <RotateCw size={17} />
      </IconButton>
      <IconButton label={label(text.documents.remove)} onClick={() => setOpen("remove")}>
        <Trash2 size={17} />
      </IconButton>
      {open === "tags" && <TagsDialog document={document} onClose={() => setOpen(undefined)} />}
      {open === "remove" && <RemoveDialog document={document} onClose={() => setOpen(undefined)} />}
    </>
  );
}

function useDocumentChange(id: string) {
  const text = useText();
  const queries = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: async (command: DocumentCommand) => fetchDocument(id, (await changeDocument(id, command)).version),
    onSuccess: (row) => applyDocumentEvent(queries, row),
    onError: (error) => toast({ text: errorMessage(error, text) }),
  });
}

function TagsDialog({ document, onClose }: Props & { onClose: () => void }) {
  const text = useText();
  const change = useDocumentChange(document.id);
  const [typed, setTyped] = useState(document.tags.join(", "));
  const tags = parseTags(typed);
  return (
    <Dialog title={`${text.documents.tags}: ${document.title}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate({ type: "tag", tags }, { onSuccess: onClose });
        }}
      >
        <input
          className={styles.words}
          aria-label={text.documents.tags}
          value={typed}
          maxLength={1000}
          onChange={({ target }) => setTyped(target.value)}
        />
        <p className={styles.small}>{text.documents.tagsHint}</p>
        <div className={styles.actions}>
          <Button kind="quiet" onClick={onClose}>
            {text.cancel}
          </Button>
          <Button kind="primary" type="submit" disabled={change.isPending}>
            {text.documents.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ document, onClose }: Props & { onClose: () => void }) {
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
      void queries.invalidateQueries({ queryKey: DOCUMENT_LISTS });
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
