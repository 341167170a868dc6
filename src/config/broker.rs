//! Configuration of the login, TLS and streams at NATS.

use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::Resettable};
use nats::{ConnectionConfig, StreamSettings};
use secrecy::SecretString;

use super::secret::NATS_URL;
use super::values::{measured, within};

/// Most servers that JetStream keeps a stream on.
const MAX_REPLICAS: usize = 5;
/// Smallest and largest limit of a stream, in bytes.
const STREAM_BYTES: std::ops::RangeInclusive<u64> = 1_048_576..=1_125_899_906_842_624;

/// Configuration of NATS beside its URL.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "NATS")]
pub struct NatsConfig {
    /// File that the URL comes from.
    #[arg(skip = NATS_URL.file())]
    pub nats_url_file: Option<PathBuf>,
    /// Credentials file (`.creds`) of a NATS account: JWT and NKey of a user. Read for each connection.
    #[arg(long, env = "NATS_CREDS")]
    pub nats_creds: Option<PathBuf>,
    /// File with the seed of a user's NKey. Read for each connection.
    #[arg(long, env = "NATS_NKEY")]
    pub nats_nkey: Option<PathBuf>,
    /// PEM file with the certificates of the authorities that NATS is checked against, in place of the
    /// system's. With it, the connection uses TLS.
    #[arg(long, env = "NATS_CA")]
    pub nats_ca: Option<PathBuf>,
    /// PEM file with the client certificate for NATS.
    #[arg(long, env = "NATS_CERT")]
    pub nats_cert: Option<PathBuf>,
    /// PEM file with the private key of the client certificate.
    #[arg(long, env = "NATS_KEY")]
    pub nats_key: Option<PathBuf>,
    /// Servers of a NATS cluster that keep each stream; 1 for new streams unless set.
    #[arg(long, env = "NATS_REPLICAS", value_parser = within(1..=MAX_REPLICAS))]
    pub nats_replicas: Option<usize>,
    /// Most bytes of the stream of events; 1 GiB for a new stream unless set. Older events are read
    /// from the ledger.
    #[arg(long, env = "NATS_EVENTS_MAX_BYTES", value_parser = measured(STREAM_BYTES, "bytes"))]
    pub nats_events_max_bytes: Option<u64>,
    /// Most bytes of the stream of answers that are being written; 256 MiB for a new stream unless set.
    #[arg(long, env = "NATS_LIVE_MAX_BYTES", value_parser = measured(STREAM_BYTES, "bytes"))]
    pub nats_live_max_bytes: Option<u64>,
    /// Where NATS keeps the answers that are being written; memory for a new stream unless set.
    #[arg(long, env = "NATS_LIVE_STORAGE", value_enum)]
    pub nats_live_storage: Option<LiveStorage>,
}

/// Storage of NATS for the answers that are being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LiveStorage {
    /// In memory.
    #[value(help = Resettable::Reset)]
    Memory,
    /// In files, for accounts without memory.
    #[value(help = Resettable::Reset)]
    File,
}

impl NatsConfig {
    /// The connection to these servers.
    pub fn connection(&self, urls: &SecretString) -> ConnectionConfig {
        ConnectionConfig {
            urls_file: self.nats_url_file.clone(),
            credentials: self.nats_creds.clone(),
            nkey: self.nats_nkey.clone(),
            ca: self.nats_ca.clone(),
            certificate: self.nats_cert.clone(),
            key: self.nats_key.clone(),
            ..ConnectionConfig::new(urls.clone())
        }
    }

    /// The settings of the streams.
    pub fn streams(&self) -> StreamSettings {
        StreamSettings {
            replicas: self.nats_replicas,
            events_max_bytes: self.nats_events_max_bytes,
            live_max_bytes: self.nats_live_max_bytes,
            live_storage: self.nats_live_storage.map(|storage| match storage {
                LiveStorage::Memory => nats::LiveStorage::Memory,
                LiveStorage::File => nats::LiveStorage::File,
            }),
        }
    }
}
