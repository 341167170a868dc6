//! The key tree, the ciphers and the blind index: the only place that touches the cryptography of private texts.
//!
//! Keys form a tree: the master key wraps one key per user, which wraps one key per conversation or document. What is
//! private is sealed with AES-256-GCM, bound to its place by associated data. Nothing here does I/O.

mod blind;
mod cipher;
mod coordinates;
mod keys;

pub use blind::{BlindKey, Token};
pub use cipher::SealError;
pub use coordinates::Coordinates;
pub use keys::{ContentKey, InvalidMasterKey, MasterKey, Opener, Subject, UserKey};
