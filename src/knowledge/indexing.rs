//! Brings the index to the state that a document's events record: extract, split, embed and write, or delete.
//!
//! Each run reads the events first, so a repeated run has no effect. A new version is written beside the old
//! one. Searches find the old version until `DocumentIndexed` is recorded; then it is deleted.

mod attempts;
mod claim;
mod progress;
mod repair;
mod terms;
mod versions;

use std::time::Duration;

use aggregates::document::{Document, DocumentCommand, DocumentEvent, DocumentScope, DocumentStatus};
use aggregates::{Actor, AggregateType, DocumentId, Event, Metadata, Private, UserId};
use anyhow::bail;
use measures::catalogue::DOCUMENTS_AT;
use rag::extract::ExtractError;
use rag::index::Collections;
use rag::ingest::DocumentVersion;
use rag::vocabulary::{ContentVersion, PassageId, Scope as PassageScope};
use sealing::{AssociatedData, SealError, Subject};
use uuid::Uuid;

use crate::knowledge::extraction::{Extractor, Passages};
use crate::knowledge::files::{FileVersion, Files};
use crate::knowledge::models::ActiveModel;
use crate::knowledge::omissions;
use crate::runtime::wake::SequencerWake;
pub use claim::Claim;
pub use progress::{Progress, ProgressSink, Stage};
use store::{ExecuteError, Store, StoreError};
pub use terms::term_key;
pub use versions::versions_of;

/// Interval between looks whether a document was removed while it is indexed.
const REMOVAL_LOOK: Duration = Duration::from_secs(1);

/// Indexes documents.
#[derive(Clone)]
pub struct Indexing {
    /// Event store and keys.
    pub store: Store,
    /// Wakes the sequencer.
    pub wake: SequencerWake,
    /// Collections of all embedding models, for deletions.
    pub collections: Collections,
    /// Stored files.
    pub files: Files,
    /// Reads files.
    pub extractor: Extractor,
    /// Receives the progress of documents.
    pub progress: ProgressSink,
}

/// The content of the last `DocumentAdded`.
struct Added {
    owner: UserId,
    scope: DocumentScope,
    media_type: String,
    sha256: String,
    title: String,
}

impl Indexing {
    /// Indexes or deletes a document as its events record; `false` while another process holds it. After an
    /// error the caller retries later.
    pub async fn settle(&self, active: &ActiveModel, id: DocumentId) -> anyhow::Result<bool> {
        let Some(claim) = self.claim(id).await? else { return Ok(false) };
        let settled = self.settle_claimed(active, id).await;
        claim.release().await;
        settled.map(|()| true)
    }

    /// Like [`Self::settle`], for a document that the caller has claimed.
    pub async fn settle_claimed(&self, active: &ActiveModel, id: DocumentId) -> anyhow::Result<()> {
        let document = self.document(id).await?;
        match (document.status(), document.owner()) {
            (Some(DocumentStatus::Removed), Some(owner)) => self.delete(id, owner).await,
            (Some(DocumentStatus::Added), Some(owner)) => tokio::select! {
                written = self.write(active, id, &document) => written,
                // Dropping the work ends the process that reads the file, and the next batch of the model.
                () = self.removed(id) => self.delete(id, owner).await,
            },
            // The process that indexed it may have died before it deleted old versions.
            (Some(DocumentStatus::Indexed), Some(_)) => self.retire_versions(active, id).await,
            _ => Ok(()),
        }
    }

    /// Resolves when the document is removed. A failure of the store is ignored: the work meets it too.
    async fn removed(&self, id: DocumentId) {
        loop {
            tokio::time::sleep(REMOVAL_LOOK).await;
            if self
                .document(id)
                .await
                .is_ok_and(|document| document.status() == Some(DocumentStatus::Removed))
            {
                return;
            }
        }
    }

    /// The document as stored, not as cached.
    async fn document(&self, id: DocumentId) -> anyhow::Result<Document> {
        let documents = self.store.documents();
        documents.forget(id.uuid());
        Ok(documents.current(id.uuid()).await?)
    }

    /// Deletes passages, file and key of a document that was removed or whose owner was erased; fails while
    /// passages remain.
    async fn delete(&self, id: DocumentId, owner: UserId) -> anyhow::Result<()> {
        let left = self.collections.delete_document(id.uuid().into()).await?;
        if left > 0 {
            bail!("{left} passages of a removed document remain");
        }
        self.files.delete_document(owner, id.uuid()).await?;
        Ok(self.store.destroy_document_key(owner, id).await?)
    }

    async fn write(&self, active: &ActiveModel, id: DocumentId, document: &Document) -> anyhow::Result<()> {
        let Some(added) = self.added(id).await? else { return Ok(()) };
        let Some(key) = self.store.keyring().user(added.owner).await? else {
            return self.delete(id, added.owner).await;
        };
        (self.progress)(id, added.owner, Progress { stage: Stage::Extracting, done: 0, total: 1 });
        let reading = DOCUMENTS_AT.hold(&["reading"]);
        let passages = self.passages(active, id, document, &added, &key).await?;
        drop(reading);
        let _writing = DOCUMENTS_AT.hold(&["writing"]);
        match passages {
            Ok(passages) => self.index(active, id, document, &added, passages).await,
            Err(reason) => self.reject(id, document, &added, reason).await,
        }
    }

