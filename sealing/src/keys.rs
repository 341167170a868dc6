//! The key tree: master key, one key per user, one key per conversation or document.

use std::fmt;

use aggregates::UserId;
use aws_lc_rs::aead::LessSafeKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::blind::BlindKey;
use crate::cipher::{self, Key, SealError};
use crate::coordinates::Coordinates;

/// The configured master key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read the master key: it must be 32 bytes, as 64 hexadecimal digits or as base64")]
pub struct InvalidMasterKey;

/// What a wrapped key belongs to.
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
    /// The kind's name in the store.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Conversation(_) => "conversation",
            Self::Document(_) => "document",
        }
    }

    /// The subject of a kind's name and an id; `None` for a kind nobody knows.
    pub fn named(kind: &str, id: Uuid) -> Option<Self> {
        match kind {
            "user" => Some(Self::User(UserId::new(id))),
            "conversation" => Some(Self::Conversation(id)),
            "document" => Some(Self::Document(id)),
            _ => None,
        }
    }

    /// The id in the store.
    pub const fn id(self) -> Uuid {
        match self {
            Self::User(id) => id.uuid(),
            Self::Conversation(id) | Self::Document(id) => id,
        }
    }

    fn associated_data(self) -> Vec<u8> {
        let mut data = Vec::with_capacity(40);
        data.extend_from_slice(b"key\0");
        data.extend_from_slice(self.id().as_bytes());
        data.extend_from_slice(self.kind().as_bytes());
        data
    }
}

/// The key of the whole installation: wraps users' keys, and nothing else.
#[derive(Clone)]
pub struct MasterKey {
    key: Key,
    id: String,
}

