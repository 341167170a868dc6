// The shapes of documents and passages, as the API describes them.

/** A document in the list. */
export interface DocumentRow {
  id: string;
  title: string;
  media_type: string;
  size: number;
  scope: "user" | "shared";
  status: "added" | "indexed" | "rejected";
  passages: number | null;
  reason: string | null;
  created_at: string;
  updated_at: string;
  version: number;
}

export interface DocumentPage {
  items: DocumentRow[];
  next_cursor: string | null;
}

export interface NumberedText {
  number: number;
  text: string;
}

/** A passage among its neighbours. */
export interface Passage extends NumberedText {
  document_id: string;
  title: string;
  heading: string[];
  before: NumberedText[];
  after: NumberedText[];
}
