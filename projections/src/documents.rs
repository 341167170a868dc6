//! The list of documents: one row per document. A removed document keeps its row, without its title.

mod fold;
mod query;

pub(crate) use fold::apply;
pub use query::{
    Cursor, DocumentRow, Fingerprint, SealedDocument, StoredDocuments, awaiting_indexing, find_by_sha256,
    fingerprint, get, list, stored,
};
