// The state of files that are attached to a question. Pure.

import type { DocumentRow } from "../api/types";
import type { Upload } from "./useUploads";

export type AttachmentState = "uploading" | "indexing" | "ready" | "failed";

/** `document` is the row of the document that the file became, if it is known. */
export function attachmentState({ error }: Pick<Upload, "error">, document: DocumentRow | undefined): AttachmentState {
  if (error || document?.status === "rejected") return "failed";
  if (document?.status === "indexed") return "ready";
  return document ? "indexing" : "uploading";
}

/** What a question waits for: nothing if there are no files, or all are ready. */
export function stateOfAll(states: readonly AttachmentState[]): AttachmentState {
  if (states.includes("failed")) return "failed";
  if (states.includes("uploading")) return "uploading";
  return states.includes("indexing") ? "indexing" : "ready";
}
