//! Embeds texts as vectors, with the local model or an OpenAI-compatible endpoint. Vectors of two models
//! cannot be compared, so each model has its own collection in `index`.

mod endpoint;
mod local;
mod model_files;
mod recent;
mod segments;
mod similarity;
mod unigram;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinError;
use words::Language;

use crate::openai::ApiError;
use crate::vocabulary::PassageText;
use endpoint::Endpoint;
use local::{LocalModel, Urgency};
use recent::RecentVectors;
pub(crate) use similarity::Similarity;
use similarity::{CommonPart, MAX_UNRELATED_COSINE, UNRELATED};

pub use endpoint::EndpointConfig;
pub use local::EmbedderConfig;
pub use model_files::{InputOptions, Pooling};

/// The name of the default model in provenance and in the name of its collection.
pub const MODEL_NAME: &str = "multilingual-e5-small-int8";
/// The number of dimensions of the default model's vectors.
pub const DIMENSIONS: usize = 384;

/// An embedding of unit length.
pub type Vector = Vec<f32>;

/// An embedding model. Clones share it.
#[derive(Clone)]
pub struct Embedder {
    model: Model,
    tokenizer: Arc<[u8]>,
    name: Arc<str>,
    dimensions: usize,
    prefixes: Arc<Prefixes>,
    unrelated_cosine: f32,
    common: CommonPart,
    /// The languages that the model knows; `None` for all.
    languages: Option<Arc<[String]>>,
    recent: Arc<RecentVectors>,
}

