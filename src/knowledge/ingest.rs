//! Adds files to the shared documents: `colloquy ingest`. A file takes the path of an administrator's upload
//! and is extracted, split and embedded in this process, whether or not a worker runs.
//!
//! The id of a document is derived from the path of its file, so that ingesting a file again replaces the
//! document, and an unchanged file costs nothing. Documents whose files are gone stay.

mod document;
mod files;
mod report;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use aggregates::account::AccountCommand;
use aggregates::{Actor, Metadata, UserId};
use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _};
use indicatif::{ProgressBar, ProgressStyle};
use uuid::Uuid;

use crate::config::KnowledgeConfig;
use crate::knowledge::extraction::Extractor;
use crate::knowledge::files::Files;
use crate::knowledge::indexing::{Indexing, ProgressSink};
use crate::knowledge::models::{ActiveModel, ModelRegistry};
use crate::runtime::wake::SequencerWake;
use files::Found;
use report::Outcome;
pub use report::{Rejected, Report};
use store::Store;

/// Files in progress: one is embedded while the next is read and the previous one is written.
const AT_ONCE: usize = 3;

/// State of one run.
struct Ingest {
    indexing: Indexing,
    active: Arc<ActiveModel>,
    /// Correlation id of the events of this run.
    run: Uuid,
    /// Content of this run, by SHA-256.
    seen: Mutex<HashSet<String>>,
}

/// Ingests files and all files of folders. Reports progress on standard error: a bar on a terminal, else a
/// line for each file.
///
/// Fails when the store or the index fails. Files that were ingested before stay, and another run completes
/// the rest.
pub async fn run(
    config: &KnowledgeConfig,
    store: Store,
    wake: SequencerWake,
    paths: &[PathBuf],
) -> anyhow::Result<Report> {
    let base = std::env::current_dir().context("the working directory is unknown")?;
    let found = files::find(paths, &base);
    let bar = bar(found.len())?;
    let models = ModelRegistry::new(config)?;
    let active = models.open().await?;
    active.index.ensure_collection().await.context("the index cannot be prepared (QDRANT_URL)")?;
    let indexing = Indexing {
        store,
        wake,
        collections: models.collections().clone(),
        files: Files::new(&config.files).context("FILES_URL cannot be used")?,
        extractor: Extractor::new(&config.extraction).context("this program cannot be found")?,
        progress: progress_of(bar.clone()),
    };
    let ingest = Ingest { indexing, active, run: Uuid::now_v7(), seen: Mutex::default() };
    ingest.open_shared_account().await?;
    let outcomes = futures::stream::iter(found).map(|found| ingest.one(found)).buffered(AT_ONCE);
    let report = outcomes.try_fold(Report::default(), |mut report, (name, outcome)| {
        bar.inc(1);
        if bar.is_hidden() {
            eprintln!("{}/{} {name}: {outcome}", bar.position(), bar.length().unwrap_or_default());
        }
        report.count(name, outcome);
        std::future::ready(Ok(report))
    });
    let report = report.await?;
    bar.finish_and_clear();
    eprintln!("{report}");
    Ok(report)
}

fn bar(files: usize) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} files, {elapsed} {msg}")?;
    Ok(ProgressBar::new(files as u64).with_style(style))
}

fn progress_of(bar: ProgressBar) -> ProgressSink {
    Arc::new(move |_, _, progress| {
        if progress.total > 1 {
            bar.set_message(format!("({} of {} passages)", progress.done, progress.total));
        }
    })
}

impl Ingest {
    async fn one(&self, found: Found) -> anyhow::Result<(String, Outcome)> {
        match found {
            Found::File(file) => {
                let outcome =
                    self.take(&file).await.with_context(|| format!("{} could not be ingested", file.name))?;
                Ok((file.name, outcome))
            }
            Found::Unusable { name, reason } => Ok((name, Outcome::Rejected(reason))),
        }
    }

    /// Opens the account that owns shared documents and holds their key.
    async fn open_shared_account(&self) -> anyhow::Result<()> {
        let open = (UserId::SHARED, AccountCommand::Open);
        let id = UserId::SHARED.uuid();
        let accounts = self.indexing.store.accounts();
        accounts
            .execute(id, open, &self.metadata(), None)
            .await
            .context("the account of shared documents could not be opened")?;
        self.indexing.wake.notify();
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
