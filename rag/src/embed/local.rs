//! Runs all-MiniLM-L6-v2 (int8, ONNX) in this process. Loads the model and ONNX Runtime from local files;
//! downloads nothing.
//!
//! The model is quantized dynamically, so the vector of a text depends on the other texts of its batch. Each
//! text is therefore a batch of its own. That gives equal texts equal vectors and costs nothing on a CPU,
//! because no text is padded.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as BlockingMutex, PoisonError};

use fastembed::{
    InitOptionsUserDefined, Pooling, QuantizationMode, TextEmbedding, TokenizerFiles,
    UserDefinedEmbeddingModel,
};
use ort::environment::Environment;
use tokenizers::Tokenizer;
use tokio::sync::Mutex;

use super::{DIMENSIONS, EmbedError, MAX_TOKENS, Vector};

/// Texts embedded before the next waiting caller gets the model.
const TEXTS_PER_TURN: usize = 8;
const TOKENIZER_FILE: &str = "tokenizer.json";

/// The files of the local model and its number of threads.
#[derive(Debug, Clone)]
pub struct EmbedderConfig {
    /// The folder with `model.onnx`, `tokenizer.json`, `config.json`, `special_tokens_map.json`
    /// and `tokenizer_config.json`.
    pub model_dir: PathBuf,
    /// The shared library of ONNX Runtime.
    pub ort_dylib: PathBuf,
    /// The number of threads of one embedding.
    pub threads: usize,
}

impl EmbedderConfig {
    /// Configures these files and at most two threads.
    pub fn new(model_dir: impl Into<PathBuf>, ort_dylib: impl Into<PathBuf>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2));
        Self { model_dir: model_dir.into(), ort_dylib: ort_dylib.into(), threads }
    }
}

/// The loaded model. Clones share it and take turns.
#[derive(Clone)]
pub(super) struct LocalModel {
    model: Arc<Mutex<TextEmbedding>>,
    /// Held by the one passage embedding that waits for the model or has it: questions wait for no more.
    passages: Arc<Mutex<()>>,
}

/// Which texts wait for which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Somebody waits for an answer.
    Question,
    /// Passages of documents.
    Background,
}

impl LocalModel {
    /// Loads the model, and reads the file of its tokenizer. Blocks for some hundred milliseconds.
    pub(super) fn load(config: &EmbedderConfig) -> Result<(Self, Vec<u8>), EmbedError> {
        let files = TokenizerFiles {
            tokenizer_file: read(&config.model_dir, TOKENIZER_FILE)?,
            config_file: read(&config.model_dir, "config.json")?,
            special_tokens_map_file: read(&config.model_dir, "special_tokens_map.json")?,
            tokenizer_config_file: read(&config.model_dir, "tokenizer_config.json")?,
        };
        let tokenizer = files.tokenizer_file.clone();
        let onnx = read(&config.model_dir, "model.onnx")?;
        let model = UserDefinedEmbeddingModel::new(onnx, files)
            .with_pooling(Pooling::Mean)
            .with_quantization(QuantizationMode::Dynamic);
        let options = InitOptionsUserDefined::new()
            .with_environment(environment(&config.ort_dylib)?)
            .with_max_length(MAX_TOKENS)
            .with_intra_threads(config.threads.max(1))
            // Spinning threads would take CPU time from the rest of the process.
            .with_session_config("session.intra_op.allow_spinning", "0");
        let model = TextEmbedding::try_new_from_user_defined(model, options).map_err(EmbedError::Model)?;
        Ok((Self { model: Arc::new(Mutex::new(model)), passages: Arc::default() }, tokenizer))
    }

    /// Returns the vectors in the order of the texts.
    pub(super) async fn embed(
        &self,
        texts: Vec<String>,
        urgency: Urgency,
    ) -> Result<Vec<Vector>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        let mut texts = texts.into_iter();
        loop {
            let turn: Vec<String> = texts.by_ref().take(TEXTS_PER_TURN).collect();
            if turn.is_empty() {
                return Ok(vectors);
            }
            let _background = match urgency {
                Urgency::Question => None,
                Urgency::Background => Some(self.passages.lock().await),
            };
            let mut model = Arc::clone(&self.model).lock_owned().await;
            let embedding = tokio::task::spawn_blocking(move || {
                turn.iter().map(|text| embed_one(&mut model, text)).collect::<Result<Vec<_>, _>>()
            });
            vectors.extend(embedding.await??);
        }
    }
}

/// Reads the file of the tokenizer without the model, and checks it.
pub(super) fn read_tokenizer(dir: &Path) -> Result<Vec<u8>, EmbedError> {
    let bytes = read(dir, TOKENIZER_FILE)?;
    Tokenizer::from_bytes(&bytes)
        .map_err(|source| EmbedError::Tokenizer { path: dir.join(TOKENIZER_FILE), source })?;
    Ok(bytes)
}

fn embed_one(model: &mut TextEmbedding, text: &str) -> Result<Vector, EmbedError> {
    let vector = model.embed([text], None).map_err(EmbedError::Model)?.pop().unwrap_or_default();
    if vector.len() == DIMENSIONS { Ok(vector) } else { Err(EmbedError::UnexpectedShape) }
}

/// Returns the ONNX Runtime environment, of which a process can have only one.
fn environment(dylib: &Path) -> Result<Environment, EmbedError> {
    static SHARED: BlockingMutex<Option<Environment>> = BlockingMutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = shared.as_ref() {
        return Ok(environment.clone());
    }
    let environment = ort::init_from(dylib)
        .map_err(|error| runtime_error(dylib, error))?
        .with_telemetry(false)
        .build()
        .map_err(|error| runtime_error(dylib, error))?;
    *shared = Some(environment.clone());
    Ok(environment)
}

fn runtime_error(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> EmbedError {
    EmbedError::Runtime { path: path.to_owned(), source: source.into() }
}

fn read(dir: &Path, name: &str) -> Result<Vec<u8>, EmbedError> {
    let path = dir.join(name);
    std::fs::read(&path).map_err(|source| EmbedError::File { path, source })
}
