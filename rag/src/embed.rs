//! Embeds texts as vectors, with the local model or an OpenAI-compatible endpoint. Vectors of two models
//! cannot be compared, so each model has its own collection in `index`.

mod endpoint;
mod local;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinError;

use crate::openai::ApiError;
use crate::vocabulary::PassageText;
use endpoint::Endpoint;
use local::{LocalModel, Urgency};

pub use endpoint::EndpointConfig;
pub use local::EmbedderConfig;

/// The name of the local model in provenance and in the name of its collection.
pub const MODEL_NAME: &str = "minilm-l6-v2-int8";
/// The number of dimensions of the local model's vectors.
pub const DIMENSIONS: usize = 384;
/// The longest input of the local model; it ignores further tokens.
pub const MAX_TOKENS: usize = 256;

/// An embedding of unit length.
pub type Vector = Vec<f32>;

/// An embedding model. Clones share it.
#[derive(Clone)]
pub struct Embedder {
    model: Model,
    tokenizer: Arc<[u8]>,
    name: Arc<str>,
    dimensions: usize,
}

#[derive(Clone)]
enum Model {
    Local(LocalModel),
    Endpoint(Endpoint),
}

impl Embedder {
    /// Loads the local model on the blocking pool, which takes some hundred milliseconds.
    pub async fn load(config: EmbedderConfig) -> Result<Self, EmbedError> {
        let loading = tokio::task::spawn_blocking(move || LocalModel::load(&config));
        let (model, tokenizer) = loading.await??;
        Ok(Self {
            model: Model::Local(model),
            tokenizer: tokenizer.into(),
            name: MODEL_NAME.into(),
            dimensions: DIMENSIONS,
        })
    }

    /// Connects to an endpoint and embeds one text to learn the number of dimensions. Documents are still
    /// split by the tokenizer in `model_dir`, so that a document has the same passages with every
    /// embedding model.
    pub async fn connect(config: EndpointConfig, model_dir: PathBuf) -> Result<Self, EmbedError> {
        let loading = tokio::task::spawn_blocking(move || local::read_tokenizer(&model_dir));
        let tokenizer = loading.await??;
        let name = config.model.as_str().into();
        let endpoint = Endpoint::new(config)?;
        let dimensions = endpoint.dimensions().await?;
        Ok(Self { model: Model::Endpoint(endpoint), tokenizer: tokenizer.into(), name, dimensions })
    }

    /// The name of the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of dimensions of the model's vectors.
    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The file of the tokenizer that documents are split by, for `Splitter::from_file`.
    pub const fn tokenizer_file(&self) -> &Arc<[u8]> {
        &self.tokenizer
    }

    /// Embeds a question.
    pub async fn embed_query(&self, question: &str) -> Result<Vector, EmbedError> {
        let mut vectors = self.embed(vec![question.to_owned()]).await?;
        vectors.pop().ok_or(EmbedError::UnexpectedShape)
    }

    /// Embeds passages with their titles and headings. Returns the vectors in the order of the passages.
    pub async fn embed_passages(&self, passages: &[PassageText]) -> Result<Vec<Vector>, EmbedError> {
        self.embed_as(passages.iter().map(passage_input).collect(), Urgency::Background).await
    }

    /// Embeds texts without changing them. Returns the vectors in the order of the texts.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        self.embed_as(texts, Urgency::Question).await
    }

    async fn embed_as(&self, texts: Vec<String>, urgency: Urgency) -> Result<Vec<Vector>, EmbedError> {
        let expected = texts.len();
        let vectors = match &self.model {
            Model::Local(model) => model.embed(texts, urgency).await?,
            Model::Endpoint(endpoint) => endpoint.embed(&texts).await?,
        };
        let has_shape =
            vectors.len() == expected && vectors.iter().all(|vector| vector.len() == self.dimensions);
        if has_shape { Ok(vectors) } else { Err(EmbedError::UnexpectedShape) }
    }
}

fn passage_input(passage: &PassageText) -> String {
    let context = passage.context();
    if context.is_empty() { passage.text.clone() } else { format!("{context}\n{}", passage.text) }
}

/// The cosine of two vectors of unit length.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A text was not embedded, or a model was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// A file of the local model cannot be read.
    #[error("the embedding model's file {path} cannot be read")]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the file system.
        #[source]
        source: std::io::Error,
    },
    /// ONNX Runtime cannot be loaded or initialized.
    #[error("ONNX Runtime cannot be loaded from {path}")]
    Runtime {
        /// The path of the shared library.
        path: PathBuf,
        /// The error of the loader.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The local model cannot be loaded or run.
    #[error("the embedding model cannot be run")]
    Model(#[source] fastembed::Error),
    /// The tokenizer's file is malformed.
    #[error("the tokenizer {path} cannot be loaded")]
    Tokenizer {
        /// The path of the file.
        path: PathBuf,
        /// The error of the parser.
        #[source]
        source: tokenizers::Error,
    },
    /// The number or the length of the vectors differs from the texts' number or the model's dimensions.
    #[error("the embedding model returned vectors of an unexpected number or length")]
    UnexpectedShape,
    /// The endpoint is unreachable or overloaded. The request can succeed later.
    #[error("the embedding endpoint is unavailable")]
    Unavailable(#[source] ApiError),
    /// The endpoint rejects the request, for example because of a wrong key or an unknown model name.
    #[error("the embedding endpoint refused the request")]
    Refused(#[source] ApiError),
    /// The task that runs the local model was cancelled at shutdown or panicked.
    #[error("embedding was interrupted")]
    Interrupted(#[from] JoinError),
}

impl EmbedError {
    /// Whether the same call can succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<ApiError> for EmbedError {
    fn from(error: ApiError) -> Self {
        if error.is_transient() { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}
