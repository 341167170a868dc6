//! Configuration of the passage index.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::embed::{DIMENSIONS, MODEL_NAME};
use crate::sparse::TERMS_VERSION;

/// The default prefix of collection names. Installations that share a Qdrant use different prefixes.
const PREFIX: &str = "passages";

/// The placement of a collection in a cluster of Qdrant. `None` for Qdrant's own default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Placement {
    /// Servers that keep each passage.
    pub replication_factor: Option<u32>,
    /// Servers that must have written a passage before the write succeeds.
    pub write_consistency_factor: Option<u32>,
    /// Parts into which the passages are divided.
    pub shard_number: Option<u32>,
}

/// Qdrant's address, the collection and the time limit of a call.
#[derive(Debug, Clone)]
pub struct IndexConfig {
    /// The gRPC address, such as `http://127.0.0.1:6334`; `https` for TLS.
    pub url: String,
    /// The API key, if Qdrant requires one.
    pub api_key: Option<SecretString>,
    /// The PEM file with the certificates of the authorities that Qdrant's certificate is checked against, in
    /// place of those of the system.
    pub ca: Option<PathBuf>,
    /// The placement of new collections in a cluster.
    pub placement: Placement,
    /// The name of the collection.
    pub collection: String,
    /// The number of dimensions of the dense vectors.
    pub dimensions: usize,
    /// The time limit of one call.
    pub timeout: Duration,
}

impl IndexConfig {
    /// Configures the local model's collection, no API key and a time limit of ten seconds.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            api_key: None,
            ca: None,
            placement: Placement::default(),
            collection: versioned_name(PREFIX, MODEL_NAME, DIMENSIONS),
            dimensions: DIMENSIONS,
            timeout: Duration::from_secs(10),
        }
    }
}

/// Returns the name of a model's collection with the first version of the terms. Characters other than ASCII
/// letters, digits, `-` and `.` become `_`.
pub(super) fn collection_name(prefix: &str, model: &str, dimensions: usize) -> String {
    let escape = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
    let model: String = model.chars().map(escape).collect();
    format!("{prefix}_{model}_{dimensions}")
}

/// Returns the name of the model's collection with this version of the terms. Collections of the first
/// version have no number in their names.
pub(super) fn versioned_name(prefix: &str, model: &str, dimensions: usize) -> String {
    format!("{}_t{TERMS_VERSION}", collection_name(prefix, model, dimensions))
}
