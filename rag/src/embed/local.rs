//! all-MiniLM-L6-v2 (int8, ONNX), on this machine. Loads the model and ONNX Runtime from files it is told; fetches nothing.
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

use super::{DIMENSIONS, EmbedError, MAX_TOKENS, Vector};

/// Texts embedded before others waiting for the model get their turn.
const TURN: usize = 8;

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
pub(super) struct Local(Arc<Mutex<TextEmbedding>>);

impl Local {
    /// Loads the model, with its tokenizer. Blocking, for some hundred milliseconds.
    pub(super) fn load(config: &EmbedderConfig) -> Result<(Self, Tokenizer), EmbedError> {
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
        let tokenizer = model.tokenizer.clone();
        Ok((Self(Arc::new(Mutex::new(model))), tokenizer))
    }

    /// The vectors of texts as they are, in their order.
    pub(super) async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        let mut texts = texts.into_iter();
        loop {
            let turn: Vec<String> = texts.by_ref().take(TURN).collect();
            if turn.is_empty() {
                return Ok(vectors);
            }
            let mut model = Arc::clone(&self.0).lock_owned().await;
            let done = tokio::task::spawn_blocking(move || {
                turn.iter().map(|text| one(&mut model, text)).collect::<Result<Vec<_>, _>>()
            });
            vectors.extend(done.await.map_err(|_| EmbedError::Interrupted)??);
        }
    }
}

/// The tokenizer alone, for splitting while another model embeds.
pub(super) fn tokenizer(dir: &Path) -> Result<Tokenizer, EmbedError> {
    let bytes = read(dir, "tokenizer.json")?;
    Tokenizer::from_bytes(bytes).map_err(|_| EmbedError::Tokenizer { path: dir.join("tokenizer.json") })
}

fn one(model: &mut TextEmbedding, text: &str) -> Result<Vector, EmbedError> {
    let vector = model.embed([text], None).map_err(EmbedError::Model)?.pop().unwrap_or_default();
    if vector.len() == DIMENSIONS { Ok(vector) } else { Err(EmbedError::WrongShape) }
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
