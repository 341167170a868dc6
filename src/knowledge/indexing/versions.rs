//! Current versions of documents for searches, read from their events, so that a search sees every version
//! recorded before it, whatever the position of the read models.

use std::sync::Arc;

use aggregates::DocumentId;
use rag::retrieve::{CurrentVersion, VersionLookup, VersionLookupError};
use rag::vocabulary::ContentVersion;

use store::Store;

/// Looks up current versions by the events.
pub fn versions_of(store: Store) -> VersionLookup {
    Arc::new(move |documents| {
        let store = store.clone();
        Box::pin(async move {
            let ids: Vec<DocumentId> = documents.iter().map(|id| DocumentId::new((*id).into())).collect();
            let versions =
                store.current_versions(&ids).await.map_err(|error| VersionLookupError(Box::new(error)))?;
            let current = versions.into_iter().map(|(id, version)| {
                (
                    id.uuid().into(),
                    CurrentVersion { version: ContentVersion(version.content_version.0), age: version.age },
                )
            });
            Ok(current.collect())
        })
    })
}