/// What stands in front of a text, as the model expects it.
struct Prefixes {
    query: String,
    passage: String,
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
        let (model, description, tokenizer) = loading.await??;
        let prefixes = Prefixes { query: description.query_prefix, passage: description.passage_prefix };
        Ok(Self {
            model: Model::Local(model),
            tokenizer: tokenizer.into(),
            name: description.name.into(),
            dimensions: description.dimensions,
            prefixes: Arc::new(prefixes),
            unrelated_cosine: description.unrelated_cosine,
            common: CommonPart::new(description.common),
            languages: description.languages.map(Arc::from),
            recent: Arc::default(),
        })
    }

    /// Connects to an endpoint and embeds one text to learn the number of dimensions. Documents are still
    /// split by the tokenizer in `model_dir`, so that a document has the same passages with every
    /// embedding model.
    pub async fn connect(
        config: EndpointConfig,
        input: InputOptions,
        model_dir: PathBuf,
    ) -> Result<Self, EmbedError> {
        let loading = tokio::task::spawn_blocking(move || model_files::read_tokenizer(&model_dir));
        let tokenizer = loading.await??;
        let name = config.model.as_str().into();
        let endpoint = Endpoint::new(config)?;
        let dimensions = endpoint.dimensions().await?;
        let prefixes = Prefixes {
            query: input.query_prefix.unwrap_or_default(),
            passage: input.passage_prefix.unwrap_or_default(),
        };
        let mut connected = Self {
            model: Model::Endpoint(endpoint),
            tokenizer: tokenizer.into(),
            name,
            dimensions,
            prefixes: Arc::new(prefixes),
            unrelated_cosine: 0.0,
            common: CommonPart::default(),
            languages: None,
            recent: Arc::default(),
        };
        connected.unrelated_cosine = connected.measure_unrelated_cosine().await?;
        Ok(connected)
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
        let text = format!("{}{question}", self.prefixes.query);
        let vector = self.embed(vec![text.clone()]).await?.pop().ok_or(EmbedError::UnexpectedShape)?;
        self.recent.insert(&text, &vector);
        Ok(vector)
    }

    /// Embeds a question that was probably embedded a moment ago.
    pub(crate) async fn known_query(&self, question: &str) -> Result<Vector, EmbedError> {
        match self.recent.get(&format!("{}{question}", self.prefixes.query)) {
            Some(vector) => Ok(vector),
            None => self.embed_query(question).await,
        }
    }

    /// Embeds passages with their titles and headings. Returns the vectors in the order of the passages.
    pub async fn embed_passages(&self, passages: &[PassageText]) -> Result<Vec<Vector>, EmbedError> {
        self.embed_as(self.inputs(passages), Urgency::Background).await
    }

    /// The texts of passages as the model reads them.
    fn inputs(&self, passages: &[PassageText]) -> Vec<String> {
        passages
            .iter()
            .map(|passage| format!("{}{}", self.prefixes.passage, passage_input(passage)))
            .collect()
    }

    /// Embeds parts of passages that a question is compared with. Returns the vectors in the order of the
    /// texts. The vectors of texts that were compared recently are remembered.
    pub(crate) async fn embed_sentences(&self, texts: &[String]) -> Result<Vec<Vector>, EmbedError> {
        let texts: Vec<String> =
            texts.iter().map(|text| format!("{}{text}", self.prefixes.passage)).collect();
        let mut vectors: Vec<Option<Vector>> = texts.iter().map(|text| self.recent.get(text)).collect();
        let missing = |(text, vector): (&String, &Option<Vector>)| vector.is_none().then(|| text.clone());
        let missing: Vec<String> = texts.iter().zip(&vectors).filter_map(missing).collect();
        let computed = if missing.is_empty() { Vec::new() } else { self.embed(missing.clone()).await? };
        for (text, vector) in missing.iter().zip(&computed) {
            self.recent.insert(text, vector);
        }
        let mut computed = computed.into_iter();
        for vector in vectors.iter_mut().filter(|vector| vector.is_none()) {
            *vector = computed.next();
        }
        vectors.into_iter().collect::<Option<_>>().ok_or(EmbedError::UnexpectedShape)
    }

    /// Embeds texts without changing them. Returns the vectors in the order of the texts.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        self.embed_as(texts, Urgency::Question).await
    }

    /// Whether the model knows the language of a text. Its cosines tell nothing about others.
    pub(crate) fn knows_language_of(&self, text: &str) -> bool {
        let Some(languages) = &self.languages else { return true };
        Language::of(text).is_none_or(|language| languages.iter().any(|known| known == language.code()))
    }

    /// A vector without what those of all texts have in common. Vectors are stored as the model makes them, and
    /// compared without it.
    pub fn distinct(&self, vector: Vector) -> Vector {
        self.common.removed_from(vector)
    }

    /// How the model's cosines are read.
    pub(crate) const fn similarity(&self) -> Similarity {
        Similarity { unrelated_cosine: self.unrelated_cosine }
    }

    /// The mean cosine of questions and passages about other things. Models differ: near 0 for one,
    /// 0.75 for another.
    async fn measure_unrelated_cosine(&self) -> Result<f32, EmbedError> {
        let questions = UNRELATED.map(|(question, _)| format!("{}{question}", self.prefixes.query));
        let passages = UNRELATED.map(|(_, passage)| format!("{}{passage}", self.prefixes.passage));
        let texts = questions.into_iter().chain(passages).collect();
        let vectors = self.embed_as(texts, Urgency::Question).await?;
        let (questions, passages) = vectors.split_at(UNRELATED.len());
        let sum: f32 =
            questions.iter().zip(passages).map(|(question, passage)| cosine(question, passage)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a few pairs")]
        let mean = sum / UNRELATED.len() as f32;
        Ok(mean.clamp(0.0, MAX_UNRELATED_COSINE))
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
    Model(#[from] ort::Error),
    /// The description of the local model is malformed.
    #[error("the description of the embedding model, {path}, cannot be read")]
    Description {
        /// The path of the file.
        path: PathBuf,
        /// The error of the parser.
        #[source]
        source: serde_json::Error,
    },
    /// A text could not be divided into tokens.
    #[error("a text could not be divided into tokens")]
    Tokenize(#[source] tokenizers::Error),
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
