//! The embedding models and their collections, one of which is active.
//!
//! Each model has a collection of its own, and so has each version of the search terms. A process knows the
//! local model, the configured one (`EMBEDDING_*`) and the previous ones (`EMBEDDING_PREVIOUS_*`), and uses
//! the active collection until `colloquy reindex` has filled and activated another.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rag::embed::{EmbedError, Embedder, EmbedderConfig, EndpointConfig, InputOptions};
use rag::error_chain::ErrorChain;
use rag::index::{Collections, IndexConfig, PassageIndex, Placement};
use rag::ingest::Ingester;
use tokio::sync::{Notify, watch};

use crate::config::{EmbeddingEndpoint, KnowledgeConfig, QdrantConfig};
use crate::runtime::backoff::Backoff;
use crate::runtime::stages::{EMBEDDING_MODEL, Progress};

/// Interval between looks at the active collection.
pub const LOOK: Duration = Duration::from_secs(2);
/// Delays while an endpoint is away at the start.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));

/// An embedding model with its collection.
pub struct ActiveModel {
    /// Embeds texts.
    pub embedder: Embedder,
    /// Collection of the model.
    pub index: PassageIndex,
    /// Writes documents to the collection.
    pub ingester: Ingester,
}

/// A model in this process or at an endpoint.
#[derive(Clone, Copy)]
enum Configured<'a> {
    Local(&'a EmbedderConfig),
    Endpoint(&'a EndpointConfig),
}

/// All configured embedding models and their collections. Cheap to clone.
#[derive(Clone)]
pub struct ModelRegistry {
    collections: Collections,
    local: EmbedderConfig,
    previous_local: Option<EmbedderConfig>,
    wanted: Option<EndpointConfig>,
    previous: Option<EndpointConfig>,
    input: InputOptions,
    model_dir: PathBuf,
    /// Notified when a collection was found missing.
    missing: Arc<Notify>,
}

impl ModelRegistry {
    /// Reads the configuration. Loads and sends nothing.
    pub fn new(config: &KnowledgeConfig) -> anyhow::Result<Self> {
        let embedding = &config.embedding;
        let local = |dir: &PathBuf| EmbedderConfig::new(dir, &embedding.ort_dylib_path);
        let previous_local = embedding.embedding_previous_model_dir.as_ref().filter(|dir| dir.is_dir());
        let input = embedding.input();
        // The settings of the input are those of the configured model: an endpoint, or else the local one.
        let local_input =
            if embedding.endpoint().is_some() { InputOptions::default() } else { input.clone() };
        Ok(Self {
            collections: collections(&config.qdrant)?,
            local: EmbedderConfig { input: local_input, ..local(&embedding.embedding_model_dir) },
            previous_local: previous_local.map(local),
            wanted: embedding.endpoint().map(endpoint),
            previous: embedding.previous_endpoint().map(endpoint),
            input,
            model_dir: embedding.embedding_model_dir.clone(),
            missing: Arc::default(),
        })
    }

    /// The collections of all models.
    pub const fn collections(&self) -> &Collections {
        &self.collections
    }

    /// The configured model. Waits for an endpoint that is away.
    pub async fn wanted(&self) -> anyhow::Result<ActiveModel> {
        Ok(self.model(self.embedder(self.configured()).await?))
    }

    /// The configured model. An endpoint that is away is an error.
    pub async fn connect_once(&self) -> anyhow::Result<Embedder> {
        match self.configured() {
            local @ Configured::Local(_) => self.embedder(local).await,
            Configured::Endpoint(endpoint) => Ok(self.connect(endpoint).await?),
        }
    }

    /// The active model. Activates the configured one if none is active; assumes it while Qdrant is away.
    pub async fn open(&self) -> anyhow::Result<Arc<ActiveModel>> {
        match self.active().await {
            Ok(Some(active)) => {
                let model = self.named(&active).await?;
                self.ensure_payload_indexes().await;
                Ok(Arc::new(model))
            }
            Ok(None) => {
                let model = self.first().await?;
                self.make(&model).await?;
                Ok(Arc::new(model))
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the index is not ready");
                self.wanted().await.map(Arc::new)
            }
        }
    }

    /// Requests a look at the collections now.
    pub fn look(&self) {
        self.missing.notify_one();
    }

    /// Follows the active model for ever. Creates its collection where it is missing, and then notifies
    /// `recreated`.
    pub async fn follow(&self, model: &watch::Sender<Arc<ActiveModel>>, recreated: &Notify) -> Infallible {
        let (mut indexed, progress) = (false, Progress::of(EMBEDDING_MODEL));
        loop {
            match self.keep(model, recreated).await {
                Ok(()) => progress.ok(),
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "the index is not ready");
                    progress.failing(format!("{error:#}"));
                }
            }
            // Collections of earlier releases have fewer payload indexes.
            if !indexed {
                indexed = self.ensure_payload_indexes().await;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.missing.notified() => {}
            }
        }
    }

    async fn ensure_payload_indexes(&self) -> bool {
        let ensured = self.collections.ensure_payload_indexes().await;
        ensured
            .inspect_err(
                |error| tracing::warn!(error = %ErrorChain(error), "the payload indexes could not be completed"),
            )
            .is_ok()
    }

    async fn keep(&self, model: &watch::Sender<Arc<ActiveModel>>, recreated: &Notify) -> anyhow::Result<()> {
        let now = Arc::clone(&model.borrow());
        match self.active().await? {
            Some(active) if active == now.index.collection() => {}
            Some(active) => {
                let next = self.named(&active).await?;
                tracing::info!(collection = active, "the active collection changed");
                model.send_replace(Arc::new(next));
            }
            // Also where a look before this one has created the collection and could not activate it.
            None => {
                self.make(&now).await?;
                recreated.notify_one();
            }
        }
        Ok(())
    }

    /// The active collection, if one exists.
    async fn active(&self) -> anyhow::Result<Option<String>> {
        Ok(self.collections.active().await?)
    }

    /// Creates a collection unless it exists, and activates it.
    async fn make(&self, model: &ActiveModel) -> anyhow::Result<()> {
        model.index.ensure_collection().await.context("the index cannot be prepared (QDRANT_URL)")?;
        self.collections
            .activate(model.index.collection())
            .await
            .context("the collection cannot be activated (QDRANT_URL)")
    }

    /// The model to start with: the known one with an existing collection, else the configured one.
    async fn first(&self) -> anyhow::Result<ActiveModel> {
        let wanted = self.wanted().await?;
        let there = self.collections.names().await?;
        if there.iter().any(|name| name == wanted.index.collection()) || there.is_empty() {
            return Ok(wanted);
        }
        for model in self.all() {
            let embedder = self.embedder(model).await?;
            if let Some(index) = there.iter().find_map(|name| self.collections.named(name, &embedder)) {
                return Ok(active(embedder, index));
            }
        }
        Ok(wanted)
    }

    /// The model of a collection.
    async fn named(&self, collection: &str) -> anyhow::Result<ActiveModel> {
        for model in self.all() {
            let embedder = self.embedder(model).await?;
            if let Some(index) = self.collections.named(collection, &embedder) {
                if Collections::has_other_terms(collection) || !self.is_configured(model) {
                    tracing::warn!(
                        collection,
                        "the active collection is that of another model or release; `colloquy reindex` replaces it"
                    );
                }
                return Ok(active(embedder, index));
            }
        }
        bail!(
            "neither EMBEDDING_* nor EMBEDDING_PREVIOUS_* names the model of the active collection {collection}; `colloquy \
             reindex` moves to the configured one"
        )
    }

    /// The configured model: the endpoint if there is one.
    fn configured(&self) -> Configured<'_> {
        self.wanted.as_ref().map_or(Configured::Local(&self.local), Configured::Endpoint)
    }

    fn is_configured(&self, model: Configured<'_>) -> bool {
        match (model, self.configured()) {
            (Configured::Local(a), Configured::Local(b)) => std::ptr::eq(a, b),
            (Configured::Endpoint(a), Configured::Endpoint(b)) => std::ptr::eq(a, b),
            _ => false,
        }
    }

    /// All known models, the configured one first.
    fn all(&self) -> impl Iterator<Item = Configured<'_>> {
        let local = self.wanted.as_ref().map(|_| Configured::Local(&self.local));
        std::iter::once(self.configured())
            .chain(self.previous.as_ref().map(Configured::Endpoint))
            .chain(local)
            .chain(self.previous_local.as_ref().map(Configured::Local))
    }

    async fn connect(&self, endpoint: &EndpointConfig) -> Result<Embedder, EmbedError> {
        let is_wanted = self.wanted.as_ref().is_some_and(|wanted| std::ptr::eq(wanted, endpoint));
        let input = if is_wanted { self.input.clone() } else { InputOptions::default() };
        Embedder::connect(endpoint.clone(), input, self.model_dir.clone()).await
    }

    /// Loads the local model, or connects to the endpoint.
    async fn embedder(&self, model: Configured<'_>) -> anyhow::Result<Embedder> {
        let endpoint = match model {
            Configured::Endpoint(endpoint) => endpoint,
            Configured::Local(local) => {
                return Embedder::load(local.clone())
                    .await
                    .context("the embedding model cannot be loaded (EMBEDDING_MODEL_DIR, ORT_DYLIB_PATH)");
            }
        };
        let mut retry = RETRY;
        loop {
            match self.connect(endpoint).await {
                Err(error @ EmbedError::Unavailable(_)) => {
                    tracing::warn!(error = %ErrorChain(&error), "waiting for the embedding model (EMBEDDING_URL)");
                    retry.wait().await;
                }
                connected => {
                    return connected
                        .context("the embedding model cannot be used (EMBEDDING_URL, EMBEDDING_NAME)");
                }
            }
        }
    }

    fn model(&self, embedder: Embedder) -> ActiveModel {
        let index = self.collections.for_model(&embedder);
        active(embedder, index)
    }
}

