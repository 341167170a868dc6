//! Turns texts into vectors: by the model on this machine, or by any OpenAI-compatible endpoint. Vectors of two models don't
//! mix, so each model has a collection of its own (`index`).

mod endpoint;
mod local;

use std::path::PathBuf;
use std::sync::Arc;

use tokenizers::Tokenizer;

use crate::vocabulary::PassageText;
use endpoint::Endpoint;
use local::Local;

pub use endpoint::EndpointConfig;
pub use local::EmbedderConfig;

/// The name of the model on this machine, as it is recorded with every answer and in the name of its collection.
pub const MODEL_NAME: &str = "minilm-l6-v2-int8";
/// How many numbers its vectors have.
pub const DIMENSIONS: usize = 384;
/// Tokens it reads; what is beyond them is cut off.
pub const MAX_TOKENS: usize = 256;

/// A text's place in the model's space, of length 1.
pub type Vector = Vec<f32>;

/// An embedding model; clones share it.
#[derive(Clone)]
pub struct Embedder {
    model: Model,
    tokenizer: Arc<Tokenizer>,
    name: Arc<str>,
    dimensions: usize,
}

#[derive(Clone)]
enum Model {
    Local(Local),
    Endpoint(Endpoint),
}

impl Embedder {
    /// Loads the model on this machine, which takes some hundred milliseconds.
    pub async fn load(config: EmbedderConfig) -> Result<Self, EmbedError> {
        let loading = tokio::task::spawn_blocking(move || Local::load(&config));
        let (model, tokenizer) = loading.await.map_err(|_| EmbedError::Interrupted)??;
        Ok(Self {
            model: Model::Local(model),
            tokenizer: Arc::new(tokenizer),
            name: MODEL_NAME.into(),
            dimensions: DIMENSIONS,
        })
    }

    /// Uses an endpoint, and learns by asking how long its vectors are. Documents are split by the tokens of the model in
    /// `model_dir` all the same, so that the same document has the same passages whoever embeds them.
    pub async fn connect(config: EndpointConfig, model_dir: PathBuf) -> Result<Self, EmbedError> {
        let reading = tokio::task::spawn_blocking(move || local::tokenizer(&model_dir));
        let tokenizer = reading.await.map_err(|_| EmbedError::Interrupted)??;
        let name = config.model.as_str().into();
        let endpoint = Endpoint::new(config)?;
        let dimensions = endpoint.dimensions().await?;
        Ok(Self { model: Model::Endpoint(endpoint), tokenizer: Arc::new(tokenizer), name, dimensions })
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many numbers its vectors have.
    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The tokenizer to split by.
    pub fn tokenizer(&self) -> Tokenizer {
        (*self.tokenizer).clone()
    }

    /// The vector of a question.
    pub async fn embed_query(&self, question: &str) -> Result<Vector, EmbedError> {
        let mut vectors = self.embed(vec![question.to_owned()]).await?;
        vectors.pop().ok_or(EmbedError::WrongShape)
    }

    /// The vectors of passages, in their order; title and headings count.
    pub async fn embed_passages(&self, passages: &[PassageText]) -> Result<Vec<Vector>, EmbedError> {
        self.embed(passages.iter().map(passage_input).collect()).await
    }

    /// The vectors of texts as they are, in their order.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        let wanted = texts.len();
        let vectors = match &self.model {
            Model::Local(local) => local.embed(texts).await?,
            Model::Endpoint(endpoint) => endpoint.embed(&texts).await?,
        };
        let right = vectors.len() == wanted && vectors.iter().all(|vector| vector.len() == self.dimensions);
        if right { Ok(vectors) } else { Err(EmbedError::WrongShape) }
    }
}

/// What stands for a passage in the model's space.
fn passage_input(passage: &PassageText) -> String {
    let context = passage.context();
    if context.is_empty() { passage.text.clone() } else { format!("{context}\n{}", passage.text) }
}

/// The cosine of two vectors of length 1.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Why there is no vector.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// A file of the model can't be read.
    #[error("read the embedding model's file {path}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// ONNX Runtime can't be loaded.
    #[error("load ONNX Runtime from {path}: {reason}")]
    Runtime {
        /// The library.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The model can't be loaded or run.
    #[error("run the embedding model")]
    Model(#[source] fastembed::Error),
    /// The tokenizer's file is none.
    #[error("read the tokenizer {path}")]
    Tokenizer {
        /// Which file.
        path: PathBuf,
    },
    /// The model answers with something else than a vector of its length for each text.
    #[error("get a vector of the right length for each text from the embedding model")]
    WrongShape,
    /// The endpoint can't be reached, is overloaded or broken. Later it may work.
    #[error("reach the embedding model: {0}")]
    Away(String),
    /// The endpoint does not take the request: wrong key, unknown model. Trying again does not help.
    #[error("use the embedding model: {0}")]
    Refused(String),
    /// The process is ending.
    #[error("finish embedding before the end of the process")]
    Interrupted,
}

impl EmbedError {
    /// Whether trying again later can help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}
