//! Configuration of the document index, the embedding models and the stored files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rag::embed::{InputOptions, Pooling};
use secrecy::SecretString;

use super::secret::{
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, EMBEDDING_API_KEY, EMBEDDING_PREVIOUS_API_KEY, QDRANT_API_KEY,
    SecretVariable,
};
use super::values::{base_url, file_store, filled, measured, prefix, within};

/// Configuration of every command that works with documents.
#[derive(Debug, Clone, Args)]
pub struct KnowledgeConfig {
    /// Qdrant.
    #[command(flatten)]
    pub qdrant: QdrantConfig,
    /// Embedding models.
    #[command(flatten)]
    pub embedding: EmbeddingConfig,
    /// File store.
    #[command(flatten)]
    pub files: FilesConfig,
    /// Reading of files.
    #[command(flatten)]
    pub extraction: ExtractionConfig,
}

/// Configuration of the connection to Qdrant.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Qdrant")]
pub struct QdrantConfig {
    /// gRPC address of Qdrant; `https` for TLS.
    #[arg(long, env = "QDRANT_URL", default_value = "http://127.0.0.1:6334", value_parser = base_url)]
    pub qdrant_url: String,
    /// API key of Qdrant.
    #[arg(skip = QDRANT_API_KEY.optional()?)]
    pub qdrant_api_key: Option<SecretString>,
    /// First part of the names of all collections.
    #[arg(long, env = "QDRANT_PREFIX", default_value = "passages", value_parser = prefix)]
    pub qdrant_prefix: String,
    /// PEM file with the certificates of the authorities that Qdrant is checked against, in place of the
    /// system's.
    #[arg(long, env = "QDRANT_CA")]
    pub qdrant_ca: Option<PathBuf>,
    /// Longest duration of one call to Qdrant, in seconds.
    #[arg(long, env = "QDRANT_TIMEOUT", default_value_t = 10, value_parser = measured(1..=300_u64, "seconds"))]
    pub qdrant_timeout: u64,
    /// Servers of a Qdrant cluster that keep each passage of a new collection; Qdrant's own
    /// default unless set.
    #[arg(long, env = "QDRANT_REPLICATION_FACTOR", value_parser = within(1..=64_u32))]
    pub qdrant_replication_factor: Option<u32>,
    /// Servers that must have written a passage of a new collection before the write succeeds; Qdrant's own
    /// default unless set.
    #[arg(long, env = "QDRANT_WRITE_CONSISTENCY_FACTOR", value_parser = within(1..=64_u32))]
    pub qdrant_write_consistency_factor: Option<u32>,
    /// Parts into which the passages of a new collection are divided; Qdrant's own default unless set.
    #[arg(long, env = "QDRANT_SHARD_NUMBER", value_parser = within(1..=1_024_u32))]
    pub qdrant_shard_number: Option<u32>,
}

impl QdrantConfig {
    /// The default configuration of a Qdrant, with this prefix of the names of collections.
    pub fn new(url: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            qdrant_url: url.into(),
            qdrant_api_key: None,
            qdrant_prefix: prefix.into(),
            qdrant_ca: None,
            qdrant_timeout: 10,
            qdrant_replication_factor: None,
            qdrant_write_consistency_factor: None,
            qdrant_shard_number: None,
        }
    }
}

