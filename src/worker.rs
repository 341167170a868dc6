//! The worker: takes questions from the stream of events, answers them from the knowledge, and records the answers.
//!
//! Each requested answer ends in exactly one of completed, stopped and failed. At most one: the conversation decides that,
//! whoever records an ending second changes nothing. At least one: a request is delivered until its answer has ended
//! (`deliveries`), an answer nobody delivers is found in the read models (`sweep`), a lease that runs out frees the answers
//! of workers that died, and it counts attempts, of which there are five (`failure`).
//!
//! Nothing here decides what an answer says: that is `rag`'s.

mod convert;
mod deliveries;
mod desk;
mod documents;
mod failure;
mod history;
mod in_hand;
mod live;
mod record;
mod stops;
mod sweep;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::{Client, jetstream};
use nats::Subjects;
use rag::answer::Answerer;
use rag::embed::{Embedder, EmbedderConfig};
use rag::generate::{ChatConfig, ChatModel};
use rag::index::{IndexConfig, PassageIndex};
use rag::ingest::Ingester;
use secrecy::SecretString;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::config::{ModelConfig, WorkerConfig};
use crate::files::Files;
use crate::indexing::{Indexing, versions_of};
use crate::store::Store;
use crate::wake::SealerWake;
use deliveries::Deliveries;
use desk::Desk;
use documents::Documents;
use in_hand::InHand;

/// How long answers may go on once the worker is asked to end.
const GRACE: Duration = Duration::from_secs(10);
/// How long what is not done then may take to be given back.
const GIVE_BACK: Duration = Duration::from_secs(3);
/// How long an index that is away is left alone.
const INDEX_PAUSE: Duration = Duration::from_secs(5);

/// Loads the embedding model, then answers questions until cancelled. Fails only where the configuration is wrong; what is
/// away is waited for.
pub async fn start(
    config: &WorkerConfig,
    store: Store,
    nats: Client,
    subjects: Subjects,
    wake: SealerWake,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let embedder = embedder(config).await?;
    let index = index(config)?;
    let indexing = Indexing {
        store: store.clone(),
        wake: wake.clone(),
        index: index.clone(),
        ingester: Arc::new(Ingester::new(embedder.clone(), index.clone())),
        files: Files::at(&config.files_url).context("open the file store")?,
        told: documents::tell_progress(nats.clone(), subjects.clone()),
    };
    let documents = Documents { indexing, nats: nats.clone(), subjects: subjects.clone() };
    let model = config.model.as_ref().map(chat_model).transpose()?;
    let desk = Arc::new(Desk {
        store: store.clone(),
        jetstream: jetstream::new(nats.clone()),
        nats,
        subjects,
        wake,
        answerer: Answerer::new(embedder, index.clone(), model).with_versions(versions_of(store.clone())),
        index,
        in_hand: InHand::default(),
        holder: Uuid::new_v4(),
        closing: CancellationToken::new(),
    });
    let indexing = Box::pin(documents.run(cancel.clone()));
    tokio::join!(Box::pin(run(desk, config.concurrency.max(1), cancel)), indexing);
    Ok(())
}

/// The embedding model the configuration names.
pub(crate) async fn embedder(config: &WorkerConfig) -> anyhow::Result<Embedder> {
    let files = EmbedderConfig::new(&config.embedding_model_dir, &config.ort_dylib_path);
    Embedder::load(files).await.context("load the embedding model (EMBEDDING_MODEL_DIR, ORT_DYLIB_PATH)")
}

/// The index the configuration names. Nothing is sent yet.
pub(crate) fn index(config: &WorkerConfig) -> anyhow::Result<PassageIndex> {
    let api_key = config.qdrant_api_key.as_ref();
    let index = IndexConfig {
        api_key: api_key.map(|key| SecretString::from(key.expose().to_owned())),
        ..IndexConfig::new(&config.qdrant_url)
    };
    PassageIndex::new(&index).context("read QDRANT_URL")
}

fn chat_model(config: &ModelConfig) -> anyhow::Result<ChatModel> {
    let api_key = config.api_key.as_ref();
    let model = ChatConfig {
        api_key: api_key.map(|key| SecretString::from(key.expose().to_owned())),
        context_tokens: u32::try_from(config.context).context("read MODEL_CONTEXT")?,
        ..ChatConfig::new(&config.url, &config.name)
    };
    ChatModel::new(model).context("read MODEL_URL")
}

async fn run(desk: Arc<Desk>, concurrency: usize, cancel: CancellationToken) {
    let slots = Arc::new(Semaphore::new(concurrency));
    let tasks = TaskTracker::new();
    let suspicion = Arc::new(Notify::new());
    let deliveries = Deliveries {
        desk: Arc::clone(&desk),
        slots: Arc::clone(&slots),
        tasks: tasks.clone(),
        suspicion: Arc::clone(&suspicion),
    };
    let sweeping = sweep::run(Arc::clone(&desk), slots, tasks.clone(), suspicion);
    let listening = {
        let desk = Arc::clone(&desk);
        tokio::spawn(async move { stops::follow(&desk.nats, &desk.subjects, &desk.in_hand).await })
    };
    tokio::select! {
        () = deliveries.follow() => {}
        () = sweeping => {}
        never = make_index(&desk.index) => match never {},
        () = cancel.cancelled() => {}
    }
    tasks.close();
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        tracing::info!(answers = tasks.len(), "giving answers back that are not done");
        desk.closing.cancel();
        if tokio::time::timeout(GIVE_BACK, tasks.wait()).await.is_err() {
            tracing::warn!(answers = tasks.len(), "leaving answers behind; their leases run out");
        }
    }
    listening.abort();
}

/// Makes the collection if it is missing, as soon as the index is there.
async fn make_index(index: &PassageIndex) -> std::convert::Infallible {
    while let Err(error) = index.ensure_collection().await {
        tracing::warn!(%error, "the index is not ready");
        tokio::time::sleep(INDEX_PAUSE).await;
    }
    std::future::pending().await
}
