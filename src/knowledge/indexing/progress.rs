//! How far a document is on its way into the index.

use std::sync::Arc;

use aggregates::{DocumentId, UserId};
use serde::{Deserialize, Serialize};

/// What is being done with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Its text is taken out of its file.
    Extracting,
    /// The text is cut into passages.
    Splitting,
    /// The passages are embedded and written.
    Embedding,
    /// All of them are written; the document is about to be found.
    Indexing,
}

/// How far it is: passages done, of all, once they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done.
    pub done: u32,
    /// How much there is to do.
    pub total: u32,
}

/// Who is told how far a document of somebody is.
pub type Told = Arc<dyn Fn(DocumentId, UserId, Progress) + Send + Sync>;
