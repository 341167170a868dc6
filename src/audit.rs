//! Audit: replay, exports that can be verified offline, and verification of the ledger.
//!
//! Every access is recorded ([`access_log`]). Verifying an export ([`verify`]) needs neither
//! database nor configuration.

pub mod access_log;
mod checkpoint_signer;
mod database;
pub mod decrypted;
pub mod differences;
mod event;
mod export;
mod follow;
mod replay;
pub mod signing;
pub mod verify;

pub use access_log::{Access, record_access};
pub use checkpoint_signer::{AuditKey, CheckpointSigner};
pub use database::{NotWhole, verify_database};
pub use event::{ActorName, AuditEvent, open_page};
pub use export::{ExportFailed, export};
pub use follow::Following;
pub use replay::{AsOf, InvalidAsOf, ReplayedConversation, replay};
pub use signing::{Checkpoint, InvalidKey, PublicKey, SigningKey};
