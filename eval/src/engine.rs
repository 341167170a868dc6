//! Starts the parts that answer questions: the embedding model, the Qdrant engine with a new index, and the
//! configured language model.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use embedded::{DataDir, Parts, Qdrant};
use rag::answer::Answerer;
use rag::embed::{Embedder, EmbedderConfig};
use rag::generate::{ChatConfig, ChatModel};
use rag::index::{IndexConfig, PassageIndex};
use rag::ingest::Ingester;
use rag::retrieve::Retriever;
use rag::split::Splitter;
use rag::vocabulary::{DocumentId, PassageText};
use secrecy::SecretString;

use crate::documents::Document;

/// The embedding model to evaluate.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LocalModel {
    Default,
    MiniLm,
}

/// The parts that answer questions.
pub(crate) struct Engine {
    pub(crate) embedder: Embedder,
    pub(crate) index: PassageIndex,
    pub(crate) retriever: Retriever,
    /// Answers by quotation.
    pub(crate) quoting: Answerer,
    /// Answers with the language model; `None` if none is configured.
    pub(crate) model: Option<Answerer>,
    /// Ends when the engine is dropped, after the fields above that use it.
    _qdrant: Qdrant,
}

/// The indexed documents.
pub(crate) struct Corpus {
    pub(crate) names: HashMap<DocumentId, String>,
    /// The number of passages of all documents.
    pub(crate) passages: u32,
    /// The time to index all documents.
    pub(crate) indexing_time: Duration,
}

impl Engine {
    /// Loads the models and starts the Qdrant engine in a temporary folder.
    pub(crate) async fn start(parts: &Parts, model: LocalModel) -> anyhow::Result<Self> {
        let folder = match model {
            LocalModel::Default => &parts.embedding_model,
            LocalModel::MiniLm => &parts.minilm,
        };
        let files = EmbedderConfig::new(folder, &parts.onnxruntime);
        let embedder = Embedder::load(files).await.context("the embedding model could not be loaded")?;
        let qdrant = Qdrant::start(parts, &DataDir::temporary()?)
            .await
            .context("the Qdrant engine could not be started")?;
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

    /// The passages of all documents.
    pub(crate) fn passages(&self, documents: &[Document]) -> anyhow::Result<Vec<PassageText>> {
        let splitter = self.splitter()?;
        let split = |document: &Document| splitter.part_passages(&document.title, &document.parts);
        Ok(documents.iter().flat_map(split).collect())
    }

    fn splitter(&self) -> anyhow::Result<Splitter> {
        let splitter = Splitter::from_file(self.embedder.tokenizer_file());
        splitter.map_err(|error| anyhow!(error)).context("the tokenizer could not be loaded")
    }

    /// Indexes documents as `colloquy ingest` does.
    pub(crate) async fn index(&self, documents: Vec<Document>) -> anyhow::Result<Corpus> {
        let started = Instant::now();
        let ingester = Ingester::new(self.embedder.clone(), self.index.clone());
        let splitter = self.splitter()?;
        let mut corpus = Corpus { names: HashMap::new(), passages: 0, indexing_time: Duration::ZERO };
        for (document, number) in documents.iter().zip(1..) {
            let passages = splitter.part_passages(&document.title, &document.parts);
            let passages =
                Box::pin(ingester.index_shared(document.version, passages.into_iter(), |_, _| {})).await;
            corpus.passages += passages.with_context(|| format!("{} could not be indexed", document.name))?;
            corpus.names.insert(document.version.id, document.name.clone());
            if number % 50 == 0 {
                eprintln!("eval: {number} of {} documents indexed", documents.len());
            }
        }
        corpus.indexing_time = started.elapsed();
        Ok(corpus)
    }
}

/// Configures the language model of `MODEL_URL`, `MODEL_NAME`, `MODEL_API_KEY` and `MODEL_CONTEXT`, as the
/// product does.
fn language_model() -> anyhow::Result<Option<ChatModel>> {
    let setting = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let Some(url) = setting("MODEL_URL") else { return Ok(None) };
    let name = setting("MODEL_NAME").context("MODEL_URL is set, but MODEL_NAME is not")?;
    let mut config = ChatConfig::new(url, name);
    config.api_key = setting("MODEL_API_KEY").map(SecretString::from);
    if let Some(context) = setting("MODEL_CONTEXT") {
        config.context_tokens = context.parse().context("MODEL_CONTEXT is not a number of tokens")?;
    }
    ChatModel::new(config).map(Some).context("MODEL_URL is not usable")
}
