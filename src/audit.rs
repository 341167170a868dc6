//! Replay and proof: history as auditors see it, exports that prove themselves, and the ledger checked against itself.
//!
//! Whoever looks leaves an event ([`trail`]). What checks an export ([`verify`]) needs neither database nor configuration.

pub mod command_line;
mod database;
mod differences;
mod event;
mod export;
mod follow;
mod notary;
mod replay;
mod shown;
mod signing;
mod trail;
pub mod verify;

pub use database::{NotWhole, verify_database};
pub use event::{ActorName, AuditEvent, open_page};
pub use export::{ExportFailed, export};
pub use follow::Following;
pub use notary::{AuditKey, Notary};
pub use replay::{AsOf, InvalidAsOf, ReplayedConversation, replay};
pub use signing::{Checkpoint, InvalidKey, PublicKey, SigningKey};
pub use trail::{Look, record_look};
