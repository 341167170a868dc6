//! Progress of a document on its way into the index.

use std::sync::Arc;

use aggregates::{DocumentId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A phase of indexing a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IndexingPhase)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The text is extracted from the file.
    Extracting,
    /// The text is split into passages.
    Splitting,
    /// The passages are embedded and written.
    Embedding,
    /// All passages are written and the result is recorded.
    Indexing,
}

/// Progress within a phase, in passages once they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Current phase.
    pub stage: Stage,
    /// Completed units.
    pub done: u32,
    /// All units.
    pub total: u32,
}

/// Receives the progress of a document with its owner.
pub type ProgressSink = Arc<dyn Fn(DocumentId, UserId, Progress) + Send + Sync>;
