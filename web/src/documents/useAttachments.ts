// The files that are attached to the question that is being written. Each becomes a document of the user.

import { useQueries } from "@tanstack/react-query";
import type { DocumentRow } from "../api/types";
import { type AttachmentState, attachmentState } from "./attachmentState";
import { documentQuery } from "./queries";
import { type Upload, useUploads } from "./useUploads";

export interface Attachment extends Upload {
  state: AttachmentState;
  document: DocumentRow | undefined;
}

export function useAttachments() {
  const { uploads, add, dismiss } = useUploads({ keepsUploaded: true });
  const documents = useQueries({
    queries: uploads.map(({ documentId }) => ({
      ...documentQuery(documentId ?? ""),
      enabled: documentId !== undefined,
    })),
  });
  const attachments = uploads.map((upload, index): Attachment => {
    const document = documents[index]?.data;
    return { ...upload, document, state: attachmentState(upload, document) };
  });
  return { attachments, add, remove: dismiss };
}
