//! Export of personal data: everything stored about a user as one ZIP, streamed with bounded memory.

mod archive;
mod documents;
mod transcript;

use std::collections::BTreeSet;
use std::io;

use aggregates::{AggregateType, Event, Position, RecordedEvent, UserId};
use bytes::Bytes;
use rag::error_chain::ErrorChain;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::knowledge::files::{Files, FilesError};
use archive::Archive;
use projections::QueryError;
use store::{AccountsDatabase, Store, StoreError};
use transcript::Transcript;

/// Events of one page.
const PAGE: u32 = 500;

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The read models were not queried.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// An entry could not be serialized.
    #[error("an entry could not be serialized")]
    Json(#[from] serde_json::Error),
    /// A file could not be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The reader disconnected.
    #[error("the reader disconnected")]
    Gone,
}

/// Writes exports.
#[derive(Debug, Clone)]
pub struct Exporter {
    /// Event store and keys.
    pub store: Store,
    /// Tables of the account service.
    pub accounts: AccountsDatabase,
    /// Stored files.
    pub files: Files,
}

impl Exporter {
    /// Starts an export. The channel delivers its bytes, and ends with an error if the export fails. Dropping
    /// the channel ends the export.
    pub fn begin(self, user: UserId) -> mpsc::Receiver<io::Result<Bytes>> {
        let (archive, bytes) = Archive::new();
        tokio::spawn(async move {
            let outcome = self.write(user, &archive).await;
            if let Err(error) = &outcome
                && !matches!(error, ExportError::Gone)
            {
                tracing::warn!(error = %ErrorChain(error), "an export ended early");
            }
            archive.close(outcome.is_ok()).await;
        });
        bytes
    }

    async fn write(&self, user: UserId, archive: &Archive) -> Result<(), ExportError> {
        let until = self.store.ledger_head().await?.0;
        let profile = self.accounts.profile(user).await?;
        archive.entry("account.json", pretty(&json!({"id": user, "account": profile}))?).await?;
        let mentioned = self.write_events(user, until, archive).await?;
        for id in mentioned.conversations {
            let mut events = self.store.aggregate_events(AggregateType::Conversation, id).await?;
            self.store.decrypt_events(&mut events).await?;
            let transcript = Transcript::of(id, &events);
            let name = format!("conversations/{id}");
            archive.entry(&format!("{name}.json"), pretty(&transcript)?).await?;
            archive.entry(&format!("{name}.md"), transcript.markdown().into_bytes()).await?;
        }
        self.write_documents(user, mentioned.documents, archive).await?;
        let usage = projections::usage::days(self.store.read_models(), user, None, None).await?;
        archive.entry("usage.json", pretty(&usage)?).await?;
        archive.entry("README.md", README.as_bytes().to_vec()).await
    }

    /// Writes the user's events as NDJSON; returns the conversations and documents that they mention.
    async fn write_events(
        &self,
        user: UserId,
        until: Position,
        archive: &Archive,
    ) -> Result<ToldOf, ExportError> {
        let mut mentioned = ToldOf::default();
        let mut position = Position(0);
        archive.begin("events.ndjson").await?;
        loop {
            let mut events = self.store.owner_events_between(user, None, position, until, PAGE).await?;
            let Some(last) = events.last() else { break };
            position = last.position;
            self.store.decrypt_events(&mut events).await?;
            let mut lines = Vec::new();
            for event in &events {
                match event.aggregate {
                    AggregateType::Conversation => mentioned.conversations.insert(event.aggregate_id),
                    AggregateType::Document => mentioned.documents.insert(event.aggregate_id),
                    AggregateType::Account | AggregateType::AuditTrail | AggregateType::Operation => false,
                };
                serde_json::to_writer(&mut lines, &told(event)?)?;
                lines.push(b'\n');
            }
            archive.append(lines).await?;
        }
        Ok(mentioned)
    }
}

/// Aggregates of a user.
#[derive(Default)]
struct ToldOf {
    conversations: BTreeSet<Uuid>,
    documents: BTreeSet<Uuid>,
}

/// An event for its owner.
fn told(event: &RecordedEvent) -> Result<Value, serde_json::Error> {
    let payload = match &event.event {
        Event::Conversation(event) => serde_json::to_value(event),
        Event::Account(event) => serde_json::to_value(event),
        Event::Document(event) => serde_json::to_value(event),
        Event::AuditTrail(event) => serde_json::to_value(event),
        Event::Operation(event) => serde_json::to_value(event),
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

const README: &str = "# Your data in Colloquy

- `account.json`: your account with its sessions and sign-in methods.
- `conversations/`: each conversation with all branches, citations and ratings, as Markdown and as JSON.
- `documents/`: your files as uploaded; `documents.json` describes each.
- `usage.json`: the tokens of your answers by day and model.
- `events.ndjson`: your events in order, one a line.
- `manifest.json`: size and SHA-256 of every file, and the document of each file in `documents/`.
";
