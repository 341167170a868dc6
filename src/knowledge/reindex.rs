//! Moves all documents to the configured embedding model, while the previous model answers: `colloquy
//! reindex`. Resumes an interrupted run.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::KnowledgeConfig;
use crate::knowledge::extraction::Extractor;
use crate::knowledge::files::Files;
use crate::knowledge::indexing::Indexing;
use crate::knowledge::models::{ActiveModel, LOOK, ModelRegistry};
use crate::runtime::wake::SequencerWake;
use store::Store;

/// Time that all processes have to switch to the new collection.
const CHANGE_OVER: Duration = Duration::from_secs(10 + LOOK.as_secs());

/// Interval between looks while other processes index documents.
const IN_VAIN: u32 = 60;

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reindexed {
    /// The active collection.
    pub collection: String,
    /// Documents written to it.
    pub documents: u64,
    /// The previous collection, which was deleted.
    pub replaced: Option<String>,
}

/// Fills the collection of the configured model, activates it, and deletes the previous one after all
/// processes switched.
pub async fn run(config: &KnowledgeConfig, store: Store, wake: SequencerWake) -> anyhow::Result<Reindexed> {
    let models = ModelRegistry::new(config)?;
    let active = models.wanted().await?;
    active.index.ensure_collection().await.context("the index cannot be prepared (QDRANT_URL)")?;
    let indexing = Indexing {
        store,
        wake,
        collections: models.collections().clone(),
        files: Files::new(&config.files).context("FILES_URL cannot be used")?,
        extractor: Extractor::new(&config.extraction).context("this program cannot be found")?,
        progress: Arc::new(|_, _, _| {}),
    };
    let bar =
        ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{pos} documents, {elapsed}")?);
    let collection = active.index.collection().to_owned();
    let mut documents = fill(&indexing, &active, &bar).await?;
    let before = models.collections().active().await.context("the active collection could not be read")?;
    let replaced = before.filter(|before| *before != collection);
    models.collections().activate(&collection).await.context("the collection could not be activated")?;
    if let Some(replaced) = &replaced {
        // Until every process has switched, new documents may be written to the previous collection.
        tokio::time::sleep(CHANGE_OVER).await;
        documents += fill(&indexing, &active, &bar).await?;
        models
            .collections()
            .delete(replaced)
            .await
            .context("the previous collection could not be deleted")?;
    }
    bar.finish_and_clear();
    Ok(Reindexed { collection, documents, replaced })
}

/// Writes missing passages until none is missing, including those of documents added meanwhile.
async fn fill(indexing: &Indexing, active: &ActiveModel, bar: &ProgressBar) -> anyhow::Result<u64> {
    let (mut all, mut in_vain) = (0, 0);
    loop {
        let (written, left) = indexing.repair_all(active, |_| bar.inc(1)).await?;
        all += written;
        if written == 0 && left == 0 {
            return Ok(all);
        }
        in_vain = if written == 0 { in_vain + 1 } else { 0 };
        if in_vain == IN_VAIN {
            bail!("{left} documents could not be written");
        }
        if written == 0 {
            // Other processes hold them.
            tokio::time::sleep(LOOK).await;
        }
    }
}
