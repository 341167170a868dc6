//! The key tree: master key, one key per user, one key per conversation or document.

use std::fmt;

use aggregates::{UnknownName, UserId};
use aws_lc_rs::aead::LessSafeKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::associated_data::AssociatedData;
use crate::backup::BackupKey;
use crate::blind::BlindKey;
use crate::cipher::{self, Key, SealError};

/// Length of a master key in hexadecimal, in characters.
const HEX_DIGITS: usize = 64;

/// The text is not a master key. The error never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 bytes, as 64 hexadecimal digits or as base64")]
pub struct InvalidMasterKey;

/// The owner of a wrapped key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A user's key, wrapped by the master key.
    User(UserId),
    /// A conversation's key, wrapped by its owner's.
    Conversation(Uuid),
    /// A document's key, wrapped by its owner's.
    Document(Uuid),
}

impl Subject {
    /// The name of the subject's kind in the store.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Conversation(_) => "conversation",
            Self::Document(_) => "document",
        }
    }

    /// The subject of a kind's name and an id.
    pub fn named(kind: &str, id: Uuid) -> Result<Self, UnknownName> {
        match kind {
            "user" => Ok(Self::User(UserId::new(id))),
            "conversation" => Ok(Self::Conversation(id)),
            "document" => Ok(Self::Document(id)),
            unknown => Err(UnknownName::new("key subject", unknown)),
        }
    }

    /// The subject's id in the store.
    pub const fn id(self) -> Uuid {
        match self {
            Self::User(id) => id.uuid(),
            Self::Conversation(id) | Self::Document(id) => id,
        }
    }

    fn aad(self) -> Vec<u8> {
        let mut data = Vec::with_capacity(40);
        data.extend_from_slice(b"key\0");
        data.extend_from_slice(self.id().as_bytes());
        data.extend_from_slice(self.kind().as_bytes());
        data
    }
}

/// The key of an installation. It wraps users' keys and seals the installation's own secrets.
#[derive(Clone)]
pub struct MasterKey {
    key: Key,
    id: String,
}

impl MasterKey {
    /// Parses 64 hexadecimal digits, or base64 of 32 bytes. Surrounding white space is ignored.
    pub fn parse(text: &SecretString) -> Result<Self, InvalidMasterKey> {
        let text = text.expose_secret().trim();
        let decoded =
            if text.len() == HEX_DIGITS { hex::decode(text).ok() } else { STANDARD.decode(text).ok() };
        let bytes = Zeroizing::new(decoded.ok_or(InvalidMasterKey)?);
        let key = Key::from_slice(&bytes).ok_or(InvalidMasterKey)?;
        let digest = blake3::derive_key("colloquy 2026 master key id", key.as_bytes());
        let id = digest.first_chunk().copied().map_or(0, u64::from_be_bytes);
        Ok(Self { key, id: format!("{id:016x}") })
    }

    /// The key's id, 16 hexadecimal digits, which reveals nothing of the key. It is stored beside what the
    /// key wraps.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Generates a user's key; returns it with its wrapped form.
    pub fn new_user_key(&self, user: UserId) -> Result<(UserKey, Vec<u8>), SealError> {
        let key = UserKey(Key::random()?);
        let wrapped = self.wrap_user_key(user, &key)?;
        Ok((key, wrapped))
    }

    /// Wraps an existing key of a user.
    pub fn wrap_user_key(&self, user: UserId, key: &UserKey) -> Result<Vec<u8>, SealError> {
        self.key.seal(&Subject::User(user).aad(), key.0.as_bytes())
    }

    /// Unwraps a user's key.
    pub fn unwrap_user_key(&self, user: UserId, wrapped: &[u8]) -> Result<UserKey, SealError> {
        unwrap(&self.key, Subject::User(user), wrapped).map(UserKey)
    }

    /// Encrypts a secret of the installation, such as the key that signs checkpoints, bound to
    /// the secret's name.
    pub fn seal_secret(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        self.key.seal(&secret_aad(name), secret)
    }

    /// Decrypts a secret that [`Self::seal_secret`] encrypted under the same name.
    pub fn open_secret(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.key.open(&secret_aad(name), sealed).map(Zeroizing::new)
    }

    /// The key of the installation's backups.
    pub fn backup_key(&self) -> BackupKey {
        BackupKey::new(self)
    }

