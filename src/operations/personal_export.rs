//! Everything that is kept about a person, as one ZIP: made while it is sent, so that its size does not matter.

mod archive;
mod documents;
mod transcript;

use std::collections::BTreeSet;
use std::io;

use aggregates::{AggregateType, Event, Position, RecordedEvent, UserId};
use bytes::Bytes;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::knowledge::files::{Files, FilesError};
use archive::Archive;
use store::{Store, StoreError, account_profile};
use transcript::Transcript;

/// Events read at once.
const PAGE: u32 = 500;

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store did not give what it has.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something of it cannot be written down.
    #[error("write an export: {0}")]
    Json(#[from] serde_json::Error),
    /// A file cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Nobody takes it any more.
    #[error("send an export: its reader is gone")]
    Gone,
}

/// What an export needs.
#[derive(Debug, Clone)]
pub struct Exporter {
    /// The event store.
    pub store: Store,
    /// The account service's database.
    pub accounts: PgPool,
    /// The files.
    pub files: Files,
}

impl Exporter {
    /// Begins an export. Its bytes come through the channel, which ends with an error if the export breaks off; who drops the
    /// channel ends it.
    pub fn begin(self, user: UserId) -> mpsc::Receiver<io::Result<Bytes>> {
        let (archive, bytes) = Archive::new();
        tokio::spawn(async move {
            let outcome = self.write(user, &archive).await;
            if let Err(error) = &outcome
                && !matches!(error, ExportError::Gone)
            {
                tracing::warn!(%error, "an export broke off");
            }
            archive.close(outcome.is_ok()).await;
        });
        bytes
    }

    async fn write(&self, user: UserId, archive: &Archive) -> Result<(), ExportError> {
        let until = self.store.ledger_head().await?.0;
        let profile = account_profile(&self.accounts, user).await?;
        archive.entry("account.json", pretty(&json!({"id": user, "account": profile}))?).await?;
        let told_of = self.write_events(user, until, archive).await?;
        for id in told_of.conversations {
            let mut events = self.store.aggregate_events(AggregateType::Conversation, id).await?;
            self.store.open(&mut events).await?;
            let transcript = Transcript::of(id, &events);
            let name = format!("conversations/{id}");
            archive.entry(&format!("{name}.json"), pretty(&transcript)?).await?;
            archive.entry(&format!("{name}.md"), transcript.markdown().into_bytes()).await?;
        }
        self.write_documents(user, told_of.documents, archive).await?;
        let usage = projections::usage::days(self.store.pool(), user, None, None);
        let usage = usage.await.map_err(StoreError::from)?;
        archive.entry("usage.json", pretty(&usage)?).await?;
        archive.entry("README.md", README.as_bytes().to_vec()).await
    }

    /// Writes the person's own events, one to a line, and says what they tell of.
    async fn write_events(
        &self,
        user: UserId,
        until: Position,
        archive: &Archive,
    ) -> Result<ToldOf, ExportError> {
        let mut told_of = ToldOf::default();
        let mut position = Position(0);
        archive.begin("events.ndjson").await?;
        loop {
            let mut events = self.store.owner_events_between(user, position, until, PAGE).await?;
            let Some(last) = events.last() else { break };
            position = last.position;
            self.store.open(&mut events).await?;
            let mut lines = Vec::new();
            for event in &events {
                match event.aggregate {
                    AggregateType::Conversation => told_of.conversations.insert(event.aggregate_id),
                    AggregateType::Document => told_of.documents.insert(event.aggregate_id),
                    AggregateType::Account | AggregateType::AuditTrail => false,
                };
                serde_json::to_writer(&mut lines, &told(event)?)?;
                lines.push(b'\n');
            }
            archive.append(lines).await?;
        }
        Ok(told_of)
    }
}

/// What a person's events tell of.
#[derive(Default)]
struct ToldOf {
    conversations: BTreeSet<Uuid>,
    documents: BTreeSet<Uuid>,
}

/// An event as its owner reads it.
fn told(event: &RecordedEvent) -> Result<Value, serde_json::Error> {
    let payload = match &event.event {
        Event::Conversation(event) => serde_json::to_value(event),
        Event::Account(event) => serde_json::to_value(event),
        Event::Document(event) => serde_json::to_value(event),
        Event::AuditTrail(event) => serde_json::to_value(event),
    }?;
    Ok(json!({
        "position": event.position.0,
        "event_id": event.event_id.uuid(),
        "aggregate": event.aggregate.name(),
        "aggregate_id": event.aggregate_id,
        "sequence": event.sequence.0,
        "recorded_at": event.recorded_at,
        "event": payload,
    }))
}

fn pretty(value: &impl serde::Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec_pretty(value)
}

const README: &str = "# What is kept about you

- `account.json`: your account, its sessions and ways to sign in.
- `conversations/`: each conversation with all of its branches, to read (`.md`) and to work with (`.json`), citations and ratings included.
- `documents/`: your files as you brought them; `documents.json` says what each is.
- `usage.json`: what your answers cost, by day and model.
- `events.ndjson`: everything that happened, in its order, one event to a line.
- `manifest.json`: the size and SHA-256 of every file here, and of which document it is.
";