fn active(embedder: Embedder, index: PassageIndex) -> ActiveModel {
    let ingester = Ingester::new(embedder.clone(), index.clone());
    ActiveModel { embedder, index, ingester }
}

/// The configured collections. Sends nothing.
pub fn collections(config: &QdrantConfig) -> anyhow::Result<Collections> {
    let index = IndexConfig {
        api_key: config.qdrant_api_key.clone(),
        ca: config.qdrant_ca.clone(),
        timeout: Duration::from_secs(config.qdrant_timeout),
        placement: Placement {
            replication_factor: config.qdrant_replication_factor,
            write_consistency_factor: config.qdrant_write_consistency_factor,
            shard_number: config.qdrant_shard_number,
        },
        ..IndexConfig::new(&config.qdrant_url)
    };
    let index = PassageIndex::new(&index).context("Qdrant cannot be used (QDRANT_URL, QDRANT_CA)")?;
    Ok(Collections::new(&index, &config.qdrant_prefix))
}

fn endpoint(endpoint: EmbeddingEndpoint<'_>) -> EndpointConfig {
    let EmbeddingEndpoint { url, name, api_key, batch, dimensions } = endpoint;
    EndpointConfig { api_key: api_key.cloned(), batch, dimensions, ..EndpointConfig::new(url, name) }
}
