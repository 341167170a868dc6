//! What the product answers with: the embedding model, the Qdrant engine with an index of this run's own, and the
//! language model when one is configured.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use embedded::{DataDir, Parts, Qdrant, WithModel};
use rag::answer::Answerer;
use rag::embed::{Embedder, EmbedderConfig};
use rag::generate::{ChatConfig, ChatModel};
use rag::index::{IndexConfig, PassageIndex};
use rag::ingest::Ingester;
use rag::retrieve::Retriever;
use rag::vocabulary::DocumentId;
use secrecy::SecretString;

use crate::documents::Document;

/// Everything that a question needs.
pub(crate) struct Engine {
    pub(crate) embedder: Embedder,
    pub(crate) index: PassageIndex,
    pub(crate) retriever: Retriever,
    /// Answers by quoting.
    pub(crate) quoting: Answerer,
    /// Answers with the configured language model.
    pub(crate) model: Option<Answerer>,
    /// Ends with this value; last, so that it outlives what asks it.
    _qdrant: Qdrant,
}

/// The documents indexed.
pub(crate) struct Library {
    /// The name of each.
    pub(crate) names: HashMap<DocumentId, String>,
    /// How many passages they are.
    pub(crate) passages: u32,
    /// How long indexing took.
    pub(crate) indexing: Duration,
}

impl Engine {
    /// Loads the models and starts the Qdrant engine in a temporary folder.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let parts = Parts::locate(WithModel::No).await?;
        let files = EmbedderConfig::new(&parts.embedding_model, &parts.onnxruntime);
        let embedder = Embedder::load(files).await.context("load the embedding model")?;
        let qdrant =
            Qdrant::start(&parts, &DataDir::temporary()?).await.context("start the Qdrant engine")?;
        let index = PassageIndex::new(&IndexConfig {
            timeout: Duration::from_mins(1),
            ..IndexConfig::new(qdrant.url())
        })?;
        index.ensure_collection().await?;
        let answerer = |model| Answerer::new(embedder.clone(), index.clone(), model);
        Ok(Self {
            retriever: Retriever::new(embedder.clone(), index.clone()),
            quoting: answerer(None),
            model: language_model()?.map(|model| answerer(Some(model))),
            embedder,
            index,
            _qdrant: qdrant,
        })
    }

    /// Indexes documents as `colloquy ingest` does.
    pub(crate) async fn index(&self, documents: Vec<Document>) -> anyhow::Result<Library> {
        let began = Instant::now();
        let ingester = Ingester::new(self.embedder.clone(), self.index.clone());
        let mut library = Library { names: HashMap::new(), passages: 0, indexing: Duration::ZERO };
        for (document, number) in documents.iter().zip(1..) {
            let passages = Box::pin(ingester.shared(&document.text, |_, _| {})).await;
            library.passages += passages.with_context(|| format!("index {}", document.name))?;
            library.names.insert(document.text.id, document.name.clone());
            if number % 50 == 0 {
                eprintln!("eval: {number} of {} documents indexed", documents.len());
            }
        }
        library.indexing = began.elapsed();
        Ok(library)
    }
}

/// The language model that the environment names, by the variables of the product.
fn language_model() -> anyhow::Result<Option<ChatModel>> {
    let setting = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let Some(url) = setting("MODEL_URL") else { return Ok(None) };
    let name = setting("MODEL_NAME").context("MODEL_URL is set, MODEL_NAME is missing")?;
    let mut config = ChatConfig::new(url, name);
    config.api_key = setting("MODEL_API_KEY").map(SecretString::from);
    if let Some(context) = setting("MODEL_CONTEXT") {
        config.context_tokens = context.parse().context("read MODEL_CONTEXT")?;
    }
    ChatModel::new(config).map(Some).context("read MODEL_URL")
}
