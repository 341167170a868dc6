//! Moves all that is known to the embedding model that the configuration wants, while answers go on coming from the one
//! before: `colloquy reindex`. Run again after an interruption it goes on where it was.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::WorkerConfig;
use crate::knowledge::files::Files;
use crate::knowledge::indexing::Indexing;
use crate::knowledge::models::{LOOK, Library, Stock};
use crate::runtime::wake::SequencerWake;
use store::Store;

/// How long whoever reads may take to change over.
const CHANGE_OVER: Duration = Duration::from_secs(10 + LOOK.as_secs());

/// How often it is looked for the end of what others are at.
const IN_VAIN: u32 = 60;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reindexed {
    /// Where answers come from now.
    pub collection: String,
    /// How many documents were written to it.
    pub documents: u64,
    /// The collection before, which is deleted.
    pub replaced: Option<String>,
}

/// Fills the collection of the wanted model, activates it, and deletes the one before once nobody reads it any more.
pub async fn run(config: &WorkerConfig, store: Store, wake: SequencerWake) -> anyhow::Result<Reindexed> {
    let library = Library::new(config)?;
    let stock = library.wanted().await?;
    stock.index.ensure_collection().await.context("prepare the index (QDRANT_URL)")?;
    let indexing = Indexing {
        store,
        wake,
        collections: library.collections().clone(),
        files: Files::at(&config.files_url).context("open the file store (FILES_URL)")?,
        told: Arc::new(|_, _, _| {}),
    };
    let bar =
        ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{pos} documents, {elapsed}")?);
    let collection = stock.index.collection().to_owned();
    let mut documents = fill(&indexing, &stock, &bar).await?;
    let before = library.collections().active().await.context("ask for the active collection")?;
    let replaced = before.filter(|before| *before != collection);
    library.collections().activate(&collection).await.context("activate the collection")?;
    if let Some(replaced) = &replaced {
        // What comes in until everybody has changed over may still be written to the one before.
        tokio::time::sleep(CHANGE_OVER).await;
        documents += fill(&indexing, &stock, &bar).await?;
        library.collections().delete(replaced).await.context("delete the collection before")?;
    }
    bar.finish_and_clear();
    Ok(Reindexed { collection, documents, replaced })
}

/// Writes what is missing until nothing is, however much comes in meanwhile.
async fn fill(indexing: &Indexing, stock: &Stock, bar: &ProgressBar) -> anyhow::Result<u64> {
    let (mut all, mut in_vain) = (0, 0);
    loop {
        let (written, left) = indexing.mend_all(stock, |_| bar.inc(1)).await?;
        all += written;
        if written == 0 && left == 0 {
            return Ok(all);
        }
        in_vain = if written == 0 { in_vain + 1 } else { 0 };
        if in_vain == IN_VAIN {
            bail!("{left} documents could not be written");
        }
        if written == 0 {
            // Somebody else is at them.
            tokio::time::sleep(LOOK).await;
        }
    }
}