/// Configuration of the embedding models.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Embedding")]
pub struct EmbeddingConfig {
    /// Folder of the local model: `model.onnx`, the files of its tokenizer and its description,
    /// `embedding.json`.
    #[arg(long, env = "EMBEDDING_MODEL_DIR", default_value = "models/multilingual")]
    pub embedding_model_dir: PathBuf,
    /// Folder of the previous local model, until `colloquy reindex` has moved all documents.
    #[arg(long, env = "EMBEDDING_PREVIOUS_MODEL_DIR")]
    pub embedding_previous_model_dir: Option<PathBuf>,
    /// Text in front of each question, such as `query: `; by default that of the local model, and none
    /// for an endpoint.
    #[arg(long, env = "EMBEDDING_QUERY_PREFIX")]
    pub embedding_query_prefix: Option<String>,
    /// Text in front of each passage, such as `passage: `; by default that of the local model, and none for
    /// an endpoint.
    #[arg(long, env = "EMBEDDING_PASSAGE_PREFIX")]
    pub embedding_passage_prefix: Option<String>,
    /// Pooling of a local model's vectors of tokens: `mean` or `cls`; by default as its description says.
    #[arg(long, env = "EMBEDDING_POOLING")]
    pub embedding_pooling: Option<PoolingName>,
    /// Longest input of a local model, in tokens; by default as its description says.
    #[arg(long, env = "EMBEDDING_MAX_TOKENS", value_parser = measured(16..=8_192_usize, "tokens"))]
    pub embedding_max_tokens: Option<usize>,
    /// Shared library of ONNX Runtime.
    #[arg(long, env = "ORT_DYLIB_PATH", default_value = "libonnxruntime.so")]
    pub ort_dylib_path: PathBuf,
    /// OpenAI-compatible endpoint that embeds, with its `/v1`; without it, the local model embeds.
    #[arg(long, env = "EMBEDDING_URL", value_parser = base_url)]
    pub embedding_url: Option<String>,
    /// Model of the endpoint.
    #[arg(long, env = "EMBEDDING_NAME", value_parser = filled)]
    pub embedding_name: Option<String>,
    /// API key of the endpoint.
    #[arg(skip = EMBEDDING_API_KEY.optional()?)]
    pub embedding_api_key: Option<SecretString>,
    /// Texts in one request to an endpoint.
    #[arg(long, env = "EMBEDDING_BATCH", default_value_t = 32, value_parser = within(1..=2_048_usize))]
    pub embedding_batch: usize,
    /// Dimensions to ask an endpoint for, where its model offers several; the model's own number unless set.
    #[arg(long, env = "EMBEDDING_DIMENSIONS", value_parser = within(1..=65_536_u32))]
    pub embedding_dimensions: Option<u32>,
    /// Previous endpoint, until `colloquy reindex` has moved all documents.
    #[arg(long, env = "EMBEDDING_PREVIOUS_URL", value_parser = base_url)]
    pub embedding_previous_url: Option<String>,
    /// Model of the previous endpoint.
    #[arg(long, env = "EMBEDDING_PREVIOUS_NAME", value_parser = filled)]
    pub embedding_previous_name: Option<String>,
    /// API key of the previous endpoint.
    #[arg(skip = EMBEDDING_PREVIOUS_API_KEY.optional()?)]
    pub embedding_previous_api_key: Option<SecretString>,
}

/// Pooling of the vectors of a text's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolingName {
    /// The mean of all tokens.
    Mean,
    /// The first token.
    Cls,
}

/// An OpenAI-compatible endpoint that embeds.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddingEndpoint<'a> {
    /// Base URL, with its `/v1`.
    pub url: &'a str,
    /// Model to name in requests.
    pub name: &'a str,
    /// Bearer token of requests.
    pub api_key: Option<&'a SecretString>,
    /// Texts in one request.
    pub batch: usize,
    /// Dimensions to ask for.
    pub dimensions: Option<u32>,
}

