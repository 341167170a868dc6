//! Which version of a document counts. A new version is written beside the old one; readers change over at once, when it
//! is said to count.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use crate::index::Candidate;
use crate::vocabulary::{ContentVersion, DocumentId};

/// By how much the clocks of who says since when and of who searches may run apart.
const MARGIN: Duration = Duration::from_millis(100);

/// The version of a document that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Current {
    /// Which one.
    pub version: ContentVersion,
    /// Since when.
    pub age: Duration,
}

/// Says of documents which of their versions count. A document that is missing in the answer is not to be found.
pub type Versions = Arc<
    dyn Fn(Vec<DocumentId>) -> BoxFuture<'static, Result<HashMap<DocumentId, Current>, NotKnown>>
        + Send
        + Sync,
>;

/// Why it is not known which versions count.
#[derive(Debug, thiserror::Error)]
#[error("learn which versions of documents count")]
pub struct NotKnown(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What counts of what was found by a search that began then, and whether nothing began to count since.
pub(super) async fn counting(
    versions: &Versions,
    mut found: Vec<Candidate>,
    began: Instant,
) -> Result<(Vec<Candidate>, bool), NotKnown> {
    let mut documents: Vec<DocumentId> = found.iter().map(|candidate| candidate.id.document_id).collect();
    documents.sort_unstable();
    documents.dedup();
    if documents.is_empty() {
        return Ok((found, true));
    }
    let current = versions(documents).await?;
    let since = began.elapsed() + MARGIN;
    found.retain(|candidate| {
        let counts = current.get(&candidate.id.document_id);
        counts.is_some_and(|counts| counts.version == candidate.version)
    });
    Ok((found, current.values().all(|current| current.age > since)))
}
