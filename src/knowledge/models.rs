//! Which embedding model and which collection answers come from.
//!
//! Each model has a collection of its own; one of them is active. A process knows the model on this machine, the one that
//! `EMBEDDING_*` wants and the one before it (`EMBEDDING_PREVIOUS_*`), and works with whichever is active, until
//! `colloquy reindex` has filled another and activates that.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rag::embed::{EmbedError, Embedder, EmbedderConfig, EndpointConfig};
use rag::index::{Collections, IndexConfig, PassageIndex};
use rag::ingest::Ingester;
use secrecy::SecretString;
use tokio::sync::{Notify, watch};

use crate::config::{EmbeddingConfig, WorkerConfig};

/// How often it is looked which collection is active.
pub const LOOK: Duration = Duration::from_secs(2);
/// How long an endpoint that is away at the start is left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// An embedding model with its collection.
pub struct Stock {
    /// The model.
    pub embedder: Embedder,
    /// Its collection.
    pub index: PassageIndex,
    /// What puts documents into it.
    pub ingester: Ingester,
}

/// All that is known of models and collections.
#[derive(Clone)]
pub struct Library {
    collections: Collections,
    local: EmbedderConfig,
    wanted: Option<EndpointConfig>,
    previous: Option<EndpointConfig>,
    model_dir: PathBuf,
    /// Somebody found that a collection is missing.
    missing: Arc<Notify>,
}

impl Library {
    /// What the configuration names. Nothing is loaded or sent yet.
    pub fn new(config: &WorkerConfig) -> anyhow::Result<Self> {
        Ok(Self {
            collections: collections(config)?,
            local: EmbedderConfig::new(&config.embedding_model_dir, &config.ort_dylib_path),
            wanted: config.embedding.as_ref().map(endpoint),
            previous: config.embedding_previous.as_ref().map(endpoint),
            model_dir: config.embedding_model_dir.clone(),
            missing: Arc::default(),
        })
    }

    /// The collections.
    pub const fn collections(&self) -> &Collections {
        &self.collections
    }

    /// The stock of the model that the configuration wants. Waits for an endpoint that is away.
    pub async fn wanted(&self) -> anyhow::Result<Stock> {
        Ok(self.stock(self.embedder(self.wanted.as_ref()).await?))
    }

    /// The stock answers come from. The first one becomes active by this; while Qdrant is away it is taken to be the wanted one.
    pub async fn open(&self) -> anyhow::Result<Arc<Stock>> {
        match self.active().await {
            Ok(Some(active)) => self.named(&active).await.map(Arc::new),
            Ok(None) => {
                let stock = self.first().await?;
                self.make(&stock).await?;
                Ok(Arc::new(stock))
            }
            Err(error) => {
                tracing::warn!(%error, "the index is not ready");
                self.wanted().await.map(Arc::new)
            }
        }
    }

    /// Asks for a look at the collections now.
    pub fn look(&self) {
        self.missing.notify_one();
    }

    /// Keeps to the active stock, and makes its collection where it is missing: `made` is notified then.
    pub async fn follow(&self, stock: &watch::Sender<Arc<Stock>>, made: &Notify) -> Infallible {
        loop {
            if let Err(error) = self.keep(stock, made).await {
                tracing::warn!(error = format!("{error:#}"), "the index is not ready");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.missing.notified() => {}
            }
        }
    }

    async fn keep(&self, stock: &watch::Sender<Arc<Stock>>, made: &Notify) -> anyhow::Result<()> {
        let now = Arc::clone(&stock.borrow());
        match self.active().await? {
            Some(active) if active == now.index.collection() => {}
            Some(active) => {
                let next = self.named(&active).await?;
                tracing::info!(collection = active, "answers come from another collection now");
                stock.send_replace(Arc::new(next));
            }
            None if self.make(&now).await? => made.notify_one(),
            None => {}
        }
        Ok(())
    }

    /// The active collection, if it is there.
    async fn active(&self) -> anyhow::Result<Option<String>> {
        Ok(self.collections.active().await?)
    }

    /// Makes a stock's collection and activates it; says whether it was made.
    async fn make(&self, stock: &Stock) -> anyhow::Result<bool> {
        let made = stock.index.ensure_collection().await.context("prepare the index (QDRANT_URL)")?;
        self.collections
            .activate(stock.index.collection())
            .await
            .context("activate the index (QDRANT_URL)")?;
        Ok(made)
    }

    /// The stock to begin with: of the models known the one that has a collection already, or else the wanted one.
    async fn first(&self) -> anyhow::Result<Stock> {
        let wanted = self.wanted().await?;
        let there = self.collections.names().await?;
        if there.iter().any(|name| name == wanted.index.collection()) || there.is_empty() {
            return Ok(wanted);
        }
        for other in self.others() {
            let stock = self.stock(self.embedder(other).await?);
            if there.iter().any(|name| name == stock.index.collection()) {
                return Ok(stock);
            }
        }
        Ok(wanted)
    }

    /// The stock of a collection.
    async fn named(&self, collection: &str) -> anyhow::Result<Stock> {
        for model in std::iter::once(self.wanted.as_ref()).chain(self.others()) {
            let stock = self.stock(self.embedder(model).await?);
            if stock.index.collection() == collection {
                return Ok(stock);
            }
        }
        bail!(
            "answers come from {collection}, whose model neither EMBEDDING_* nor EMBEDDING_PREVIOUS_* names; colloquy \
             reindex moves to the one they name"
        )
    }

    fn others(&self) -> impl Iterator<Item = Option<&EndpointConfig>> {
        let local = self.wanted.as_ref().map(|_| None);
        self.previous.as_ref().map(Some).into_iter().chain(local)
    }

    /// Loads a model, the one on this machine unless it is an endpoint.
    async fn embedder(&self, model: Option<&EndpointConfig>) -> anyhow::Result<Embedder> {
        let Some(endpoint) = model else {
            return Embedder::load(self.local.clone())
                .await
                .context("load the embedding model (EMBEDDING_MODEL_DIR, ORT_DYLIB_PATH)");
        };
        loop {
            match Embedder::connect(endpoint.clone(), self.model_dir.clone()).await {
                Err(error @ EmbedError::Away(_)) => {
                    tracing::warn!(%error, "the embedding model is waited for (EMBEDDING_URL)");
                    tokio::time::sleep(PAUSE).await;
                }
                connected => {
                    return connected.context("use the embedding model (EMBEDDING_URL, EMBEDDING_NAME)");
                }
            }
        }
    }

    fn stock(&self, embedder: Embedder) -> Stock {
        let index = self.collections.of(&embedder);
        let ingester = Ingester::new(embedder.clone(), index.clone());
        Stock { embedder, index, ingester }
    }
}

/// The collections the configuration names. Nothing is sent yet.
pub fn collections(config: &WorkerConfig) -> anyhow::Result<Collections> {
    let api_key = config.qdrant_api_key.as_ref();
    let index = IndexConfig {
        api_key: api_key.map(|key| SecretString::from(key.expose().to_owned())),
        ..IndexConfig::new(&config.qdrant_url)
    };
    Ok(Collections::new(&PassageIndex::new(&index).context("read QDRANT_URL")?, &config.qdrant_prefix))
}

fn endpoint(config: &EmbeddingConfig) -> EndpointConfig {
    EndpointConfig {
        api_key: config.api_key.as_ref().map(|key| SecretString::from(key.expose().to_owned())),
        batch: config.batch,
        ..EndpointConfig::new(&config.url, &config.name)
    }
}