impl EmbeddingConfig {
    /// The endpoint to embed with; `None` for the local model.
    pub fn endpoint(&self) -> Option<EmbeddingEndpoint<'_>> {
        Some(EmbeddingEndpoint {
            url: self.embedding_url.as_deref()?,
            name: self.embedding_name.as_deref()?,
            api_key: self.embedding_api_key.as_ref(),
            batch: self.embedding_batch,
            dimensions: self.embedding_dimensions,
        })
    }

    /// The settings of the input that take the place of the model's own.
    pub fn input(&self) -> InputOptions {
        InputOptions {
            query_prefix: self.embedding_query_prefix.clone(),
            passage_prefix: self.embedding_passage_prefix.clone(),
            pooling: self.embedding_pooling.map(|pooling| match pooling {
                PoolingName::Mean => Pooling::Mean,
                PoolingName::Cls => Pooling::Cls,
            }),
            max_tokens: self.embedding_max_tokens,
        }
    }

    /// The endpoint that documents move away from.
    pub fn previous_endpoint(&self) -> Option<EmbeddingEndpoint<'_>> {
        Some(EmbeddingEndpoint {
            url: self.embedding_previous_url.as_deref()?,
            name: self.embedding_previous_name.as_deref()?,
            api_key: self.embedding_previous_api_key.as_ref(),
            batch: self.embedding_batch,
            dimensions: None,
        })
    }
}

/// Configuration of the file store. The S3 client reads further `AWS_…` variables itself.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Files")]
pub struct FilesConfig {
    /// Place of uploaded files, which are encrypted: `file:///folder` or `s3://bucket/prefix`.
    #[arg(long, env = "FILES_URL", default_value = "file://files", value_parser = file_store)]
    pub files_url: String,
    /// Region of the S3 bucket.
    #[arg(long, env = "AWS_REGION", value_parser = filled)]
    pub aws_region: Option<String>,
    /// Address of an S3-compatible service other than AWS.
    #[arg(long, env = "AWS_ENDPOINT_URL", value_parser = base_url)]
    pub aws_endpoint_url: Option<String>,
    /// Access key of the S3 bucket.
    #[arg(skip = AWS_ACCESS_KEY_ID.optional()?)]
    pub aws_access_key_id: Option<SecretString>,
    /// Secret of the access key.
    #[arg(skip = AWS_SECRET_ACCESS_KEY.optional()?)]
    pub aws_secret_access_key: Option<SecretString>,
}

impl FilesConfig {
    /// Secrets of this part.
    pub(crate) const SECRETS: &[&SecretVariable] = &[&AWS_ACCESS_KEY_ID, &AWS_SECRET_ACCESS_KEY];
}

/// Configuration of the processes that read files.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reading of files")]
pub struct ExtractionConfig {
    /// Memory of the process that reads one file, in MiB. A file that needs more is rejected.
    #[arg(long, env = "EXTRACTION_MEMORY", default_value_t = 512, value_parser = measured(1..=1_048_576_u64, "MiB"))]
    pub extraction_memory: u64,
    /// Processor time of the process that reads one file, in seconds. A file that needs more is rejected, or kept
    /// in part with a warning.
    #[arg(long, env = "EXTRACTION_SECONDS", default_value_t = 60, value_parser = measured(1..=86_400_u32, "seconds"))]
    pub extraction_seconds: u32,
    /// Documents that one process of the worker indexes at the same time, each of another owner.
    #[arg(long, env = "INDEXING_CONCURRENCY", default_value_t = 4, value_parser = within(1..=1_024_usize))]
    pub indexing_concurrency: usize,
    /// Shared library of PDFium, which reads PDF documents.
    #[arg(long, env = "PDFIUM_LIBRARY", default_value = "libpdfium.so")]
    pub pdfium_library: PathBuf,
    /// Program that reads files, run as `PROGRAM extract`; by default this program.
    #[arg(long, env = "EXTRACTION_PROGRAM")]
    pub extraction_program: Option<PathBuf>,
}

impl KnowledgeConfig {
    /// Secrets of this part.
    pub(crate) const SECRETS: &[&SecretVariable] = &[
        &QDRANT_API_KEY,
        &EMBEDDING_API_KEY,
        &EMBEDDING_PREVIOUS_API_KEY,
        &AWS_ACCESS_KEY_ID,
        &AWS_SECRET_ACCESS_KEY,
    ];
}
