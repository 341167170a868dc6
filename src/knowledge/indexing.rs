//! Brings a document to where its events want it: read, split, embedded and written to the index, or taken out of it.
//!
//! What is done is what the events say at that moment, so doing it twice changes nothing. A new version is written beside
//! the old one, which is found until `DocumentIndexed` is recorded and is deleted after that.

mod claim;
mod progress;
mod repair;
mod versions;

use std::time::Duration;

use aggregates::document::{Document, DocumentCommand, DocumentEvent, DocumentScope, DocumentStatus};
use aggregates::{Actor, AggregateType, DocumentId, Event, Metadata, Private, UserId};
use anyhow::{Context as _, bail};
use rag::extract::{Extracted, MediaType, Unreadable, extract};
use rag::index::Collections;
use rag::ingest::Document as Text;
use rag::vocabulary::{ContentVersion, PassageId, Scope as PassageScope};
use sealing::{AssociatedData, SealError, Subject};
use uuid::Uuid;

use crate::knowledge::files::{Files, FilesError};
use crate::knowledge::models::Stock;
use crate::runtime::wake::SequencerWake;
pub use claim::Claim;
pub use progress::{Progress, Stage, Told};
use store::{ExecuteError, Store};
pub use versions::versions_of;

/// How long taking the text out of a file may take.
const EXTRACTED_WITHIN: Duration = Duration::from_mins(1);

/// All that indexing needs.
#[derive(Clone)]
pub struct Indexing {
    /// The event store.
    pub store: Store,
    /// What wakes the sealer.
    pub wake: SequencerWake,
    /// Where passages are deleted: whichever model embedded them.
    pub collections: Collections,
    /// Where files are read.
    pub files: Files,
    /// What is told how far a document is.
    pub told: Told,
}

/// What `DocumentAdded` says.
struct Added {
    owner: UserId,
    scope: DocumentScope,
    media_type: String,
    sha256: String,
    title: String,
}

impl Indexing {
    /// Brings a document to where its events want it; `false` while somebody else is at it. An error means: later.
    pub async fn settle(&self, stock: &Stock, id: DocumentId) -> anyhow::Result<bool> {
        let Some(claim) = self.claim(id).await? else { return Ok(false) };
        let settled = self.settle_claimed(stock, id).await;
        claim.release().await;
        settled.map(|()| true)
    }

    /// The same of a document that is claimed already.
    pub async fn settle_claimed(&self, stock: &Stock, id: DocumentId) -> anyhow::Result<()> {
        let document = self.document(id).await?;
        match (document.status(), document.owner()) {
            (Some(DocumentStatus::Removed), Some(owner)) => self.take_out(id, owner).await,
            (Some(DocumentStatus::Added), Some(_)) => self.bring_in(stock, id, &document).await,
            // Whoever indexed it may have died before it deleted what does not count any more.
            (Some(DocumentStatus::Indexed), Some(_)) => self.retire_versions(stock, id).await,
            _ => Ok(()),
        }
    }

    /// The document as it is now, whoever changed it.
    async fn document(&self, id: DocumentId) -> anyhow::Result<Document> {
        let documents = self.store.documents();
        documents.forget(id.uuid());
        Ok(documents.current(id.uuid()).await?)
    }

    /// Until nothing of it is left, as counting shows.
    async fn take_out(&self, id: DocumentId, owner: UserId) -> anyhow::Result<()> {
        let left = self.collections.delete_document(id.uuid().into()).await?;
        if left > 0 {
            bail!("{left} passages of a removed document are left");
        }
        self.files.delete_document(owner, id.uuid()).await?;
        Ok(())
    }

    async fn bring_in(&self, stock: &Stock, id: DocumentId, document: &Document) -> anyhow::Result<()> {
        let Some(added) = self.added(id).await? else { return Ok(()) };
        let Some(key) = self.store.keyring().user(added.owner).await? else { return Ok(()) };
        (self.told)(id, added.owner, Progress { stage: Stage::Extracting, done: 0, total: 1 });
        let bytes = match self.files.read(added.owner, &key, id.uuid(), &added.sha256).await {
            Ok(bytes) => bytes,
            Err(error) if document.status() == Some(DocumentStatus::Indexed) => {
                return Err(error).context("read the file of a document that could be read before");
            }
            Err(FilesError::Missing | FilesError::Damaged | FilesError::Seal(_)) => {
                return self.reject(id, document, &added, Unreadable::Broken).await;
            }
            Err(error) => return Err(error).context("read a document's file"),
        };
        match self.text(&added, bytes).await? {
            Ok(extracted) => self.index(stock, id, document, &added, extracted).await,
            Err(unreadable) => self.reject(id, document, &added, unreadable).await,
        }
    }

