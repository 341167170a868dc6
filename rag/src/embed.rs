//! Turns texts into vectors with all-MiniLM-L6-v2 (int8, ONNX), on this machine. Loads the model and ONNX Runtime from
//! files it is told; fetches nothing.
//!
//! The model is quantized dynamically: what a text's vector is depends on what it shares a batch with. Each text is
//! therefore run on its own, which costs nothing on a CPU (no padding) and gives the same text the same vector always.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as BlockingMutex, PoisonError};

use fastembed::{
    InitOptionsUserDefined, Pooling, QuantizationMode, TextEmbedding, TokenizerFiles,
    UserDefinedEmbeddingModel,
};
use ort::environment::Environment;
use tokenizers::Tokenizer;
use tokio::sync::Mutex;

use crate::passage::PassageText;

/// The model's name, as it is recorded with every answer and in the name of the collection.
pub const MODEL_NAME: &str = "minilm-l6-v2-int8";
/// How many numbers a vector has.
pub const DIMENSIONS: usize = 384;
/// Tokens the model reads; what is beyond them is cut off.
pub const MAX_TOKENS: usize = 256;
/// Texts embedded before others waiting for the model get their turn.
const TURN: usize = 8;

/// A text's place in the model's space, of length 1.
pub type Vector = Vec<f32>;

/// Where the model and the library that runs it lie.
#[derive(Debug, Clone)]
pub struct EmbedderConfig {
    /// Folder with `model.onnx`, `tokenizer.json`, `config.json`, `special_tokens_map.json`, `tokenizer_config.json`.
    pub model_dir: PathBuf,
    /// ONNX Runtime's shared library.
    pub ort_dylib: PathBuf,
    /// Threads one embedding may use.
    pub threads: usize,
}

impl EmbedderConfig {
    /// These files, on at most two threads.
    pub fn new(model_dir: impl Into<PathBuf>, ort_dylib: impl Into<PathBuf>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2));
        Self { model_dir: model_dir.into(), ort_dylib: ort_dylib.into(), threads }
    }
}

/// The loaded model; clones share it, and take turns.
#[derive(Clone)]
pub struct Embedder {
    model: Arc<Mutex<TextEmbedding>>,
    tokenizer: Arc<Tokenizer>,
}

impl Embedder {
    /// Loads the model, which takes some hundred milliseconds.
    pub async fn load(config: EmbedderConfig) -> Result<Self, EmbedError> {
        tokio::task::spawn_blocking(move || Self::load_blocking(&config))
            .await
            .map_err(|_| EmbedError::Interrupted)?
    }

    fn load_blocking(config: &EmbedderConfig) -> Result<Self, EmbedError> {
        let files = TokenizerFiles {
            tokenizer_file: read(&config.model_dir, "tokenizer.json")?,
            config_file: read(&config.model_dir, "config.json")?,
            special_tokens_map_file: read(&config.model_dir, "special_tokens_map.json")?,
            tokenizer_config_file: read(&config.model_dir, "tokenizer_config.json")?,
        };
        let onnx = read(&config.model_dir, "model.onnx")?;
        let model = UserDefinedEmbeddingModel::new(onnx, files)
            .with_pooling(Pooling::Mean)
            .with_quantization(QuantizationMode::Dynamic);
        let options = InitOptionsUserDefined::new()
            .with_environment(environment(&config.ort_dylib)?)
            .with_max_length(MAX_TOKENS)
            .with_intra_threads(config.threads.max(1))
            // Threads that spin while they wait take the processor from everything else on the machine.
            .with_session_config("session.intra_op.allow_spinning", "0");
        let model = TextEmbedding::try_new_from_user_defined(model, options).map_err(EmbedError::Model)?;
        let tokenizer = Arc::new(model.tokenizer.clone());
        Ok(Self { model: Arc::new(Mutex::new(model)), tokenizer })
    }

    /// The model's tokenizer, for splitting by its tokens.
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
        let mut vectors = Vec::with_capacity(texts.len());
        let mut texts = texts.into_iter();
        loop {
            let turn: Vec<String> = texts.by_ref().take(TURN).collect();
            if turn.is_empty() {
                return Ok(vectors);
            }
            let mut model = Arc::clone(&self.model).lock_owned().await;
            let done = tokio::task::spawn_blocking(move || {
                turn.iter().map(|text| one(&mut model, text)).collect::<Result<Vec<_>, _>>()
            });
            vectors.extend(done.await.map_err(|_| EmbedError::Interrupted)??);
        }
    }
}

/// What stands for a passage in the model's space.
fn passage_input(passage: &PassageText) -> String {
    let context = passage.context();
    if context.is_empty() { passage.text.clone() } else { format!("{context}\n{}", passage.text) }
}

fn one(model: &mut TextEmbedding, text: &str) -> Result<Vector, EmbedError> {
    let vector = model.embed([text], None).map_err(EmbedError::Model)?.pop().unwrap_or_default();
    if vector.len() == DIMENSIONS { Ok(vector) } else { Err(EmbedError::WrongShape) }
}

/// The cosine of two vectors of length 1.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// ONNX Runtime allows one environment in a process; every embedder shares it.
fn environment(dylib: &Path) -> Result<Environment, EmbedError> {
    static SHARED: BlockingMutex<Option<Environment>> = BlockingMutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = shared.as_ref() {
        return Ok(environment.clone());
    }
    let environment = ort::init_from(dylib)
        .map_err(|error| EmbedError::Runtime { path: dylib.to_owned(), reason: error.to_string() })?
        .with_telemetry(false)
        .build()
        .map_err(|error| EmbedError::Runtime { path: dylib.to_owned(), reason: error.to_string() })?;
    *shared = Some(environment.clone());
    Ok(environment)
}

fn read(dir: &Path, name: &str) -> Result<Vec<u8>, EmbedError> {
    let path = dir.join(name);
    std::fs::read(&path).map_err(|source| EmbedError::File { path, source })
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
    /// The model answers with something else than one vector of 384 numbers.
    #[error("get a vector of {DIMENSIONS} numbers from the embedding model")]
    WrongShape,
    /// The process is ending.
    #[error("finish embedding before the end of the process")]
    Interrupted,
}