    /// Derives a key for one purpose of the installation, such as authenticating cursors.
    pub fn derive(&self, purpose: &str) -> DerivedKey {
        let mut hasher = blake3::Hasher::new_derive_key("colloquy 2026 purpose");
        hasher.update(self.key.as_bytes());
        hasher.update(purpose.as_bytes());
        DerivedKey(*hasher.finalize().as_bytes())
    }
}

/// A key that [`MasterKey::derive`] or [`UserKey::term_key`] derived. It is wiped when it is dropped and
/// never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DerivedKey([u8; 32]);

impl DerivedKey {
    /// The key's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A user's key: wraps the keys of the user's conversations and documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserKey(Key);

impl UserKey {
    /// Generates a key for a conversation or document; returns it with its wrapped form.
    pub fn new_content_key(&self, subject: Subject) -> Result<(ContentKey, Vec<u8>), SealError> {
        let key = ContentKey::random()?;
        let wrapped = self.wrap_content_key(subject, &key)?;
        Ok((key, wrapped))
    }

    /// Wraps a key that was generated before its subject was known.
    pub fn wrap_content_key(&self, subject: Subject, key: &ContentKey) -> Result<Vec<u8>, SealError> {
        self.0.seal(&subject.aad(), key.0.as_bytes())
    }

    /// Unwraps the key of a conversation or document.
    pub fn unwrap_content_key(&self, subject: Subject, wrapped: &[u8]) -> Result<ContentKey, SealError> {
        unwrap(&self.0, subject, wrapped).map(ContentKey)
    }

    /// Derives the key that encrypts the private parts of the user's own account. It is destroyed with the
    /// user's key, from which it is derived whenever it is needed.
    pub fn account_key(&self) -> ContentKey {
        ContentKey(Key::new(blake3::derive_key("colloquy 2026 account texts", self.0.as_bytes())))
    }

    /// Derives the key of the term ids under which the user's passages are indexed.
    pub fn term_key(&self) -> DerivedKey {
        DerivedKey(blake3::derive_key("colloquy 2026 sparse term ids", self.0.as_bytes()))
    }

    /// Derives the key of the user's blind index.
    pub fn blind_key(&self) -> BlindKey {
        BlindKey::new(blake3::derive_key("colloquy 2026 blind index", self.0.as_bytes()))
    }
}

/// The key of one conversation or document: encrypts its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentKey(Key);

impl ContentKey {
    /// Generates a key that is not wrapped yet.
    pub fn random() -> Result<Self, SealError> {
        Key::random().map(Self)
    }

    /// Encrypts a text, bound to its place.
    pub fn seal(&self, aad: &AssociatedData<'_>, text: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.seal(&aad.to_bytes(), text)
    }

    /// Encrypts so that the same text at the same place gives the same bytes: for columns that
    /// read models derive.
    pub fn seal_repeatably(&self, aad: &AssociatedData<'_>, text: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.seal_repeatably(&aad.to_bytes(), text)
    }

    /// Decrypts a text that was encrypted for this place.
    pub fn open(&self, aad: &AssociatedData<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.open(&aad.to_bytes(), sealed)
    }

    /// Prepares the key to decrypt many texts.
    pub fn opener(&self) -> Result<Opener, SealError> {
        self.0.cipher().map(Opener)
    }
}

/// A prepared [`ContentKey`]. Preparing a key takes about as long as decrypting a short text.
pub struct Opener(LessSafeKey);

impl Opener {
    /// Decrypts a text that was encrypted for this place, in the memory of its ciphertext.
    pub fn open(&self, aad: &AssociatedData<'_>, sealed: Vec<u8>) -> Result<Vec<u8>, SealError> {
        cipher::open(&self.0, &aad.to_bytes(), sealed)
    }
}

fn secret_aad(name: &str) -> Vec<u8> {
    [b"secret\0", name.as_bytes()].concat()
}

fn unwrap(parent: &Key, subject: Subject, wrapped: &[u8]) -> Result<Key, SealError> {
    let bytes = Zeroizing::new(parent.open(&subject.aad(), wrapped)?);
    Key::from_slice(&bytes).ok_or(SealError::Mismatch)
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey(…)")
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener(…)")
    }
}

#[cfg(test)]
mod tests;