impl MasterKey {
    /// Reads 64 hexadecimal digits or base64 of 32 bytes; white space around it does not count.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let text = text.trim();
        let bytes = decode_hex(text).or_else(|| STANDARD.decode(text).ok()).ok_or(InvalidMasterKey)?;
        let key = Key(bytes.try_into().map_err(|_| InvalidMasterKey)?);
        let digest = blake3::derive_key("colloquy 2026 master key id", &key.0);
        let id = digest.first_chunk().copied().map_or(0, u64::from_be_bytes);
        Ok(Self { key, id: format!("{id:016x}") })
    }

    /// A name for this key that gives nothing of it away: stored beside what it wraps.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Makes a new user's key and wraps it.
    pub fn new_user_key(&self, user: UserId) -> Result<(UserKey, Vec<u8>), SealError> {
        let key = Key::random()?;
        let wrapped = self.key.seal(&Subject::User(user).associated_data(), &key.0)?;
        Ok((UserKey(key), wrapped))
    }

    /// Wraps a user's key that there is already.
    pub fn wrap_user_key(&self, user: UserId, key: &UserKey) -> Result<Vec<u8>, SealError> {
        self.key.seal(&Subject::User(user).associated_data(), &key.0.0)
    }

    /// Unwraps a user's key.
    pub fn unwrap_user_key(&self, user: UserId, wrapped: &[u8]) -> Result<UserKey, SealError> {
        unwrap(&self.key, Subject::User(user), wrapped).map(UserKey)
    }

    /// Seals a secret of the installation's own, such as the key that signs checkpoints, under its name.
    pub fn seal_secret(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        self.key.seal(&secret_place(name), secret)
    }

    /// Opens what [`Self::seal_secret`] sealed under the same name.
    pub fn open_secret(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.key.open(&secret_place(name), sealed)
    }

    /// A key for a purpose of the installation's own, such as signing cursors.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("colloquy 2026 purpose");
        hasher.update(&self.key.0);
        hasher.update(purpose.as_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// A user's key: wraps the keys of what is the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserKey(Key);

impl UserKey {
    /// Makes a new key for a conversation or document and wraps it.
    pub fn new_content_key(&self, subject: Subject) -> Result<(ContentKey, Vec<u8>), SealError> {
        let key = Key::random()?;
        let wrapped = self.0.seal(&subject.associated_data(), &key.0)?;
        Ok((ContentKey(key), wrapped))
    }

    /// Wraps a key that was made before it was known whose it is.
    pub fn wrap_content_key(&self, subject: Subject, key: &ContentKey) -> Result<Vec<u8>, SealError> {
        self.0.seal(&subject.associated_data(), &key.0.0)
    }

    /// Unwraps the key of a conversation or document.
    pub fn unwrap_content_key(&self, subject: Subject, wrapped: &[u8]) -> Result<ContentKey, SealError> {
        unwrap(&self.0, subject, wrapped).map(ContentKey)
    }

    /// The key of the user's blind index.
    pub fn blind_key(&self) -> BlindKey {
        BlindKey::new(blake3::derive_key("colloquy 2026 blind index", &self.0.0))
    }
}

/// The key of one conversation or document: seals its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentKey(Key);

impl ContentKey {
    /// A new key that belongs to nobody yet.
    pub fn random() -> Result<Self, SealError> {
        Key::random().map(Self)
    }

    /// Seals a text for its place.
    pub fn seal(&self, place: &Coordinates<'_>, text: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.seal(&place.associated_data(), text)
    }

    /// Seals so that the same text at the same place gives the same bytes: for what read models derive.
    pub fn seal_repeatably(&self, place: &Coordinates<'_>, text: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.seal_repeatably(&place.associated_data(), text)
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: &Coordinates<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.open(&place.associated_data(), sealed)
    }

    /// The key, made ready once to open many texts.
    pub fn opener(&self) -> Result<Opener, SealError> {
        self.0.cipher().map(Opener)
    }
}

/// A [`ContentKey`] ready to open many texts: making it ready takes as long as opening a short one.
pub struct Opener(LessSafeKey);

impl Opener {
    /// Opens what was sealed for this place, in its own memory.
    pub fn open(&self, place: &Coordinates<'_>, sealed: Vec<u8>) -> Result<Vec<u8>, SealError> {
        cipher::open(&self.0, &place.associated_data(), sealed)
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener(…)")
    }
}

fn secret_place(name: &str) -> Vec<u8> {
    [b"secret\0", name.as_bytes()].concat()
}

fn unwrap(parent: &Key, subject: Subject, wrapped: &[u8]) -> Result<Key, SealError> {
    let bytes = parent.open(&subject.associated_data(), wrapped)?;
    bytes.try_into().map(Key).map_err(|_| SealError::Mismatch)
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use aggregates::{AggregateType, Version};

    use super::*;

    fn master() -> MasterKey {
        MasterKey::parse(&"07".repeat(32)).unwrap()
    }

    fn place(sequence: u64) -> Coordinates<'static> {
        Coordinates::Event {
            aggregate: AggregateType::Conversation,
            aggregate_id: Uuid::from_u128(1),
            sequence: Version(sequence),
            event_type: "QuestionAsked",
        }
    }

    #[test]
    fn what_is_sealed_opens_at_its_own_place_only() {
        let user = UserId::new(Uuid::from_u128(2));
        let (user_key, wrapped) = master().new_user_key(user).unwrap();
        assert_eq!(master().unwrap_user_key(user, &wrapped), Ok(user_key));
        let subject = Subject::Conversation(Uuid::from_u128(1));
        let (key, wrapped) = user_key.new_content_key(subject).unwrap();
        assert_eq!(user_key.unwrap_content_key(subject, &wrapped), Ok(key));
        let sealed = key.seal(&place(1), b"hello").unwrap();
        assert_eq!(key.open(&place(1), &sealed), Ok(b"hello".to_vec()));
        assert_eq!(key.open(&place(2), &sealed), Err(SealError::Mismatch));
    }

    #[test]
    fn a_secret_opens_under_its_own_name_only() {
        let sealed = master().seal_secret("one", b"hush").unwrap();
        assert_eq!(master().open_secret("one", &sealed), Ok(b"hush".to_vec()));
        assert_eq!(master().open_secret("other", &sealed), Err(SealError::Mismatch));
    }

    #[test]
    fn a_wrapped_key_belongs_to_its_user_alone() {
        let (_, wrapped) = master().new_user_key(UserId::new(Uuid::from_u128(2))).unwrap();
        let other = UserId::new(Uuid::from_u128(3));
        assert_eq!(master().unwrap_user_key(other, &wrapped), Err(SealError::Mismatch));
    }

    #[test]
    fn sealing_repeatably_gives_the_same_bytes_for_the_same_text_and_others_for_another() {
        let (user_key, _) = master().new_user_key(UserId::new(Uuid::from_u128(2))).unwrap();
        let (key, _) = user_key.new_content_key(Subject::Conversation(Uuid::from_u128(1))).unwrap();
        let first = key.seal_repeatably(&place(1), b"a").unwrap();
        assert_eq!(first, key.seal_repeatably(&place(1), b"a").unwrap());
        assert_ne!(first, key.seal_repeatably(&place(1), b"b").unwrap());
        assert_ne!(first, key.seal_repeatably(&place(2), b"a").unwrap());
        assert_eq!(key.open(&place(1), &first), Ok(b"a".to_vec()));
    }

    #[test]
    fn a_master_key_is_hex_or_base64_of_32_bytes_and_nothing_else() {
        assert!(MasterKey::parse(&format!(" {}\n", "0f".repeat(32))).is_ok());
        assert!(MasterKey::parse(&STANDARD.encode([3; 32])).is_ok());
        assert!(MasterKey::parse("secret").is_err());
        assert!(MasterKey::parse("").is_err());
    }

    #[test]
    fn a_changed_or_cut_ciphertext_is_refused_without_a_panic() {
        let (user_key, _) = master().new_user_key(UserId::new(Uuid::from_u128(2))).unwrap();
        let (key, _) = user_key.new_content_key(Subject::Conversation(Uuid::from_u128(1))).unwrap();
        let sealed = key.seal(&place(1), b"hello").unwrap();
        for length in 0..sealed.len() {
            assert!(key.open(&place(1), &sealed[..length]).is_err());
            let mut changed = sealed.clone();
            changed[length] ^= 1;
            assert!(key.open(&place(1), &changed).is_err());
        }
    }
}
