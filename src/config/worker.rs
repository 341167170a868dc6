//! What the worker and the commands that work on documents need.

use std::path::PathBuf;

use anyhow::Context as _;

use super::{Secret, optional, or, parsed, required};

/// What the worker needs.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// `QDRANT_URL`: Qdrant's gRPC.
    pub qdrant_url: String,
    /// `QDRANT_API_KEY`.
    pub qdrant_api_key: Option<Secret>,
    /// `QDRANT_PREFIX`: what the names of its collections begin with; default `passages`.
    pub qdrant_prefix: String,
    /// `EMBEDDING_MODEL_DIR`: the folder with `model.onnx` and the tokenizer's files.
    pub embedding_model_dir: PathBuf,
    /// `ORT_DYLIB_PATH`: ONNX Runtime's shared library; default `libonnxruntime.so`, found by the system's loader.
    pub ort_dylib_path: PathBuf,
    /// `EMBEDDING_URL`, `EMBEDDING_NAME`, `EMBEDDING_API_KEY`, `EMBEDDING_BATCH`: an OpenAI-compatible endpoint that embeds; default the
    /// model on this machine.
    pub embedding: Option<EmbeddingConfig>,
    /// `EMBEDDING_PREVIOUS_URL`, `EMBEDDING_PREVIOUS_NAME`, `EMBEDDING_PREVIOUS_API_KEY`: the endpoint before, while `colloquy reindex` moves
    /// to the one above.
    pub embedding_previous: Option<EmbeddingConfig>,
    /// `MODEL_URL`, `MODEL_NAME`, `MODEL_API_KEY`, `MODEL_CONTEXT`: an OpenAI-compatible model; without it answers are quoted.
    pub model: Option<ModelConfig>,
    /// `FILES_URL`: where the files people bring are kept, sealed: `file:///a/folder` or `s3://bucket/prefix` (the rest as `AWS_…`);
    /// default the folder `files` where it runs.
    pub files_url: String,
    /// `WORKER_CONCURRENCY`: answers written at once; default 8.
    pub concurrency: usize,
}

/// An embedding model behind an OpenAI-compatible endpoint.
#[derive(Debug, Clone)]
pub struct EmbeddingConfig {
    /// The base URL, `/v1` included.
    pub url: String,
    /// The model's name there.
    pub name: String,
    /// The bearer token, if it wants one.
    pub api_key: Option<Secret>,
    /// Texts sent at once; default 32.
    pub batch: usize,
}

/// A language model behind an OpenAI-compatible endpoint.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// The base URL, `/v1` included.
    pub url: String,
    /// The model's name there.
    pub name: String,
    /// The bearer token, if it wants one.
    pub api_key: Option<Secret>,
    /// Its context in tokens; default 4096.
    pub context: usize,
}

impl WorkerConfig {
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        Ok(Self {
            qdrant_url: or("QDRANT_URL", "http://127.0.0.1:6334"),
            qdrant_api_key: optional("QDRANT_API_KEY").map(Secret),
            qdrant_prefix: or("QDRANT_PREFIX", "passages"),
            embedding: EmbeddingConfig::from_env("EMBEDDING")?,
            embedding_previous: EmbeddingConfig::from_env("EMBEDDING_PREVIOUS")?,
            embedding_model_dir: PathBuf::from(or("EMBEDDING_MODEL_DIR", "models/minilm")),
            ort_dylib_path: PathBuf::from(or("ORT_DYLIB_PATH", "libonnxruntime.so")),
            model: ModelConfig::from_env()?,
            files_url: or("FILES_URL", "file://files"),
            concurrency: parsed("WORKER_CONCURRENCY", 8)?,
        })
    }
}

impl EmbeddingConfig {
    fn from_env(prefix: &str) -> anyhow::Result<Option<Self>> {
        let Some(url) = optional(&format!("{prefix}_URL")) else {
            return Ok(None);
        };
        let name = required(&format!("{prefix}_NAME"));
        Ok(Some(Self {
            url: url.trim_end_matches('/').to_owned(),
            name: name.with_context(|| format!("{prefix}_URL needs a model's name"))?,
            api_key: optional(&format!("{prefix}_API_KEY")).map(Secret),
            batch: parsed("EMBEDDING_BATCH", 32)?,
        }))
    }
}

impl ModelConfig {
    fn from_env() -> anyhow::Result<Option<Self>> {
        let Some(url) = optional("MODEL_URL") else {
            return Ok(None);
        };
        Ok(Some(Self {
            url: url.trim_end_matches('/').to_owned(),
            name: required("MODEL_NAME").context("MODEL_URL needs a model's name")?,
            api_key: optional("MODEL_API_KEY").map(Secret),
            context: parsed("MODEL_CONTEXT", 4096)?,
        }))
    }
}
