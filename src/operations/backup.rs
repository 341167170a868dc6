//! Backups of an installation: one consistent set of the databases, the encrypted files of documents and the
//! tombstones, compressed and encrypted.
//!
//! JetStream and Qdrant are derived from these and not part of a backup. Memory is bounded: parts are
//! streamed, and what grows are lists of parts and hashes of files.
//!
//! - `repository.rs`: the place of backups. `manifest.rs`: what a backup consists of.
//! - `parts.rs`, `copied_files.rs`: how rows and files become parts.
//! - `create.rs`, `verify.rs`, `restore.rs`, `prune.rs`: the operations. `loading.rs`: parts become rows.
//! - `tombstones.rs`: why a restored backup does not bring erased users back.

mod copied_files;
mod create;
mod error;
mod in_jetstream;
mod keys;
mod loading;
mod manifest;
mod parts;
mod prune;
mod repository;
mod restore;
mod tombstones;
mod verify;

pub use create::{Created, Source, create};
pub use error::BackupError;
pub use in_jetstream::InJetStream;
pub use keys::{InstallationKeys, keys_of};
pub use manifest::{Backup, FileGroup, Manifest, Part, Table};
pub use prune::{Pruned, prune};
pub use repository::Repository;
pub use restore::{Existing, Restored, Target, restore};
pub use tombstones::{Tombstones, of_all_backups};
pub use verify::{Masters, Verified, verify_in, verify_parts};
