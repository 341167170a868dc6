//! Export of personal data: everything stored about a user as one ZIP, streamed with bounded memory.

mod archive;
mod conversations;
mod documents;
mod transcript;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::time::Duration;

use aggregates::{AggregateType, Event, Position, RecordedEvent, UserId};
use bytes::Bytes;
use rag::error_chain::ErrorChain;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::knowledge::files::{Files, FilesError};
use crate::runtime::backoff::Backoff;
use crate::runtime::decrypt::read_batch;
use archive::Archive;
use store::{AccountsDatabase, LedgerEntry, Store, StoreError};

/// Events of one page. A page is in memory as a whole, with texts of up to a few hundred kilobytes each.
const PAGE: u32 = 50;

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry could not be serialized.
    #[error("an entry could not be serialized")]
    Json(#[from] serde_json::Error),
    /// A file could not be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The reader disconnected.
    #[error("the reader disconnected")]
    Gone,
    /// The reader stopped reading.
    #[error("the reader took no more data")]
    SlowReader,
    /// The archive could not be written.
    #[error("the archive was not written")]
    Archive(#[from] io::Error),
    /// The export took too long.
    #[error("the export exceeded its time limit")]
    TimedOut,
}

/// Time limit of an export.
const TIME_LIMIT: Duration = Duration::from_mins(30);
/// Attempts of a read while the store is unavailable, and the delays between them: some 20 s in all.
const READ_ATTEMPTS: u32 = 8;
const READ_RETRY: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));

/// Repeats a read while the store is unavailable, so that a short outage does not break an export off.
macro_rules! patiently {
    ($read:expr) => {{
        let (mut retry, mut attempt) = (READ_RETRY, 1);
        loop {
            match $read {
                Err(error) if StoreError::is_unavailable(&error) && attempt < READ_ATTEMPTS => {
                    tracing::debug!(error = %ErrorChain(&error), "a read of an export is repeated");
                    attempt += 1;
                    retry.wait().await;
                }
                read => break read,
            }
        }
    }};
}

use patiently;

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
    /// Reads what does not depend on the size of the export, so that a store that is away fails the request
    /// and not the archive.
    pub async fn prepare(self, user: UserId) -> Result<PreparedExport, ExportError> {
        let until = self.store.ledger_head().await?.0;
        let profile = self.accounts.profile(user).await?;
        Ok(PreparedExport { exporter: self, user, until, profile })
    }

    async fn write(
        &self,
        user: UserId,
        until: Position,
        profile: &Value,
        archive: &mut Archive,
    ) -> Result<(), ExportError> {
        archive.entry("account.json", pretty(&json!({"id": user, "account": profile}))?).await?;
        let mentioned = self.write_events(user, until, archive).await?;
        for id in mentioned.conversations {
            self.write_conversation(id, archive).await?;
        }
        self.write_documents(user, mentioned.documents, archive).await?;
        let usage = patiently!(
            projections::usage::days(self.store.read_models(), user, None, None)
                .await
                .map_err(StoreError::from_query)
        )?;
        archive.entry("usage.json", pretty(&usage)?).await?;
        archive.entry("README.md", README.as_bytes().to_vec()).await?;
        archive.finish().await
    }

    /// Writes the user's events as NDJSON; returns the conversations and documents that they mention.
    async fn write_events(
        &self,
        user: UserId,
        until: Position,
        archive: &mut Archive,
    ) -> Result<ToldOf, ExportError> {
        let mut mentioned = ToldOf::default();
        let mut position = Position(0);
        archive.begin("events.ndjson").await?;
        loop {
            let entries =
                patiently!(self.store.owner_entries_between(user, None, position, until, PAGE).await)?;
            let Some(last) = entries.last() else { break };
            position = last.position;
            let batch = patiently!(read_batch(&self.store, &entries).await)?;
            let readable: HashMap<Position, &RecordedEvent> =
                batch.events().map(|event| (event.position, event)).collect();
            let mut lines = Vec::new();
            for entry in &entries {
                mentioned.add(&entry.event.aggregate_type, entry.event.aggregate_id);
                let line = match readable.get(&entry.position) {
                    Some(event) => told(event)?,
                    None => as_stored(entry),
                };
                serde_json::to_writer(&mut lines, &line)?;
                lines.push(b'\n');
            }
            archive.append(lines).await?;
        }
        Ok(mentioned)
    }
}

/// An export that is ready to be written.
#[derive(Debug)]
pub struct PreparedExport {
    exporter: Exporter,
    user: UserId,
    until: Position,
    profile: Value,
}

impl PreparedExport {
    /// The bytes of the export, and the work that writes them. The bytes end with an error if the export
    /// fails, if the reader is too slow, if the export takes longer than its time limit, or if `ended`
    /// resolves first. Dropping the bytes ends the work.
    pub fn begin(
        self,
        ended: impl Future<Output = ()> + Send + 'static,
    ) -> (mpsc::Receiver<io::Result<Bytes>>, impl Future<Output = ()> + Send + 'static) {
        let (mut archive, bytes) = Archive::new();
        let work = async move {
            let Self { exporter, user, until, profile } = self;
            let outcome = tokio::select! {
                outcome = exporter.write(user, until, &profile, &mut archive) => outcome,
                () = ended => Err(ExportError::Gone),
                () = tokio::time::sleep(TIME_LIMIT) => Err(ExportError::TimedOut),
            };
            let Err(error) = outcome else { return };
            if !matches!(error, ExportError::Gone) {
                tracing::warn!(error = %ErrorChain(&error), "an export ended early");
            }
            archive.break_off();
        };
        (bytes, work)
    }
}

/// Aggregates of a user.
#[derive(Default)]
struct ToldOf {
    conversations: BTreeSet<Uuid>,
    documents: BTreeSet<Uuid>,
}

impl ToldOf {
    fn add(&mut self, aggregate_type: &str, id: Uuid) {
        match aggregate_type.parse() {
            Ok(AggregateType::Conversation) => _ = self.conversations.insert(id),
            Ok(AggregateType::Document) => _ = self.documents.insert(id),
            Ok(AggregateType::Account | AggregateType::AuditTrail | AggregateType::Operation) | Err(_) => {}
        }
    }
}

/// An event that this version cannot read, as it is stored, without its encrypted part.
fn as_stored(entry: &LedgerEntry) -> Value {
    let event = &entry.event;
    json!({
        "position": entry.position.0,
        "event_id": event.event_id,
        "aggregate": event.aggregate_type,
        "aggregate_id": event.aggregate_id,
        "sequence": event.sequence,
        "recorded_at": event.recorded_at,
        "event": *event.payload,
        "unreadable": true,
    })
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
- `events.ndjson`: your events in order, one a line. An event that this version cannot read is marked `unreadable`.
- `manifest.json`: size and SHA-256 of every file, and the document of each file in `documents/`.
";
