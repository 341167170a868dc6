//! One document, brought to where its events want it.

use std::time::Duration;

use aggregates::document::{Document, DocumentCommand, DocumentEvent, DocumentPhase, Scope};
use aggregates::{Actor, AggregateType, DocumentId, Event, Metadata, Private, UserId};
use anyhow::{Context as _, bail};
use rag::embed::MODEL_NAME;
use rag::extract::{Extracted, MediaType, Unreadable, extract};
use rag::ingest::Document as Text;
use rag::passage::{PassageId, Scope as PassageScope};
use sealing::{Coordinates, SealError, Subject};
use uuid::Uuid;

use super::Indexing;
use crate::files::FilesError;
use crate::store::ExecuteError;

/// How long taking the text out of a file may take.
const EXTRACTED_WITHIN: Duration = Duration::from_mins(1);

/// What `DocumentAdded` says.
struct Added {
    owner: UserId,
    scope: Scope,
    media_type: String,
    sha256: String,
    title: String,
}

impl Indexing {
    /// Brings a document to where its events want it. An error means: later.
    pub(super) async fn settle(&self, id: DocumentId) -> anyhow::Result<()> {
        let documents = self.store.documents();
        documents.forget(id.uuid());
        let document = documents.current(id.uuid()).await?;
        match (document.phase(), document.owner()) {
            (DocumentPhase::Removed, Some(owner)) => self.take_out(id, owner).await,
            (DocumentPhase::Added, Some(_)) => self.bring_in(id, &document).await,
            _ => Ok(()),
        }
    }

    /// Until nothing of it is left, as counting shows.
    async fn take_out(&self, id: DocumentId, owner: UserId) -> anyhow::Result<()> {
        self.index.delete_document(id.uuid().into()).await?;
        let left = self.index.count(Some(id.uuid().into())).await?;
        if left > 0 {
            bail!("{left} passages of a removed document are left");
        }
        self.files.delete_document(owner, id.uuid()).await?;
        Ok(())
    }

    async fn bring_in(&self, id: DocumentId, document: &Document) -> anyhow::Result<()> {
        let Some(added) = self.added(id).await? else { return Ok(()) };
        let Some(key) = self.store.keyring().user(added.owner).await? else { return Ok(()) };
        let bytes = match self.files.read(added.owner, &key, id.uuid(), &added.sha256).await {
            Ok(bytes) => bytes,
            // `colloquy ingest` indexes its files itself.
            Err(FilesError::Missing) if added.owner == UserId::SHARED => return Ok(()),
            Err(FilesError::Missing | FilesError::Damaged | FilesError::Seal(_)) => {
                return self.reject(id, document, &added, Unreadable::Broken).await;
            }
            Err(error) => return Err(error).context("read a document's file"),
        };
        match self.text(&added, bytes).await? {
            Ok(extracted) => self.index(id, document, &added, extracted).await,
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
        id: DocumentId,
        document: &Document,
        added: &Added,
        extracted: Extracted,
    ) -> anyhow::Result<()> {
        let scope = match added.scope {
            Scope::Shared => PassageScope::Shared,
            Scope::User => PassageScope::User(added.owner.uuid().into()),
        };
        let title = added.title.clone();
        let Extracted { markup, text } = extracted;
        let text = Text { id: id.uuid().into(), scope, title, markup, text };
        let passages = match added.scope {
            Scope::Shared => self.ingester.shared(&text).await?,
            Scope::User => {
                let key = self.store.keyring().content(added.owner, Subject::Document(id.uuid())).await?;
                let Some(key) = key else { return Ok(()) };
                let seal = |place: PassageId, bytes: Vec<u8>| -> Result<Vec<u8>, SealError> {
                    let document_id = Uuid::from(place.document_id);
                    key.seal(&Coordinates::Passage { document_id, ordinal: place.ordinal }, &bytes)
                };
                self.ingester.own(&text, seal).await?
            }
        };
        if passages == 0 {
            return self.reject(id, document, added, Unreadable::Empty).await;
        }
        let embedding_model = MODEL_NAME.to_owned();
        let indexed = DocumentCommand::RecordIndexed { passages, embedding_model };
        self.record(id, document, added.owner, indexed).await
    }

    /// What it said before it could not be read is not found any more.
    async fn reject(
        &self,
        id: DocumentId,
        document: &Document,
        added: &Added,
        reason: Unreadable,
    ) -> anyhow::Result<()> {
        self.index.delete_document(id.uuid().into()).await?;
        self.record(id, document, added.owner, DocumentCommand::Reject { reason: reason.to_string() }).await
    }

    /// Records what was found, unless the document went on meanwhile: then that is due, and is delivered by itself.
    async fn record(
        &self,
        id: DocumentId,
        document: &Document,
        owner: UserId,
        command: DocumentCommand,
    ) -> anyhow::Result<()> {
        let documents = self.store.documents();
        documents.forget(id.uuid());
        let now = documents.current(id.uuid()).await?;
        if now.phase() == DocumentPhase::Removed {
            return self.take_out(id, owner).await;
        }
        if now.version() != document.version() {
            return Ok(());
        }
        let metadata = Metadata {
            owner,
            actor: Actor::Worker,
            correlation_id: Uuid::now_v7(),
            causation_id: None,
            traceparent: None,
        };
        match documents.execute(id.uuid(), command, &metadata, None).await {
            Ok(_) => {}
            Err(ExecuteError::Refused(_)) => return self.take_out(id, owner).await,
            Err(error) => return Err(error.into()),
        }
        self.wake.notify();
        Ok(())
    }
}
