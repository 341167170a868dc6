//! Puts Markdown and plain text from files into the knowledge everybody is answered from: `colloquy ingest`.
//!
//! A file is a document whose id follows from its path, so that bringing it again replaces what it said before, and one
//! that has not changed costs nothing. It keeps no files and removes no documents whose file is gone.

mod document;
mod files;

use std::fmt;
use std::path::PathBuf;

use aggregates::account::AccountCommand;
use aggregates::{Actor, Metadata, UserId};
use anyhow::Context as _;
use rag::index::PassageIndex;
use rag::ingest::Ingester;
use uuid::Uuid;

use crate::config::WorkerConfig;
use crate::store::Store;
use crate::wake::SealerWake;
use crate::worker;
use document::Outcome;
use files::Found;

/// What became of all files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Documents that are new or say something new.
    pub indexed: u32,
    /// Their passages.
    pub passages: u32,
    /// Documents that say what they said before.
    pub unchanged: u32,
    /// Documents that hold no text.
    pub rejected: u32,
    /// Files that could not be read, or are neither Markdown nor plain text.
    pub skipped: u32,
}

/// All that ingesting needs.
struct Ingest {
    store: Store,
    wake: SealerWake,
    index: PassageIndex,
    ingester: Ingester,
    /// This run, as what led to its events.
    run: Uuid,
}

/// Brings in files, and all files of folders. Progress goes to standard error, a line for each file.
///
/// Fails when the store or the index fails: what was brought in until then stays, and running it again completes it.
pub async fn run(
    config: &WorkerConfig,
    store: Store,
    wake: SealerWake,
    paths: &[PathBuf],
) -> anyhow::Result<Report> {
    let base = std::env::current_dir().context("find the working directory")?;
    let found = files::find(paths, &base);
    let index = worker::index(config)?;
    index.ensure_collection().await.context("prepare the index (QDRANT_URL)")?;
    let embedder = worker::embedder(config).await?;
    let ingester = Ingester::new(embedder, index.clone());
    let ingest = Ingest { store, wake, index, ingester, run: Uuid::now_v7() };
    ingest.open_shared_account().await?;
    let mut report = Report::default();
    let files = found.len();
    for (number, found) in (1..).zip(found) {
        let (name, outcome) = match found {
            Found::File(file) => {
                let outcome = ingest.take(&file).await.with_context(|| format!("ingest {}", file.name))?;
                (file.name, outcome)
            }
            Found::Unusable { name, reason } => (name, Outcome::Skipped(reason)),
        };
        eprintln!("{number}/{files} {name}: {outcome}");
        report.count(&outcome);
    }
    eprintln!("{report}");
    Ok(report)
}

impl Ingest {
    /// Shared documents have keys, and those a key above them, like anybody's.
    async fn open_shared_account(&self) -> anyhow::Result<()> {
        let open = (UserId::SHARED, AccountCommand::Open);
        let id = UserId::SHARED.uuid();
        self.store
            .accounts()
            .execute(id, open, &self.metadata(), None)
            .await
            .context("open the account of shared documents")?;
        self.wake.notify();
        Ok(())
    }

    fn metadata(&self) -> Metadata {
        Metadata {
            owner: UserId::SHARED,
            actor: Actor::System,
            correlation_id: self.run,
            causation_id: None,
            traceparent: None,
        }
    }
}

impl Report {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Indexed { passages } => {
                self.indexed += 1;
                self.passages += passages;
            }
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Rejected(_) => self.rejected += 1,
            Outcome::Skipped(_) => self.skipped += 1,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { indexed, passages, unchanged, rejected, skipped } = self;
        write!(
            f,
            "{indexed} indexed with {passages} passages, {unchanged} unchanged, {rejected} rejected, {skipped} skipped"
        )
    }
}
