//! The worker: takes requested answers from the event stream, writes them from the documents
//! and records them.
//!
//! Each requested answer ends in exactly one of completed, stopped and failed. At most one, because the
//! conversation refuses a second end. At least one, because a request is delivered until its answer is in the
//! queue (`deliveries`), the sweep finds answers that are not (`sweep`), an answer stays in the queue until
//! it has ended, an expired lease frees the answers of a dead worker, and the attempts are counted, of which
//! there are at most five (`failure`).
//!
//! Owners take turns (`work`), so that hundreds of questions of one person do not delay
//! another person's answer.
//!
//! The content of an answer is decided in the crate `rag`.

mod convert;
mod deliveries;
mod delta_publisher;
mod failure;
mod history;
mod in_flight;
mod preferences;
mod processor;
mod record;
mod shown;
mod spending;
mod stops;
mod sweep;
mod titles;
mod trace;
mod work;
mod writing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_nats::{Client, jetstream};
use nats::Subjects;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{KnowledgeConfig, WorkerConfig};
use crate::knowledge::extraction::Extractor;
use crate::knowledge::files::Files;
use crate::knowledge::indexing::Indexing;
use crate::knowledge::models::ModelRegistry;
use crate::language_models::LanguageModels;
use crate::roles::indexer::Documents;
use crate::runtime::key_hints::KeyHints;
use crate::runtime::stages::{EMBEDDING_MODEL, Progress};
use crate::runtime::wake::SequencerWake;
use deliveries::Deliveries;
use in_flight::InFlight;
use processor::AnswerProcessor;
use store::Store;
use titles::Untitled;
use work::{Queue, Work};

/// Time that answers in progress have to finish when the worker ends.
const GRACE: Duration = Duration::from_secs(10);
/// Time limit for giving back unfinished answers.
const GIVE_BACK: Duration = Duration::from_secs(3);

/// The connections of a worker.
#[derive(Debug, Clone)]
pub struct Connections {
    /// Event store and keys.
    pub store: Store,
    /// The connection to NATS.
    pub nats: Client,
    /// The names of subjects and streams.
    pub subjects: Subjects,
    /// Wakes the sequencer.
    pub wake: SequencerWake,
}

/// Loads the embedding model, then answers questions until cancelled. Fails only on a wrong configuration;
/// waits for a dependency that is away.
pub async fn start(
    config: &WorkerConfig,
    knowledge: &KnowledgeConfig,
    language_models: LanguageModels,
    Connections { store, nats, subjects, wake }: Connections,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let models = ModelRegistry::new(knowledge)?;
    let embedding = Progress::of(EMBEDDING_MODEL);
    let (active, recreated) = (watch::Sender::new(models.open().await?), Arc::new(Notify::new()));
    embedding.ok();
    let documents = Documents {
        indexing: Indexing {
            store: store.clone(),
            wake: wake.clone(),
            collections: models.collections().clone(),
            files: Files::new(&knowledge.files).context("FILES_URL cannot be used")?,
            extractor: Extractor::new(&knowledge.extraction).context("this program cannot be found")?,
            progress: crate::roles::indexer::publish_progress(nats.clone(), subjects.clone()),
        },
        active: active.subscribe(),
        recreated: Arc::clone(&recreated),
        key_hints: KeyHints::new(nats.clone(), &subjects),
        nats: nats.clone(),
        subjects: subjects.clone(),
        concurrency: knowledge.extraction.indexing_concurrency.max(1),
    };
    let (untitled, waiting) = mpsc::channel(titles::WAITING);
    let work = Arc::new(Work::new(nats.clone(), subjects.clone()));
    let processor = Arc::new(AnswerProcessor {
        began: Instant::now(),
        store: store.clone(),
        jetstream: jetstream::new(nats.clone()),
        nats,
        subjects,
        wake,
        active: active.subscribe(),
        models: models.clone(),
        language_models,
        untitled,
        in_flight: InFlight::default(),
        work: Arc::clone(&work),
        closing: CancellationToken::new(),
    });
    let indexing = Box::pin(documents.run(cancel.clone()));
    let queue = Queue {
        processor,
        slots: Arc::new(Semaphore::new(config.worker_concurrency.max(1))),
        per_owner: config.per_person(),
        tasks: TaskTracker::new(),
        work,
    };
    let naming = config.model.model_titles.then_some(waiting);
    tokio::select! {
        _ = async { tokio::join!(Box::pin(run(queue, naming, cancel)), indexing) } => Ok(()),
        never = models.follow(&active, &recreated) => match never {},
    }
}

async fn run(queue: Queue, naming: Option<mpsc::Receiver<Untitled>>, cancel: CancellationToken) {
    let (processor, work) = (Arc::clone(&queue.processor), Arc::clone(&queue.work));
    let tasks = queue.tasks.clone();
    let suspicion = Arc::new(Notify::new());
    let deliveries = Deliveries {
        processor: Arc::clone(&processor),
        work: Arc::clone(&work),
        suspicion: Arc::clone(&suspicion),
    };
    let sweeping = sweep::run(Arc::clone(&processor), Arc::clone(&work), Arc::clone(&suspicion));
    let stopping =
        stops::follow(&processor.store, processor.nats.clone(), &processor.subjects, &processor.in_flight);
    let naming = async {
        match naming {
            Some(untitled) => titles::follow(&processor, untitled).await,
            None => std::future::pending().await,
        }
    };
    let working = async {
        tokio::select! {
            () = queue.follow() => {}
            () = deliveries.follow() => {}
            () = work.follow_hints(&suspicion) => {}
            () = sweeping => {}
            () = naming => {}
            () = cancel.cancelled() => {}
        }
        // Answers that wait in the queue are taken by other workers, or after the restart.
        work.notify_all().await;
        tasks.close();
        if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
            tracing::info!(answers = tasks.len(), "unfinished answers are given back");
            processor.closing.cancel();
            if tokio::time::timeout(GIVE_BACK, tasks.wait()).await.is_err() {
                tracing::warn!(
                    answers = tasks.len(),
                    "unfinished answers are abandoned; their leases expire"
                );
            }
        }
    };
    // Owners can stop their answers while the worker drains.
    tokio::select! {
        () = working => {}
        () = stopping => {}
    }
}