    async fn added(&self, id: DocumentId) -> anyhow::Result<Option<Added>> {
        let mut events = self.store.aggregate_events(AggregateType::Document, id.uuid()).await?;
        self.store.open(&mut events).await?;
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

    /// The text in the file, or why there is none. What hangs or panics is broken.
    async fn text(&self, added: &Added, bytes: Vec<u8>) -> anyhow::Result<Result<Extracted, Unreadable>> {
        let media_type = MediaType::named(&added.media_type).unwrap_or(MediaType::Plain);
        let extracting = tokio::task::spawn_blocking(move || extract(media_type, &bytes));
        match tokio::time::timeout(EXTRACTED_WITHIN, extracting).await {
            Ok(Ok(extracted)) => Ok(extracted),
            Ok(Err(panicked)) if panicked.is_cancelled() => {
                Err(panicked).context("take the text out of a file")
            }
            Ok(Err(_)) | Err(_) => Ok(Err(Unreadable::Broken)),
        }
    }

    async fn index(
        &self,
        stock: &Stock,
        id: DocumentId,
        document: &Document,
        added: &Added,
        extracted: Extracted,
    ) -> anyhow::Result<()> {
        let scope = match added.scope {
            DocumentScope::Shared => PassageScope::Shared,
            DocumentScope::User => PassageScope::User(added.owner.uuid().into()),
        };
        let title = added.title.clone();
        let Extracted { markup, text } = extracted;
        let version = ContentVersion(document.brought().0);
        let text = Text { id: id.uuid().into(), version, scope, title, markup, text };
        (self.told)(id, added.owner, Progress { stage: Stage::Splitting, done: 0, total: 1 });
        let told = |done, total| {
            let stage = if done == total { Stage::Indexing } else { Stage::Embedding };
            (self.told)(id, added.owner, Progress { stage, done, total });
        };
        let passages = match added.scope {
            DocumentScope::Shared => stock.ingester.shared(&text, told).await?,
            DocumentScope::User => {
                let key = self.store.keyring().content(added.owner, Subject::Document(id.uuid())).await?;
                let Some(key) = key else { return Ok(()) };
                let seal = |place: PassageId, bytes: Vec<u8>| -> Result<Vec<u8>, SealError> {
                    let document_id = Uuid::from(place.document_id);
                    key.seal(&AssociatedData::Passage { document_id, ordinal: place.ordinal }, &bytes)
                };
                stock.ingester.own(&text, seal, told).await?
            }
        };
        if passages == 0 {
            return self.reject(id, document, added, Unreadable::Empty).await;
        }
        let embedding_model = stock.embedder.name().to_owned();
        let brought = document.brought();
        let indexed = DocumentCommand::RecordIndexed { brought, passages, embedding_model };
        self.record(id, added.owner, indexed).await?;
        self.retire_versions(stock, id).await
    }

    /// What it said before it could not be read is not found any more.
    async fn reject(
        &self,
        id: DocumentId,
        document: &Document,
        added: &Added,
        reason: Unreadable,
    ) -> anyhow::Result<()> {
        let reject = DocumentCommand::Reject { brought: document.brought(), reason: reason.to_string() };
        self.record(id, added.owner, reject).await?;
        if self.document(id).await?.status() == Some(DocumentStatus::Rejected) {
            self.collections.delete_document(id.uuid().into()).await?;
        }
        Ok(())
    }

    /// Deletes the versions that do not count any more. While a newer one is due, that is its part.
    async fn retire_versions(&self, stock: &Stock, id: DocumentId) -> anyhow::Result<()> {
        let document = self.document(id).await?;
        if document.status() == Some(DocumentStatus::Indexed) {
            stock.index.keep_only(id.uuid().into(), ContentVersion(document.brought().0)).await?;
        }
        Ok(())
    }

    /// Records what was found. Of a version that was replaced meanwhile the document records nothing: the new one is due, and
    /// is delivered by itself.
    async fn record(&self, id: DocumentId, owner: UserId, command: DocumentCommand) -> anyhow::Result<()> {
        if self.document(id).await?.status() == Some(DocumentStatus::Removed) {
            return self.take_out(id, owner).await;
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
            Err(ExecuteError::Refused(_)) => return self.take_out(id, owner).await,
            Err(error) => return Err(error.into()),
        }
        self.wake.notify();
        Ok(())
    }
}
