//! Which versions of documents count, for whoever searches: by their events, so that a search sees what was recorded before
//! it, however far the read models are.

use std::sync::Arc;

use aggregates::DocumentId;
use rag::retrieve::{Current, NotKnown, Versions};
use rag::vocabulary::ContentVersion;

use store::Store;

/// The versions of documents that count, by their events.
pub fn versions_of(store: Store) -> Versions {
    Arc::new(move |documents| {
        let store = store.clone();
        Box::pin(async move {
            let ids: Vec<DocumentId> = documents.iter().map(|id| DocumentId::new((*id).into())).collect();
            let counting = store.counting_versions(&ids).await.map_err(|error| NotKnown(Box::new(error)))?;
            let current = counting.into_iter().map(|(id, version)| {
                (id.uuid().into(), Current { version: ContentVersion(version.brought.0), age: version.age })
            });
            Ok(current.collect())
        })
    })
}