    async fn added(&self, id: DocumentId) -> anyhow::Result<Option<Added>> {
        let mut events = self.store.aggregate_events(AggregateType::Document, id.uuid()).await?;
        self.store.decrypt_events(&mut events).await?;
        Ok(events.into_iter().rev().find_map(|event| match event.event {
            Event::Document(DocumentEvent::DocumentAdded {
                owner,
                scope,
                media_type,
                sha256,
                private,
                ..
            }) => {
                let title = match private {
                    Private::Open(private) => private.title,
                    Private::Sealed => String::new(),
                };
                Some(Added { owner, scope, media_type, sha256, title })
            }
            _ => None,
        }))
    }

    async fn index(
        &self,
        active: &ActiveModel,
        id: DocumentId,
        document: &Document,
        added: &Added,
        passages: Passages,
    ) -> anyhow::Result<()> {
        let scope = match added.scope {
            DocumentScope::Shared => PassageScope::Shared,
            DocumentScope::User => PassageScope::User(added.owner.uuid().into()),
        };
        let version = ContentVersion(document.content_version().0);
        let text = DocumentVersion { id: id.uuid().into(), version, scope };
        let (pages, language) = (passages.pages(), passages.language().map(str::to_owned));
        let omissions = passages.omissions().iter().cloned().map(omissions::recorded).collect();
        let progress = |done, total| {
            let stage = if done == total { Stage::Indexing } else { Stage::Embedding };
            (self.progress)(id, added.owner, Progress { stage, done, total });
        };
        let passages = match added.scope {
            DocumentScope::Shared => active.ingester.index_shared(text, passages, progress).await?,
            DocumentScope::User => {
                let key = self.store.keyring().content(added.owner, Subject::Document(id.uuid())).await?;
                let Some(key) = key else { return self.delete(id, added.owner).await };
                let seal = |place: PassageId, bytes: Vec<u8>| -> Result<Vec<u8>, SealError> {
                    let document_id = Uuid::from(place.document_id);
                    key.seal(&AssociatedData::Passage { document_id, ordinal: place.ordinal }, &bytes)
                };
                let Some(terms) = term_key(&self.store, added.owner).await? else {
                    return self.delete(id, added.owner).await;
                };
                active.ingester.index_sealed(text, passages, &terms, seal, progress).await?
            }
        };
        // Passages that were written while the erasure of the owner passed the index.
        if self.store.is_key_destroyed(added.owner).await? {
            return self.delete(id, added.owner).await;
        }
        if passages == 0 {
            return self.reject(id, document, added, ExtractError::NoText.to_string()).await;
        }
        let embedding_model = active.embedder.name().to_owned();
        let content_version = document.content_version();
        let indexed = DocumentCommand::RecordIndexed {
            content_version,
            passages,
            embedding_model,
            pages,
            language,
            omissions,
        };
        self.record(id, added.owner, indexed).await?;
        self.retire_versions(active, id).await
    }

    /// Records the rejection and deletes the passages of earlier versions.
    async fn reject(
        &self,
        id: DocumentId,
        document: &Document,
        added: &Added,
        reason: String,
    ) -> anyhow::Result<()> {
        let reject = DocumentCommand::Reject { content_version: document.content_version(), reason };
        self.record(id, added.owner, reject).await?;
        let document = self.document(id).await?;
        if document.status() == Some(DocumentStatus::Rejected) {
            self.collections.delete_document(id.uuid().into()).await?;
            self.delete_old_files(id, &document).await?;
        }
        Ok(())
    }

    /// Deletes old versions, unless a newer one still has to be indexed.
    async fn retire_versions(&self, active: &ActiveModel, id: DocumentId) -> anyhow::Result<()> {
        let document = self.document(id).await?;
        if document.status() == Some(DocumentStatus::Indexed) {
            active
                .index
                .delete_other_versions(id.uuid().into(), ContentVersion(document.content_version().0))
                .await?;
            self.delete_old_files(id, &document).await?;
        }
        Ok(())
    }

    /// Deletes the files of earlier versions.
    async fn delete_old_files(&self, id: DocumentId, document: &Document) -> anyhow::Result<()> {
        if let (Some(owner), Some(sha256)) = (document.owner(), document.sha256()) {
            let current = FileVersion { owner, document: id.uuid(), sha256: sha256.to_owned() };
            self.files.delete_other_versions(&current).await?;
        }
        Ok(())
    }

    /// Records the result. The document ignores the result of a version that was replaced meanwhile: the new
    /// version has a delivery of its own.
    async fn record(&self, id: DocumentId, owner: UserId, command: DocumentCommand) -> anyhow::Result<()> {
        if self.document(id).await?.status() == Some(DocumentStatus::Removed) {
            return self.delete(id, owner).await;
        }
        let metadata = Metadata {
            owner,
            actor: Actor::Worker,
            correlation_id: Uuid::now_v7(),
            causation_id: None,
            traceparent: None,
        };
        match self.store.documents().execute(id.uuid(), command, &metadata, None).await {
            Ok(_) => {}
            Err(
                ExecuteError::Refused(_)
                | ExecuteError::Store(StoreError::OwnerErased | StoreError::KeyDestroyed),
            ) => return self.delete(id, owner).await,
            Err(error) => return Err(error.into()),
        }
        self.wake.notify();
        Ok(())
    }
}
