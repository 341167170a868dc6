//! Limits search results to the current version of each document. A new version is indexed beside the old one
//! and becomes current for all readers at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use crate::index::Candidate;
use crate::vocabulary::{ContentVersion, DocumentId};

/// The greatest difference between the clock behind [`CurrentVersion::age`] and the clock of the search.
const CLOCK_SKEW: Duration = Duration::from_millis(100);

/// The current version of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentVersion {
    /// The number of the version.
    pub version: ContentVersion,
    /// The time since the version became current.
    pub age: Duration,
}

/// Returns the current versions of documents. A document without an entry in the result is not found
/// by searches.
pub type VersionLookup = Arc<
    dyn Fn(
            Vec<DocumentId>,
        ) -> BoxFuture<'static, Result<HashMap<DocumentId, CurrentVersion>, VersionLookupError>>
        + Send
        + Sync,
>;

/// The current versions of documents are unknown.
#[derive(Debug, thiserror::Error)]
#[error("the current versions of the documents are unknown")]
pub struct VersionLookupError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Returns the candidates of current versions, and whether no version became current since the
/// search started.
pub(super) async fn retain_current(
    versions: &VersionLookup,
    mut found: Vec<Candidate>,
    started: Instant,
) -> Result<(Vec<Candidate>, bool), VersionLookupError> {
    let mut documents: Vec<DocumentId> = found.iter().map(|candidate| candidate.id.document_id).collect();
    documents.sort_unstable();
    documents.dedup();
    if documents.is_empty() {
        return Ok((found, true));
    }
    let current = versions(documents).await?;
    let since_start = started.elapsed() + CLOCK_SKEW;
    found.retain(|candidate| {
        let current = current.get(&candidate.id.document_id);
        current.is_some_and(|current| current.version == candidate.version)
    });
    Ok((found, current.values().all(|current| current.age > since_start)))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use uuid::Uuid;

    use super::*;
    use crate::vocabulary::PassageId;

    fn document(number: u128) -> DocumentId {
        DocumentId::from(Uuid::from_u128(number))
    }

    fn candidate(number: u128, version: u64) -> Candidate {
        Candidate {
            id: PassageId { document_id: document(number), ordinal: 0 },
            version: ContentVersion(version),
            vector: Vec::new(),
            cosine: 0.0,
            bm25: 0.0,
        }
    }

    /// A lookup that knows document 1 in version 2 since `age`, and no other document.
    fn lookup(age: Duration) -> VersionLookup {
        Arc::new(move |_| {
            let current = CurrentVersion { version: ContentVersion(2), age };
            Box::pin(async move { Ok(HashMap::from([(document(1), current)])) })
        })
    }

    #[tokio::test]
    async fn only_candidates_of_the_current_version_stay() {
        let found = vec![candidate(1, 1), candidate(1, 2), candidate(2, 2)];
        let (kept, is_consistent) =
            retain_current(&lookup(Duration::MAX), found, Instant::now()).await.unwrap();
        assert_eq!(
            kept.iter().map(|c| (c.id.document_id, c.version.0)).collect::<Vec<_>>(),
            [(document(1), 2)]
        );
        assert!(is_consistent);
    }

    #[tokio::test]
    async fn a_version_that_became_current_during_the_search_is_inconsistent() {
        let (_, is_consistent) =
            retain_current(&lookup(Duration::ZERO), vec![candidate(1, 2)], Instant::now()).await.unwrap();
        assert!(!is_consistent);
    }

    #[tokio::test]
    async fn each_document_is_looked_up_once() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&asked);
        let versions: VersionLookup = Arc::new(move |documents| {
            record.lock().unwrap().extend(documents);
            Box::pin(async { Ok(HashMap::new()) })
        });
        let found = vec![candidate(2, 1), candidate(1, 1), candidate(2, 2)];
        retain_current(&versions, found, Instant::now()).await.unwrap();
        assert_eq!(*asked.lock().unwrap(), [document(1), document(2)]);
    }
}
