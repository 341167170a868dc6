//! Puts files into the knowledge everybody is answered from: `colloquy ingest`. A file goes the way of one that an admin
//! uploads, and is read, split and embedded here, whether or not a worker runs.
//!
//! A file is a document whose id follows from its path, so that bringing it again replaces what it said before, and one
//! that has not changed costs nothing. It removes no documents whose file is gone.

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

use crate::config::WorkerConfig;
use crate::knowledge::files::Files;
use crate::knowledge::indexing::{Indexing, Told};
use crate::knowledge::models::{Library, Stock};
use crate::runtime::wake::SequencerWake;
use files::Found;
use report::Outcome;
pub use report::{Rejected, Report};
use store::Store;

/// Files on their way at once: while one is embedded, the next is read and the one before is written.
const AT_ONCE: usize = 3;

/// All that ingesting needs.
struct Ingest {
    indexing: Indexing,
    stock: Arc<Stock>,
    /// This run, as what led to its events.
    run: Uuid,
    /// What was seen in this run, by SHA-256.
    seen: Mutex<HashSet<String>>,
}

/// Brings in files, and all files of folders. Progress goes to standard error: a bar, or a line for each file where nobody
/// watches.
///
/// Fails when the store or the index fails: what was brought in until then stays, and running it again completes it.
pub async fn run(
    config: &WorkerConfig,
    store: Store,
    wake: SequencerWake,
    paths: &[PathBuf],
) -> anyhow::Result<Report> {
    let base = std::env::current_dir().context("find the working directory")?;
    let found = files::find(paths, &base);
    let bar = bar(found.len())?;
    let library = Library::new(config)?;
    let stock = library.open().await?;
    stock.index.ensure_collection().await.context("prepare the index (QDRANT_URL)")?;
    let indexing = Indexing {
        store,
        wake,
        collections: library.collections().clone(),
        files: Files::at(&config.files_url).context("open the file store (FILES_URL)")?,
        told: told(bar.clone()),
    };
    let ingest = Ingest { indexing, stock, run: Uuid::now_v7(), seen: Mutex::default() };
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

fn told(bar: ProgressBar) -> Told {
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
                let outcome = self.take(&file).await.with_context(|| format!("ingest {}", file.name))?;
                Ok((file.name, outcome))
            }
            Found::Unusable { name, reason } => Ok((name, Outcome::Rejected(reason))),
        }
    }

    /// Shared documents have keys, and those a key above them, like anybody's.
    async fn open_shared_account(&self) -> anyhow::Result<()> {
        let open = (UserId::SHARED, AccountCommand::Open);
        let id = UserId::SHARED.uuid();
        let accounts = self.indexing.store.accounts();
        accounts
            .execute(id, open, &self.metadata(), None)
            .await
            .context("open the account of shared documents")?;
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
