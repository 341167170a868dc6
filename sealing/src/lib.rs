//! The key tree, the ciphers and the blind index: the only crate that encrypts and decrypts private texts.
//!
//! Keys form a tree: the master key wraps one key per user, which wraps one key per conversation or document.
//! Private texts are encrypted with AES-256-GCM and bound to their place by associated data. Nothing here
//! does I/O.
//!
//! Key material is wiped when it is dropped, is not `Copy`, never appears in `Debug` output, and is compared
//! in constant time. The internal states of the hash function and of the cipher are not wiped: the memory of
//! the process is trusted.

mod associated_data;
mod backup;
mod blind;
mod cipher;
mod keys;
mod passphrase;

pub use associated_data::AssociatedData;
pub use backup::BackupKey;
pub use blind::{BlindKey, Token};
pub use cipher::SealError;
pub use keys::{ContentKey, DerivedKey, InvalidMasterKey, MasterKey, Opener, Subject, UserKey};
pub use passphrase::{open_with_passphrase, seal_with_passphrase};
pub use zeroize::Zeroizing;
